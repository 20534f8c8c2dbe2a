-- A provider speaks for one or more domains. Each counts when the operator has confirmed it.
DROP INDEX sso_domain;
CREATE TABLE sso_domain (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    domain TEXT COLLATE "C" NOT NULL,
    confirmed_at BIGINT,
    PRIMARY KEY (account_id, domain)
);
CREATE UNIQUE INDEX sso_domain_confirmed ON sso_domain (domain) WHERE confirmed_at IS NOT NULL;
INSERT INTO sso_domain SELECT account_id, domain, confirmed_at FROM sso;
ALTER TABLE sso DROP COLUMN domain;
ALTER TABLE sso DROP COLUMN confirmed_at;
-- Scopes to ask for beside "openid", how the client authenticates, and whether an address counts as verified where
-- the provider says nothing of it.
ALTER TABLE sso ADD COLUMN scopes TEXT COLLATE "C" NOT NULL DEFAULT 'email profile';
ALTER TABLE sso ADD COLUMN client_auth TEXT COLLATE "C" NOT NULL DEFAULT 'automatic';
ALTER TABLE sso ADD COLUMN trusts_addresses BIGINT NOT NULL DEFAULT 0;

-- Who somebody is at an account's provider: its issuer and the subject there. An address may change, or be given to
-- another user.
CREATE TABLE identity (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    issuer TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, issuer, subject)
);

UPDATE head SET needs = 20 WHERE needs < 20;
