-- A provider speaks for one or more domains. Each counts when the operator has confirmed it.
DROP INDEX sso_domain;
CREATE TABLE sso_domain (
    account_id TEXT NOT NULL REFERENCES account (id),
    domain TEXT NOT NULL,
    confirmed_at INTEGER,
    PRIMARY KEY (account_id, domain)
) STRICT;
CREATE UNIQUE INDEX sso_domain_confirmed ON sso_domain (domain) WHERE confirmed_at IS NOT NULL;
INSERT INTO sso_domain SELECT account_id, domain, confirmed_at FROM sso;
ALTER TABLE sso DROP COLUMN domain;
ALTER TABLE sso DROP COLUMN confirmed_at;
-- Scopes to ask for beside "openid", how the client authenticates, and whether an address counts as verified where
-- the provider says nothing of it.
ALTER TABLE sso ADD COLUMN scopes TEXT NOT NULL DEFAULT 'email profile';
ALTER TABLE sso ADD COLUMN client_auth TEXT NOT NULL DEFAULT 'automatic';
ALTER TABLE sso ADD COLUMN trusts_addresses INTEGER NOT NULL DEFAULT 0;

-- Who somebody is at an account's provider: its issuer and the subject there. An address may change, or be given to
-- another user.
CREATE TABLE identity (
    account_id TEXT NOT NULL REFERENCES account (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, issuer, subject)
) STRICT;

UPDATE head SET needs = 20 WHERE needs < 20;
