-- Single sign-on of an account by OpenID Connect. It counts when the operator has confirmed that the domain of
-- the addresses is this customer's, and that the provider may be asked.
CREATE TABLE sso (
    account_id TEXT COLLATE "C" PRIMARY KEY REFERENCES account (id),
    issuer TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    default_role TEXT COLLATE "C" NOT NULL,
    role_claim TEXT COLLATE "C" NOT NULL,
    roles TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT
);
CREATE UNIQUE INDEX sso_domain ON sso (domain) WHERE confirmed_at IS NOT NULL;

UPDATE head SET needs = 14 WHERE needs < 14;
