-- Whether an account's own policy on the life of its tokens refuses, or is only observed.
ALTER TABLE account ADD COLUMN expiry_mode TEXT COLLATE "C" NOT NULL DEFAULT 'enforce';
