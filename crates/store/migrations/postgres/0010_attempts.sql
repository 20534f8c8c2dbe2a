-- Tries to log in, counted by who is tried, from where, and in all. A count of consecutive failures, and for
-- rates the instant until which they are used up.
CREATE TABLE attempt (
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    used_until BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);

-- Browsers in which a user has logged in before.
CREATE TABLE device (
    hash BYTEA PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL
);
CREATE INDEX device_of_user ON device (user_id);

UPDATE head SET needs = 10 WHERE needs < 10;
