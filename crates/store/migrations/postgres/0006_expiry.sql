-- How long an account's new API tokens may live at most, in days, and whether they must have an end.
ALTER TABLE account ADD COLUMN max_lifetime_days BIGINT;
ALTER TABLE account ADD COLUMN requires_expiry BIGINT NOT NULL DEFAULT 0;

-- Which reminders of a token's end were sent, by days before it, so that each is sent once.
CREATE TABLE reminder (
    token_id TEXT COLLATE "C" NOT NULL REFERENCES token (id),
    expires_at BIGINT NOT NULL,
    days BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    PRIMARY KEY (token_id, expires_at, days)
);
CREATE INDEX token_expiring ON token (expires_at) WHERE expires_at IS NOT NULL;

UPDATE head SET needs = 6 WHERE needs < 6;
