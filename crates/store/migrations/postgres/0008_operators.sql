-- NavUser administers the whole instance. A user may be an operator and a member of accounts, too.
CREATE TABLE operator (
    user_id TEXT COLLATE "C" PRIMARY KEY REFERENCES users (id),
    created_at BIGINT NOT NULL
);

-- Suspended and closed accounts' tokens are refused. A closed one can be restored until its tokens are
-- ended for good, and is gone from then on.
ALTER TABLE account ADD COLUMN state TEXT COLLATE "C" NOT NULL DEFAULT 'active';
ALTER TABLE account ADD COLUMN state_since BIGINT;

-- An operator, who is no member, invites an account's first owner.
ALTER TABLE invitation ALTER COLUMN invited_by DROP NOT NULL;

UPDATE head SET needs = 8 WHERE needs < 8;
