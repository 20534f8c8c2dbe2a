-- Single sign-on of an account by OpenID Connect. It counts when the operator has confirmed that the domain of
-- the addresses is this customer's, and that the provider may be asked.
CREATE TABLE sso (
    account_id TEXT PRIMARY KEY REFERENCES account (id),
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    domain TEXT NOT NULL,
    default_role TEXT NOT NULL,
    role_claim TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX sso_domain ON sso (domain) WHERE confirmed_at IS NOT NULL;

UPDATE head SET needs = 14 WHERE needs < 14;
