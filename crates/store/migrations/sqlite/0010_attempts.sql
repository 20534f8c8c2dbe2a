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

-- Browsers in which a person has logged in before.
CREATE TABLE device (
    hash BLOB PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES person (id),
    created_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX device_of_person ON device (person_id);

UPDATE head SET needs = 10 WHERE needs < 10;
