-- Second factors. The key of one-time codes stands sealed under the master key; recovery codes, of 125 random
-- bits each, as SHA-256.
CREATE TABLE totp (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_code (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX recovery_code_of_user ON recovery_code (user_id);

-- Someone has given the password and not yet the second factor.
CREATE TABLE pending_login (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    user_version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

ALTER TABLE account ADD COLUMN requires_two_factor INTEGER NOT NULL DEFAULT 0;

UPDATE head SET needs = 11 WHERE needs < 11;
