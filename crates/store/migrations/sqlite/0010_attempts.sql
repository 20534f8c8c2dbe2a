-- Tries to log in, counted by who is tried, from where, and in all. A count of consecutive failures, and for
-- rates the instant until which they are used up.
CREATE TABLE attempt (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    used_until INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;

-- Browsers in which a user has logged in before.
CREATE TABLE device (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX device_of_user ON device (user_id);

UPDATE head SET needs = 10 WHERE needs < 10;
