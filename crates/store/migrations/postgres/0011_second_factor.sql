-- Second factors. The key of one-time codes stands sealed under the master key; recovery codes, of 125 random
-- bits each, as SHA-256.
CREATE TABLE totp (
    person_id TEXT COLLATE "C" PRIMARY KEY REFERENCES person (id),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    hash BYTEA PRIMARY KEY,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES person (id),
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX recovery_code_of_person ON recovery_code (person_id);

-- Someone has given the password and not yet the second factor.
CREATE TABLE half_log_in (
    hash BYTEA PRIMARY KEY,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES person (id),
    person_version BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

ALTER TABLE account ADD COLUMN requires_two_factor BIGINT NOT NULL DEFAULT 0;

UPDATE head SET needs = 11 WHERE needs < 11;
