-- Someone wants another e-mail address: both the old and the new one have to confirm.
CREATE TABLE email_change (
    old_code_hash BLOB PRIMARY KEY,
    new_code_hash BLOB NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    old_confirmed_at INTEGER,
    new_confirmed_at INTEGER,
    closed_at INTEGER
) STRICT;
CREATE INDEX email_change_of_user ON email_change (user_id) WHERE closed_at IS NULL;

-- Someone wants an account of their own, and has yet to prove the address.
CREATE TABLE sign_up (
    code_hash BLOB PRIMARY KEY,
    email TEXT NOT NULL,
    account_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

UPDATE head SET needs = 12 WHERE needs < 12;
