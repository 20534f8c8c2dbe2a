-- Receipts that hold whatever breaks.

-- A secret of the process that the row belongs to.
ALTER TABLE node ADD COLUMN holder TEXT NOT NULL DEFAULT '';

-- When an account became what it is, so that a journal's word and this database's can be told apart.
ALTER TABLE account ADD COLUMN state_changed_at INTEGER NOT NULL DEFAULT 0;
UPDATE account SET state_changed_at = coalesce(state_since, 0);

-- What consoles put into the feed carries a signature: the key's id and, after a colon, the signature.
ALTER TABLE change ADD COLUMN seal TEXT NOT NULL DEFAULT '';

-- Which of the database's histories this is, as its server numbers them at each failover, and since when: nodes that
-- joined just before may have been lost from the list, and may go on for as long as a lease.
ALTER TABLE head ADD COLUMN timeline TEXT NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN history_since INTEGER NOT NULL DEFAULT 0;

-- The newest report of each kind that a process has made: one that is sent twice counts once.
CREATE TABLE report (
    reporter TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (reporter, kind)
) STRICT;

UPDATE head SET needs = 18 WHERE needs < 18;
