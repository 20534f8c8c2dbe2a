-- The schema of both back ends, in SQLite's types; src/schema.rs turns them into PostgreSQL's. Instants are microseconds
-- since the epoch, ids are text. Nothing in it gives access by itself: secrets, session ids, and codes are stored as
-- SHA-256, the copy of a bearer token as AEAD ciphertext under a key outside the database.

-- One row. Sequence numbers are taken from it in the transaction that uses them, so commit order is sequence
-- order and there are no gaps. A restored database gets a new epoch. `chain` is a digest over the change feed up to
-- `seq`. `needs` is the oldest schema version that a release must know. `key_id` is the master key that encrypts new
-- secrets. `timeline` is the history that the server numbers at each failover, `history_since` when it began.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    audit_seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    chain TEXT NOT NULL DEFAULT '',
    node_seq INTEGER NOT NULL DEFAULT 0,
    needs INTEGER NOT NULL DEFAULT 1,
    key_id TEXT NOT NULL DEFAULT '',
    timeline TEXT NOT NULL DEFAULT '',
    history_since INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The change feed. `seal` is the signature of the console that wrote the change: the key's id, a colon, the signature.
CREATE TABLE change (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    chain TEXT NOT NULL DEFAULT '',
    seal TEXT NOT NULL DEFAULT ''
) STRICT;

-- Proves that the key file is the one that this database was written with. `public_key` verifies receipts. `pepper` is
-- encrypted under the current key if its own key is no longer current.
CREATE TABLE key_check (
    key_id TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    public_key TEXT NOT NULL DEFAULT '',
    pepper BLOB
) STRICT;

-- `plan` is empty for the default plan. `ip_allowlist` holds CIDR ranges separated by spaces; empty allows any address.
-- Observed columns hold limits that reject nothing. `state_changed_at` orders the states that a journal and this
-- database know. `cors` is the account's own policy in JSON.
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    plan TEXT NOT NULL DEFAULT '',
    ip_allowlist TEXT NOT NULL DEFAULT '',
    observed_ip_allowlist TEXT,
    max_lifetime_days INTEGER,
    requires_expiry INTEGER NOT NULL DEFAULT 0,
    expiry_mode TEXT NOT NULL DEFAULT 'enforce',
    state TEXT NOT NULL DEFAULT 'active',
    state_since INTEGER,
    requires_two_factor INTEGER NOT NULL DEFAULT 0,
    state_changed_at INTEGER NOT NULL DEFAULT 0,
    cors TEXT,
    unfamiliar_use TEXT NOT NULL DEFAULT 'off',
    logs_requests INTEGER NOT NULL DEFAULT 1
) STRICT;

-- People who can log in. `language` is NULL if the browser chooses.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    language TEXT
) STRICT;

-- A user in an account. A login before `sessions_from` gives no access to the account. `removed_email` keeps the
-- address of a removed member: single sign-on rejects it for other users.
CREATE TABLE member (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER,
    sessions_from INTEGER,
    removed_email TEXT,
    -- The ID by which the operator's own product knows the member.
    external_id TEXT
) STRICT;
CREATE UNIQUE INDEX member_external_id ON member (account_id, external_id) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX member_once ON member (account_id, user_id) WHERE removed_at IS NULL;
CREATE INDEX member_of_user ON member (user_id);

