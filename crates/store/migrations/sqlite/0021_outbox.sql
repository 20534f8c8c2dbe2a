-- Mail that is yet to be handed to the mail server, sealed, because it holds one-time links. What the server refuses
-- for good stays for a while, without its text, so that its sender can be told.
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    sealed BLOB,
    invitation_id TEXT,
    created_at INTEGER NOT NULL,
    next_at INTEGER,
    tries INTEGER NOT NULL,
    error TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_next ON outbox (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX outbox_invitation ON outbox (invitation_id) WHERE invitation_id IS NOT NULL;
