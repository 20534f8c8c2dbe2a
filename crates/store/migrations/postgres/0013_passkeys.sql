-- Passkeys: the public half of a key that an authenticator holds. Nothing of it is secret.
CREATE TABLE passkey (
    id TEXT COLLATE "C" PRIMARY KEY,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES person (id),
    name TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkey_of_person ON passkey (person_id);

-- A challenge that an authenticator has yet to answer; of nobody in particular while logging in.
CREATE TABLE ceremony (
    hash BYTEA PRIMARY KEY,
    person_id TEXT COLLATE "C" REFERENCES person (id),
    state TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);

UPDATE head SET needs = 13 WHERE needs < 13;
