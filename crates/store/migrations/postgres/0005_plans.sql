-- Plans are defined in the configuration; an account has the name of one, empty for the one of all others.
-- Networks between blanks; empty: from anywhere. What is on observed refuses nothing.
ALTER TABLE account ADD COLUMN plan TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN addresses TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN observed_addresses TEXT COLLATE "C";

-- Calls of an account in a month (202611, UTC), by all gateways together.
CREATE TABLE quota_use (
    account_number BIGINT NOT NULL,
    month BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (account_number, month)
);
CREATE INDEX quota_use_changed ON quota_use (month, changed_at);

UPDATE head SET needs = 5 WHERE needs < 5;
