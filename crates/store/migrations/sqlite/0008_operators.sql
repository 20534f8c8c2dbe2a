-- NavUser administers the whole instance. A user may be an operator and a member of accounts, too.
CREATE TABLE operator (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    created_at INTEGER NOT NULL
) STRICT;

-- Suspended and closed accounts' tokens are refused. A closed one can be restored until its tokens are
-- ended for good, and is gone from then on.
ALTER TABLE account ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE account ADD COLUMN state_since INTEGER;

-- An operator, who is no member, invites an account's first owner.
CREATE TABLE invitation_new (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL,
    role TEXT NOT NULL,
    code_hash BLOB NOT NULL UNIQUE,
    invited_by TEXT REFERENCES member (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
INSERT INTO invitation_new SELECT id, account_id, email, email_canonical, role, code_hash, invited_by,
    created_at, expires_at, closed_at FROM invitation;
DROP TABLE invitation;
ALTER TABLE invitation_new RENAME TO invitation;
CREATE INDEX invitation_of_account ON invitation (account_id) WHERE closed_at IS NULL;

UPDATE head SET needs = 8 WHERE needs < 8;
