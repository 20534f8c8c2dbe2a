-- Someone wants another e-mail address: both the old and the new one have to confirm.
CREATE TABLE email_change (
    old_code_hash BYTEA PRIMARY KEY,
    new_code_hash BYTEA NOT NULL UNIQUE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    email TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    old_confirmed_at BIGINT,
    new_confirmed_at BIGINT,
    closed_at BIGINT
);
CREATE INDEX email_change_of_user ON email_change (user_id) WHERE closed_at IS NULL;

-- Someone wants an account of their own, and has yet to prove the address.
CREATE TABLE sign_up (
    code_hash BYTEA PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL,
    account_name TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT
);

UPDATE head SET needs = 12 WHERE needs < 12;
