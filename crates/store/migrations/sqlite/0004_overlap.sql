-- Rotation with overlap: the old secret goes on until `closes_at`, or until nobody has used it for
-- `quiet` microseconds. `closing_since` is when it was rotated.
ALTER TABLE secret ADD COLUMN closing_since INTEGER;
ALTER TABLE secret ADD COLUMN closes_at INTEGER;
ALTER TABLE secret ADD COLUMN quiet INTEGER;

-- One secret is open; others may be closing.
DROP INDEX secret_open;
CREATE UNIQUE INDEX secret_open ON secret (token_id) WHERE ended_at IS NULL AND closes_at IS NULL;
CREATE INDEX secret_closing ON secret (closes_at) WHERE closes_at IS NOT NULL AND ended_at IS NULL;

UPDATE head SET needs = 4 WHERE needs < 4;
