-- Each entry of the audit log carries a digest over itself and the entry of the same account before it; here
-- is the last one of each account, and how many there are. The empty account: entries of none.
-- Entries from before have none and are not held against anything.
ALTER TABLE audit ADD COLUMN chain TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE TABLE audit_head (
    account_id TEXT COLLATE "C" PRIMARY KEY,
    chain TEXT COLLATE "C" NOT NULL,
    entries BIGINT NOT NULL
);

UPDATE head SET needs = 9 WHERE needs < 9;
