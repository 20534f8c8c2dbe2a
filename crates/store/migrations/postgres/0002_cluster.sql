-- Many machines: the feed can be told apart from another one with the same numbers, nodes stand in
-- a list with what each may do without word from the database, and the key ring has versions.

-- `chain` is a digest over the feed up to `seq`: two feeds that agree on it agree on everything before.
-- `node_seq` numbers the nodes as they join. `needs` is the oldest schema step that a release must
-- know to work here. `key_id` is the master key that new secrets are sealed under.
ALTER TABLE head ADD COLUMN chain TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN node_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN needs BIGINT NOT NULL DEFAULT 2;
ALTER TABLE head ADD COLUMN key_id TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE head SET key_id = coalesce((SELECT max(key_id) FROM key_check), '');

ALTER TABLE change ADD COLUMN chain TEXT COLLATE "C" NOT NULL DEFAULT '';

-- The public half of the key that receipts are signed with, and the pepper of a key that is no
-- longer current, sealed under the one that is.
ALTER TABLE key_check ADD COLUMN public_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE key_check ADD COLUMN pepper BYTEA;

-- A process that serves. `joined` is its number; `known` the newest number that it had seen when it
-- last renewed; `applied` how far it has come in the feed of `epoch`. It accepts no token for longer
-- than `lease_ms` after its last renewal, or, where `gateway_disconnected` says so, `max_age_ms`.
CREATE TABLE node (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    release TEXT COLLATE "C" NOT NULL,
    joined BIGINT NOT NULL,
    known BIGINT NOT NULL,
    renewals BIGINT NOT NULL,
    applied BIGINT NOT NULL,
    epoch TEXT COLLATE "C" NOT NULL,
    lease_ms BIGINT NOT NULL,
    max_age_ms BIGINT NOT NULL,
    isolated TEXT COLLATE "C" NOT NULL,
    asks_peers TEXT COLLATE "C" NOT NULL,
    peer_url TEXT COLLATE "C" NOT NULL,
    keys TEXT COLLATE "C" NOT NULL,
    seen_at BIGINT NOT NULL
);

CREATE INDEX secret_displayed ON secret (token_id) WHERE display IS NOT NULL;
CREATE INDEX audit_of_action ON audit (account_id, action, seq);
