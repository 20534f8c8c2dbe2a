-- A provider speaks for one or more domains. Each counts when the operator has confirmed it.
DROP INDEX sign_on_domain;
CREATE TABLE sign_on_domain (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    domain TEXT COLLATE "C" NOT NULL,
    confirmed_at BIGINT,
    PRIMARY KEY (account_id, domain)
);
CREATE UNIQUE INDEX sign_on_domain_confirmed ON sign_on_domain (domain) WHERE confirmed_at IS NOT NULL;
INSERT INTO sign_on_domain SELECT account_id, domain, confirmed_at FROM sign_on;
ALTER TABLE sign_on DROP COLUMN domain;
ALTER TABLE sign_on DROP COLUMN confirmed_at;
-- Scopes to ask for beside "openid", how the client authenticates, and whether an address counts as verified where
-- the provider says nothing of it.
ALTER TABLE sign_on ADD COLUMN scopes TEXT COLLATE "C" NOT NULL DEFAULT 'email profile';
ALTER TABLE sign_on ADD COLUMN client_auth TEXT COLLATE "C" NOT NULL DEFAULT 'automatic';
ALTER TABLE sign_on ADD COLUMN trusts_addresses BIGINT NOT NULL DEFAULT 0;

-- Who somebody is at an account's provider: its issuer and the subject there. An address may change, or be given to
-- another person.
CREATE TABLE identity (
    account_id TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    issuer TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES person (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, issuer, subject)
);

UPDATE head SET needs = 20 WHERE needs < 20;
