-- The heart: accounts, people, members, tokens and their secrets, sessions, and the feed.
-- Instants are microseconds since the epoch. Ids are text. Nothing here opens anything by itself:
-- secrets, session ids and codes stand as SHA-256, the display copy of a bearer token as AEAD
-- ciphertext under a key outside the database.

-- The one row from which sequence numbers are taken, in the transaction that uses them: so commit
-- order is sequence order and there are no gaps. A restored database gets a new epoch.
CREATE TABLE head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL,
    audit_seq BIGINT NOT NULL,
    epoch TEXT COLLATE "C" NOT NULL
);

CREATE TABLE change (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL
);

-- Proves that the key file at hand is the one that this database was written with.
CREATE TABLE key_check (
    key_id TEXT COLLATE "C" PRIMARY KEY,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE account (
    id TEXT COLLATE "C" PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT COLLATE "C" PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL,
    email_canonical TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE member (
    id TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    role TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE UNIQUE INDEX member_once ON member (account_id, user_id) WHERE removed_at IS NULL;
CREATE INDEX member_of_user ON member (user_id);

-- A token has a name, scopes and a history; what opens the API is its newest secret.
CREATE TABLE token (
    id TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    token_owner TEXT COLLATE "C" NOT NULL CHECK (token_owner IN ('member', 'account')),
    member_id TEXT COLLATE "C" REFERENCES member (id),
    name TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" REFERENCES member (id),
    request_key TEXT COLLATE "C" UNIQUE,
    CHECK ((token_owner = 'member') = (member_id IS NOT NULL))
);
CREATE INDEX token_of_account ON token (account_id, created_at);
CREATE UNIQUE INDEX token_of_member ON token (member_id) WHERE member_id IS NOT NULL;

CREATE TABLE secret (
    hash BYTEA PRIMARY KEY,
    token_id TEXT COLLATE "C" NOT NULL REFERENCES token (id),
    version BIGINT NOT NULL,
    masked TEXT COLLATE "C" NOT NULL,
    display BYTEA,
    issued_at BIGINT NOT NULL,
    ended_at BIGINT,
    revocation_reason TEXT COLLATE "C",
    UNIQUE (token_id, version),
    CHECK ((ended_at IS NULL) = (revocation_reason IS NULL)),
    CHECK (ended_at IS NULL OR display IS NULL)
);

-- At most one secret of a token is open.
CREATE UNIQUE INDEX secret_open ON secret (token_id) WHERE ended_at IS NULL;

CREATE TABLE session (
    id TEXT COLLATE "C" PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    account_id TEXT COLLATE "C" REFERENCES account (id),
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    client_ip TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    ended_at BIGINT
);
CREATE INDEX session_of_user ON session (user_id) WHERE ended_at IS NULL;

CREATE TABLE invitation (
    id TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    email TEXT COLLATE "C" NOT NULL,
    email_canonical TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    code_hash BYTEA NOT NULL UNIQUE,
    invited_by TEXT COLLATE "C" NOT NULL REFERENCES member (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX invitation_of_account ON invitation (account_id) WHERE closed_at IS NULL;

CREATE TABLE reset (
    code_hash BYTEA PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX reset_of_user ON reset (user_id) WHERE closed_at IS NULL;

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    member_id TEXT COLLATE "C",
    account_id TEXT COLLATE "C",
    target TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    client_ip TEXT COLLATE "C",
    user_agent TEXT COLLATE "C",
    request_id TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_of_account ON audit (account_id, seq);

-- A program that calls with a token, as its user agent and address tell it apart.
CREATE TABLE integration (
    token_id TEXT COLLATE "C" NOT NULL REFERENCES token (id),
    program TEXT COLLATE "C" NOT NULL,
    client_ip TEXT COLLATE "C" NOT NULL,
    first_used_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (token_id, program, client_ip)
);

CREATE TABLE feedback (
    id TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL,
    question TEXT COLLATE "C" NOT NULL,
    answered TEXT COLLATE "C" NOT NULL CHECK (answered IN ('yes', 'no')),
    comment TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id)
);

INSERT INTO head (one, seq, audit_seq, epoch) VALUES (1, 0, 0, replace(gen_random_uuid()::text, '-', ''));