-- A token has a name, limits, and a history. Its newest secret gives access to the API.
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
    ip_allowlist TEXT NOT NULL DEFAULT '',
    observed_scopes TEXT,
    observed_ip_allowlist TEXT,
    note TEXT NOT NULL DEFAULT '',
    -- The instant of a revocation that can be undone, and until when; a pause has no end.
    held_at INTEGER,
    held_until INTEGER,
    CHECK ((token_owner = 'member') = (member_id IS NOT NULL))
) STRICT;
CREATE INDEX token_of_account ON token (account_id, created_at, id);
CREATE UNIQUE INDEX token_of_member ON token (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX token_held ON token (account_id) WHERE held_at IS NOT NULL;
CREATE INDEX token_expiring ON token (expires_at) WHERE expires_at IS NOT NULL;

-- The secrets of a token, by SHA-256. At most one is current; a previous one works until `valid_until`, or until it has
-- not been used for `revoke_after_idle` microseconds. `encrypted_copy` is the encrypted copy of a bearer token.
CREATE TABLE secret (
    hash BLOB PRIMARY KEY,
    token_id TEXT NOT NULL REFERENCES token (id),
    version INTEGER NOT NULL,
    masked TEXT NOT NULL,
    encrypted_copy BLOB,
    issued_at INTEGER NOT NULL,
    ended_at INTEGER,
    revocation_reason TEXT,
    rotated_at INTEGER,
    valid_until INTEGER,
    revoke_after_idle INTEGER,
    UNIQUE (token_id, version),
    CHECK ((ended_at IS NULL) = (revocation_reason IS NULL)),
    CHECK (ended_at IS NULL OR encrypted_copy IS NULL)
) STRICT;
CREATE INDEX secret_with_copy ON secret (token_id) WHERE encrypted_copy IS NOT NULL;
-- The revocations that were undone, each with the console's signature. A node that has missed any number of them finds all.
CREATE TABLE restoration (
    hash BLOB NOT NULL REFERENCES secret (hash),
    revoked_at INTEGER NOT NULL,
    seal TEXT,
    PRIMARY KEY (hash, revoked_at)
) STRICT;
CREATE UNIQUE INDEX secret_current ON secret (token_id) WHERE ended_at IS NULL AND valid_until IS NULL;
CREATE INDEX secret_previous ON secret (valid_until) WHERE valid_until IS NOT NULL AND ended_at IS NULL;

-- Keys of the management API. One of an account acts as a member, one of the instance as an operator and has no account.
CREATE TABLE management_key (
    id TEXT PRIMARY KEY,
    account_id TEXT REFERENCES account (id),
    member_id TEXT REFERENCES member (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    ip_allowlist TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The role of the member who created it, which the key never exceeds.
    role TEXT,
    revoked_at INTEGER,
    last_used_at INTEGER,
    last_used_by TEXT,
    last_used_from TEXT,
    CHECK ((account_id IS NULL) = (member_id IS NULL))
) STRICT;
CREATE INDEX management_key_of_account ON management_key (account_id, created_at);
CREATE INDEX management_key_of_member ON management_key (member_id) WHERE revoked_at IS NULL;

-- The secrets of management keys, by SHA-256. The newest has no `valid_until`.
CREATE TABLE management_secret (
    hash BLOB PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES management_key (id),
    version INTEGER NOT NULL,
    masked TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    valid_until INTEGER,
    UNIQUE (key_id, version)
) STRICT;
CREATE UNIQUE INDEX management_secret_newest ON management_secret (key_id) WHERE valid_until IS NULL;

-- Requests to the management API that a client can repeat, by the SHA-256 of the client and its key for the request.
CREATE TABLE idempotent_request (
    key_hash BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    target TEXT NOT NULL,
    audit_seq INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotent_request_at ON idempotent_request (at);

-- Logins of devices that wait for a user, by the SHA-256 of the device code, which becomes the secret of a management key.
CREATE TABLE device_login (
    hash BLOB PRIMARY KEY,
    user_code_hash BLOB NOT NULL UNIQUE,
    masked TEXT NOT NULL,
    scopes TEXT NOT NULL,
    client_ip TEXT,
    client TEXT,
    expires_at INTEGER NOT NULL,
    answered_at INTEGER,
    key_id TEXT REFERENCES management_key (id)
) STRICT;

-- One-time links that log a member in, by SHA-256.
CREATE TABLE console_link (
    hash BLOB PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    member_id TEXT NOT NULL REFERENCES member (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    path TEXT NOT NULL,
    return_url TEXT,
    key_id TEXT REFERENCES management_key (id),
    expires_at INTEGER NOT NULL
) STRICT;

-- Browser sessions, by the SHA-256 of the cookie.
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
    ended_at INTEGER,
    -- Opened by a console link: limited to its account, with the page to go back to.
    is_linked INTEGER NOT NULL DEFAULT 0,
    return_url TEXT
) STRICT;
CREATE INDEX session_of_user ON session (user_id) WHERE ended_at IS NULL;

-- `invited_by` is NULL if an operator invited an account's first owner.
CREATE TABLE invitation (
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
CREATE INDEX invitation_of_account ON invitation (account_id) WHERE closed_at IS NULL;

-- Password reset links, by SHA-256.
CREATE TABLE reset (
    code_hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE INDEX reset_of_user ON reset (user_id) WHERE closed_at IS NULL;

-- The audit log, which is also the log of events: everything that leaves Keydesk is made from it. `number` is the entry's
-- place in the log of its account, without gaps. `chain` is a digest over the entry and the previous entry of the same
-- account.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    user_id TEXT,
    member_id TEXT,
    management_key_id TEXT,
    account_id TEXT,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    client_ip TEXT,
    user_agent TEXT,
    request_id TEXT NOT NULL,
    chain TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX audit_of_account ON audit (account_id, seq);
CREATE INDEX audit_of_target ON audit (account_id, target, seq);
CREATE INDEX audit_of_event ON audit (account_id, event, seq);
CREATE UNIQUE INDEX audit_number ON audit (coalesce(account_id, ''), number);

-- Clients that use a token: user agent and IP address.
CREATE TABLE integration (
    token_id TEXT NOT NULL REFERENCES token (id),
    client TEXT NOT NULL,
    client_ip TEXT NOT NULL,
    first_used_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    last_accepted_at INTEGER,
    requests INTEGER NOT NULL,
    PRIMARY KEY (token_id, client, client_ip)
) STRICT;

CREATE INDEX integration_first_used ON integration (first_used_at);

-- Answers to the question on the help page.
CREATE TABLE feedback (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    question TEXT NOT NULL,
    answered TEXT NOT NULL CHECK (answered IN ('yes', 'no')),
    comment TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (id),
    user_id TEXT NOT NULL REFERENCES users (id)
) STRICT;

-- Running processes. `joined` is the node's number, `known` the newest number that it knew at its last renewal,
-- `applied` its position in the change feed of `epoch`. It accepts no token for longer than `lease_ms` after its last
-- renewal or, if `on_disconnect` or its peers allow it, `max_staleness_ms`. `holder` is a secret of the process.
CREATE TABLE node (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    release TEXT NOT NULL,
    joined INTEGER NOT NULL,
    known INTEGER NOT NULL,
    renewals INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    lease_ms INTEGER NOT NULL,
    max_staleness_ms INTEGER NOT NULL,
    on_disconnect TEXT NOT NULL,
    asks_peers TEXT NOT NULL,
    peer_url TEXT NOT NULL,
    keys TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    holder TEXT NOT NULL DEFAULT ''
) STRICT;

-- Gateways that were removed from the list because they were silent, until this is in the audit log.
CREATE TABLE isolated_gateway (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    joined INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (id, joined)
) STRICT;

-- One row. `body` and `pending` are rules in JSON. Pending rules would reject requests that clients make now, and wait
-- for the operator.
CREATE TABLE operation_rules (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    mode TEXT NOT NULL,
    body TEXT NOT NULL,
    pending TEXT,
    changed_at INTEGER NOT NULL
) STRICT;

-- One row per day, token, client, and operation with an empty `violation` for all requests, and one per violation.
-- `rejected` counts the requests that were not forwarded.
CREATE TABLE operation_use (
    day INTEGER NOT NULL,
    token_id TEXT NOT NULL REFERENCES token (id),
    client TEXT NOT NULL,
    operation TEXT NOT NULL,
    violation TEXT NOT NULL,
    requests INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, operation, violation, client, day)
) STRICT;

CREATE INDEX operation_use_violated ON operation_use (day, violation) WHERE violation <> '';

-- How often tokens were used: `body` is a period's use in JSON. `subject` is a token's ID, an account's ID, or the number of
-- an account for requests to it without a valid token. `period` is 'hour' or 'day', and `at` its beginning. `requests`,
-- `errors`, and `server_errors` repeat what is in `body`, for queries. Gateways write
-- the hours of tokens, each process under its own `reporter`, and replace their rows. The others are made from these.
CREATE TABLE period_use (
    subject TEXT NOT NULL,
    period TEXT NOT NULL,
    at INTEGER NOT NULL,
    reporter TEXT NOT NULL,
    body TEXT NOT NULL,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    server_errors INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (subject, period, at, reporter)
) STRICT;
CREATE INDEX period_use_written ON period_use (written_at) WHERE period = 'hour' AND reporter <> '';
CREATE INDEX period_use_at ON period_use (period, at);

-- Up to when each gateway has reported the use of tokens, and how many requests it could not count.
CREATE TABLE usage_mark (
    node_id TEXT PRIMARY KEY,
    complete_until INTEGER NOT NULL,
    lost INTEGER NOT NULL
) STRICT;

-- One row. The instant up to which the hours of accounts and all days are made, and the end of the last time in which
-- gateways reported nothing.
CREATE TABLE usage_rollup (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    until INTEGER NOT NULL,
    gap_until INTEGER NOT NULL
) STRICT;

-- The newest requests of each account and outcome.
CREATE TABLE request_log (
    account_number INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    token_id TEXT,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    operation TEXT NOT NULL,
    status INTEGER NOT NULL,
    is_upstreams INTEGER NOT NULL,
    code TEXT NOT NULL,
    duration_us INTEGER NOT NULL,
    client TEXT NOT NULL,
    client_ip TEXT NOT NULL,
    upstream TEXT NOT NULL,
    PRIMARY KEY (account_number, outcome, at, id)
) STRICT;
CREATE INDEX request_log_id ON request_log (account_number, id);

-- The alerts of an account, or of a token: `body` is JSON. Without a row, they are sent.
CREATE TABLE alert_settings (
    subject TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- Clients of a bearer token for which an API token was created.
CREATE TABLE token_move (
    token_id TEXT NOT NULL REFERENCES token (id),
    client TEXT NOT NULL,
    new_token_id TEXT NOT NULL REFERENCES token (id),
    PRIMARY KEY (token_id, client)
) STRICT;

-- What members decided about failing clients. `id` is a digest of token, code, client, network, and operation.
CREATE TABLE failing_client (
    account_id TEXT NOT NULL REFERENCES account (id),
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER,
    notified_at INTEGER,
    PRIMARY KEY (account_id, id)
) STRICT;

-- Versions of the API's OpenAPI document that consoles have seen: its operations and what clients of each depend on.
CREATE TABLE api_version (
    seen_at INTEGER PRIMARY KEY,
    summary TEXT NOT NULL
) STRICT;

-- Requests of an account in a month (202611, UTC) at all gateways together.
CREATE TABLE quota_use (
    account_number INTEGER NOT NULL,
    month INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account_number, month)
) STRICT;
CREATE INDEX quota_use_changed ON quota_use (month, changed_at);

-- Expiration reminders that were sent, so that each is sent once.
CREATE TABLE reminder (
    token_id TEXT NOT NULL REFERENCES token (id),
    expires_at INTEGER NOT NULL,
    days INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, expires_at, days)
) STRICT;

-- What happened without a change and is in the audit log, so that it is recorded once: the expiration of a token, its
-- first use, a quota that is used up. The period is a month, a day, or an instant, by the kind.
CREATE TABLE notice (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    period INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (subject, kind, period)
) STRICT;
CREATE INDEX notice_at ON notice (at);

-- Users who administer the instance.
CREATE TABLE operator (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    created_at INTEGER NOT NULL
) STRICT;

-- The last entry of each account's audit log and the number of entries. The empty account holds the instance's entries.
CREATE TABLE audit_head (
    account_id TEXT PRIMARY KEY,
    chain TEXT NOT NULL,
    entries INTEGER NOT NULL
) STRICT;

-- Failed logins by user, by network, and in total: consecutive failures, and for rates the time until which they are
-- used up.
CREATE TABLE attempt (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    used_until INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;

-- Browsers in which a user has logged in before.
CREATE TABLE device (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX device_of_user ON device (user_id);

-- Keys of one-time codes, encrypted under the master key.
CREATE TABLE totp (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER NOT NULL
) STRICT;

-- Recovery codes of 125 random bits, by SHA-256.
CREATE TABLE recovery_code (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX recovery_code_of_user ON recovery_code (user_id);

-- Logins that passed the password and wait for the second factor.
CREATE TABLE pending_login (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    user_version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    account_id TEXT REFERENCES account (id)
) STRICT;

-- A change of an email address, which both addresses must confirm.
CREATE TABLE email_change (
    old_code_hash BLOB PRIMARY KEY,
    new_code_hash BLOB NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    old_confirmed_at INTEGER,
    new_confirmed_at INTEGER,
    closed_at INTEGER
) STRICT;
CREATE INDEX email_change_of_user ON email_change (user_id) WHERE closed_at IS NULL;

-- A sign-up whose address is not verified yet.
CREATE TABLE sign_up (
    code_hash BLOB PRIMARY KEY,
    email TEXT NOT NULL,
    account_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

-- The public half of a key that an authenticator holds.
CREATE TABLE passkey (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX passkey_of_user ON passkey (user_id);

-- Challenges that were answered: each can be answered once.
CREATE TABLE spent_challenge (
    hash BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

-- Single sign-on of an account. `set_by` is the member who saved it: settings that are not approved go when they go.
CREATE TABLE sso (
    account_id TEXT PRIMARY KEY REFERENCES account (id),
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    default_role TEXT NOT NULL,
    role_claim TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    set_by TEXT REFERENCES member (id),
    scopes TEXT NOT NULL DEFAULT 'email profile',
    client_auth TEXT NOT NULL DEFAULT 'automatic',
    trusts_emails INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The newest report of each kind that a process has sent: one that arrives twice counts once.
CREATE TABLE report (
    reporter TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (reporter, kind)
) STRICT;

-- Domains of an identity provider. Each counts once an operator has approved it.
CREATE TABLE sso_domain (
    account_id TEXT NOT NULL REFERENCES account (id),
    domain TEXT NOT NULL,
    approved_at INTEGER,
    PRIMARY KEY (account_id, domain)
) STRICT;
CREATE UNIQUE INDEX sso_domain_approved ON sso_domain (domain) WHERE approved_at IS NOT NULL;

-- A user at an account's identity provider: issuer and subject. Addresses can change or be given to another user.
-- `role_values` is a JSON array: what the role claim contained at the last login.
CREATE TABLE identity (
    account_id TEXT NOT NULL REFERENCES account (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    role_values TEXT,
    PRIMARY KEY (account_id, issuer, subject)
) STRICT;

-- Email that is yet to be sent, encrypted because it holds addresses and names. The one-time code of a link is generated
-- when the email is sent; `code_hash` is its digest, by which the row that the code opens is found. Failed email stays for a
-- while without text.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    sealed BLOB,
    code_hash BLOB,
    invitation_id TEXT,
    created_at INTEGER NOT NULL,
    next_at INTEGER,
    tries INTEGER NOT NULL,
    error TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_next ON outbox (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX outbox_invitation ON outbox (invitation_id) WHERE invitation_id IS NOT NULL;

-- Endpoints that receive events of an account, or of the whole instance if they have no account. `sealed` is the secret
-- that signs; the previous one signs, too, until `previous_until`. An endpoint receives entries after `after_seq`;
-- `last_number` is the newest one that it received. No attempt begins before `throttled_until`.
CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    account_id TEXT REFERENCES account (id),
    url TEXT NOT NULL,
    name TEXT NOT NULL,
    events TEXT NOT NULL,
    state TEXT NOT NULL,
    disabled_reason TEXT,
    sealed BLOB NOT NULL,
    previous_sealed BLOB,
    previous_until INTEGER,
    created_at INTEGER NOT NULL,
    after_seq INTEGER NOT NULL,
    last_number INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    throttled_until INTEGER
) STRICT;
CREATE INDEX webhook_of_account ON webhook (account_id);

-- The delivery of an audit entry to an endpoint, as an event of this type. `previous` is the number of the event that the
-- endpoint received before. A redelivery is one attempt.
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhook (id),
    audit_seq INTEGER NOT NULL REFERENCES audit (seq),
    type TEXT NOT NULL,
    previous INTEGER NOT NULL,
    is_redelivery INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    next_at INTEGER
) STRICT;
CREATE INDEX delivery_due ON delivery (webhook_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX delivery_finished ON delivery (created_at, id) WHERE next_at IS NULL;
CREATE INDEX delivery_of_webhook ON delivery (webhook_id, created_at);

-- The attempts of a delivery. `response` is the beginning of the response's body, without tokens.
CREATE TABLE delivery_attempt (
    delivery_id TEXT NOT NULL REFERENCES delivery (id),
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT NOT NULL,
    response TEXT NOT NULL,
    PRIMARY KEY (delivery_id, number)
) STRICT;

-- Tokens that never work, by SHA-256. A use raises an alarm, at `alarmed_at` the last one.
CREATE TABLE canary (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    masked TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER,
    uses INTEGER NOT NULL DEFAULT 0,
    last_used_at INTEGER,
    last_used_by TEXT,
    last_used_from TEXT,
    alarmed_at INTEGER
) STRICT;
CREATE INDEX canary_of_account ON canary (account_id, created_at);

-- Uses of canary tokens, as gateways report them, until they are in an alarm.
CREATE TABLE canary_use (
    canary_id TEXT NOT NULL REFERENCES canary (id),
    at INTEGER NOT NULL,
    client_ip TEXT NOT NULL,
    client TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    request_id TEXT NOT NULL,
    uses INTEGER NOT NULL
) STRICT;
CREATE INDEX canary_use_of ON canary_use (canary_id, at);

-- How far the readers of the audit log are, by the number of the last entry that they have passed on. A reader that passes
-- entries on outside of a transaction is claimed by a node until an instant.
CREATE TABLE reader (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    holder TEXT,
    held_until INTEGER
) STRICT;

-- Where the data was migrated to. From then on nobody serves from this database.
CREATE TABLE moved (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    place TEXT NOT NULL
) STRICT;

INSERT INTO head (one, seq, audit_seq, epoch) VALUES (1, 0, 0, $EPOCH);
