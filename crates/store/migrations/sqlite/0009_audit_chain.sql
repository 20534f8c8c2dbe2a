-- Each entry of the audit log carries a digest over itself and the entry of the same account before it; here
-- is the last one of each account, and how many there are. The empty account: entries of none.
-- Entries from before have none and are not held against anything.
ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT '';
CREATE TABLE audit_head (
    account_id TEXT PRIMARY KEY,
    chain TEXT NOT NULL,
    entries INTEGER NOT NULL
) STRICT;

UPDATE head SET needs = 9 WHERE needs < 9;
