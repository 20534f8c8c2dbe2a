-- Passkeys: the public half of a key that an authenticator holds. Nothing of it is secret.
CREATE TABLE passkey (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX passkey_of_user ON passkey (user_id);

-- A challenge that was answered: nobody answers it twice.
CREATE TABLE spent_challenge (
    hash BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

UPDATE head SET needs = 13 WHERE needs < 13;
