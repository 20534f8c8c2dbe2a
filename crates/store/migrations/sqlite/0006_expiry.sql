-- How long an account's new API tokens may live at most, in days, and whether they must have an end.
ALTER TABLE account ADD COLUMN max_lifetime_days INTEGER;
ALTER TABLE account ADD COLUMN requires_expiry INTEGER NOT NULL DEFAULT 0;

-- Which reminders of a token's end were sent, by days before it, so that each is sent once.
CREATE TABLE reminder (
    token_id TEXT NOT NULL REFERENCES token (id),
    expires_at INTEGER NOT NULL,
    days INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, expires_at, days)
) STRICT;
CREATE INDEX token_expiring ON token (expires_at) WHERE expires_at IS NOT NULL;

UPDATE head SET needs = 6 WHERE needs < 6;
