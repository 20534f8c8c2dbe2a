-- Plans are defined in the configuration; an account has the name of one, empty for the one of all others.
-- Networks between blanks; empty: from anywhere. What is on observed refuses nothing.
ALTER TABLE account ADD COLUMN plan TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN addresses TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN observed_addresses TEXT;

-- Calls of an account in a month (202611, UTC), by all gateways together.
CREATE TABLE quota_use (
    account_number INTEGER NOT NULL,
    month INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account_number, month)
) STRICT;
CREATE INDEX quota_use_changed ON quota_use (month, changed_at);

UPDATE head SET needs = 5 WHERE needs < 5;
