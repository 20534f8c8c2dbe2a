-- The heart: accounts, people, members, tokens and their secrets, sessions, and the feed.
-- Instants are microseconds since the epoch. Ids are text. Nothing here opens anything by itself:
-- secrets, session ids and codes stand as SHA-256, the display copy of a bearer token as AEAD
-- ciphertext under a key outside the database.

-- The one row from which sequence numbers are taken, in the transaction that uses them: so commit
-- order is sequence order and there are no gaps. A restored database gets a new epoch.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    audit_seq INTEGER NOT NULL,
    epoch TEXT NOT NULL
) STRICT;

CREATE TABLE change (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- Proves that the key file at hand is the one that this database was written with.
CREATE TABLE key_check (
    key_id TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX member_once ON member (account_id, user_id) WHERE removed_at IS NULL;
CREATE INDEX member_of_user ON member (user_id);

-- A token has a name, scopes and a history; what opens the API is its newest secret.
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    token_owner TEXT NOT NULL CHECK (token_owner IN ('member', 'account')),
    member_id TEXT REFERENCES member (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES member (id),
    request_key TEXT UNIQUE,
    CHECK ((token_owner = 'member') = (member_id IS NOT NULL))
) STRICT;
CREATE INDEX token_of_account ON token (account_id, created_at);
CREATE UNIQUE INDEX token_of_member ON token (member_id) WHERE member_id IS NOT NULL;

CREATE TABLE secret (
    hash BLOB PRIMARY KEY,
    token_id TEXT NOT NULL REFERENCES token (id),
    version INTEGER NOT NULL,
    masked TEXT NOT NULL,
    display BLOB,
    issued_at INTEGER NOT NULL,
    ended_at INTEGER,
    revocation_reason TEXT,
    UNIQUE (token_id, version),
    CHECK ((ended_at IS NULL) = (revocation_reason IS NULL)),
    CHECK (ended_at IS NULL OR display IS NULL)
) STRICT;

-- At most one secret of a token is open.
CREATE UNIQUE INDEX secret_open ON secret (token_id) WHERE ended_at IS NULL;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    account_id TEXT REFERENCES account (id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    client_ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX session_of_user ON session (user_id) WHERE ended_at IS NULL;

CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL,
    role TEXT NOT NULL,
    code_hash BLOB NOT NULL UNIQUE,
    invited_by TEXT NOT NULL REFERENCES member (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE INDEX invitation_of_account ON invitation (account_id) WHERE closed_at IS NULL;

CREATE TABLE reset (
    code_hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE INDEX reset_of_user ON reset (user_id) WHERE closed_at IS NULL;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    user_id TEXT,
    member_id TEXT,
    account_id TEXT,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    client_ip TEXT,
    user_agent TEXT,
    request_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_account ON audit (account_id, seq);

-- A program that calls with a token, as its user agent and address tell it apart.
CREATE TABLE integration (
    token_id TEXT NOT NULL REFERENCES token (id),
    program TEXT NOT NULL,
    client_ip TEXT NOT NULL,
    first_used_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (token_id, program, client_ip)
) STRICT;

CREATE TABLE feedback (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    question TEXT NOT NULL,
    answered TEXT NOT NULL CHECK (answered IN ('yes', 'no')),
    comment TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    user_id TEXT NOT NULL REFERENCES users (id)
) STRICT;

INSERT INTO head (one, seq, audit_seq, epoch) VALUES (1, 0, 0, lower(hex(randomblob(16))));
