-- Passkeys: the public half of a key that an authenticator holds. Nothing of it is secret.
CREATE TABLE passkey (
    id TEXT COLLATE "C" PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkey_of_user ON passkey (user_id);

-- A challenge that was answered: nobody answers it twice.
CREATE TABLE spent_challenge (
    hash BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

UPDATE head SET needs = 13 WHERE needs < 13;
