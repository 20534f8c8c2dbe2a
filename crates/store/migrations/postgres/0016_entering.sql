-- Whoever was logged out of an account by an administrator enters it with a log-in after that only, wherever their
-- sessions stand.
ALTER TABLE member ADD COLUMN sessions_from BIGINT;
-- The account to which half a log-in leads, where the way in was an account's own.
ALTER TABLE pending_login ADD COLUMN account_id TEXT COLLATE "C" REFERENCES account (id);
