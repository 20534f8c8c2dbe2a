-- Second factors. The key of one-time codes stands sealed under the master key; recovery codes, of 125 random
-- bits each, as SHA-256.
CREATE TABLE totp (
    user_id TEXT COLLATE "C" PRIMARY KEY REFERENCES users (id),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    hash BYTEA PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX recovery_code_of_user ON recovery_code (user_id);

-- Someone has given the password and not yet the second factor.
CREATE TABLE pending_login (
    hash BYTEA PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    user_version BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

ALTER TABLE account ADD COLUMN requires_two_factor BIGINT NOT NULL DEFAULT 0;

UPDATE head SET needs = 11 WHERE needs < 11;
