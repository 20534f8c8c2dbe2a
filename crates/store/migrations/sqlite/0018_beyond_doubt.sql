-- Receipts that hold whatever breaks.

-- A secret of the process that the row belongs to.
ALTER TABLE node ADD COLUMN holder TEXT NOT NULL DEFAULT '';

-- When an account became what it is, so that a journal's word and this database's can be told apart.
ALTER TABLE account ADD COLUMN state_changed_at INTEGER NOT NULL DEFAULT 0;
UPDATE account SET state_changed_at = coalesce(state_since, 0);

-- What consoles put into the feed carries a signature: the key's id and, after a colon, the signature.
ALTER TABLE change ADD COLUMN seal TEXT NOT NULL DEFAULT '';

-- The newest report of each kind that a process has made: one that is sent twice counts once.
CREATE TABLE report (
    reporter TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (reporter, kind)
) STRICT;

UPDATE head SET needs = 18 WHERE needs < 18;
