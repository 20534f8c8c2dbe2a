//! Single sign-on of accounts: the identity provider, its domains, the roles that it assigns, and the identities of
//! users.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, MemberId, Role, UserId};

#[derive(Clone)]
pub struct Sso {
    pub account: AccountId,
    pub issuer: String,
    pub client_id: String,
    /// The sealed client secret.
    pub sealed: Vec<u8>,
    /// The domains of the email addresses that it authenticates.
    pub domains: Vec<Domain>,
    /// The scopes that are requested in addition to `openid`.
    pub scopes: String,
    /// The method by which the client authenticates at the token endpoint.
    pub client_auth: String,
    /// Whether an address counts as verified if the provider doesn't say so.
    pub trusts_emails: bool,
    /// The role of members who join by single sign-on, unless a claim determines it.
    pub default_role: Role,
    /// The claim that contains the role, or empty if there is none.
    pub role_claim: String,
    /// Lines of `value = role`.
    pub roles: String,
}

/// A domain in lowercase, and whether the operator has confirmed that it belongs to this account. Until then, users
/// with such an address can't log in through the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    pub name: String,
    pub is_confirmed: bool,
}

impl Sso {
    pub fn is_confirmed_for(&self, domain: &str) -> bool {
        self.domains.iter().any(|known| known.is_confirmed && known.name == domain)
    }

    /// Returns whether both configurations have the same subjects.
    pub fn is_same_client(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.client_id == other.client_id
    }

    pub fn is_confirmed(&self) -> bool {
        self.domains.iter().all(|domain| domain.is_confirmed)
    }

    /// Returns the names of the domains, in their order.
    pub fn domain_names(&self) -> Vec<&str> {
        self.domains.iter().map(|domain| domain.name.as_str()).collect()
    }
}

impl std::fmt::Debug for Sso {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sso({} by {})", self.domain_names().join(" "), self.issuer)
    }
}

const FIND: &str = "SELECT account_id, issuer, client_id, sealed, scopes, client_auth, trusts_emails, default_role, \
    role_claim, roles FROM sso WHERE account_id = $1";
const DOMAINS: &str =
    "SELECT domain, approved_at FROM sso_domain WHERE account_id = $1 ORDER BY domain";
const FIND_BY_DOMAIN: &str =
    "SELECT account_id FROM sso_domain WHERE domain = $1 AND approved_at IS NOT NULL";
const UNDER_OTHERS: &str =
    "SELECT account_id, sealed FROM sso WHERE substr(sealed, 2, 8) <> $1 LIMIT $2";
const COUNT_UNDER_OTHERS: &str =
    "SELECT count(*) AS number FROM sso WHERE substr(sealed, 2, 8) <> $1";
const RESEAL: &str = "UPDATE sso SET sealed = $1 WHERE account_id = $2 AND sealed = $3";
const SET: &str = "INSERT INTO sso (account_id, issuer, client_id, sealed, scopes, client_auth, trusts_emails, \
      default_role, role_claim, roles, created_at, set_by) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (account_id) DO UPDATE SET \
    issuer = excluded.issuer, client_id = excluded.client_id, sealed = excluded.sealed, scopes = excluded.scopes, \
    client_auth = excluded.client_auth, trusts_emails = excluded.trusts_emails, \
    default_role = excluded.default_role, role_claim = excluded.role_claim, roles = excluded.roles, \
    set_by = excluded.set_by";
const ADD_DOMAIN: &str =
    "INSERT INTO sso_domain (account_id, domain) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const REMOVE_DOMAIN: &str = "DELETE FROM sso_domain WHERE account_id = $1 AND domain = $2";
const REMOVE_DOMAINS: &str = "DELETE FROM sso_domain WHERE account_id = $1";
const CONFIRM: &str = "UPDATE sso_domain SET approved_at = $1 WHERE account_id = $2 AND domain = $3 \
    AND NOT EXISTS (SELECT 1 FROM sso_domain AS other WHERE other.domain = $3 \
      AND other.approved_at IS NOT NULL AND other.account_id <> $2)";
const REMOVE: &str = "DELETE FROM sso WHERE account_id = $1";
const REMOVE_PENDING_DOMAINS_OF: &str = "DELETE FROM sso_domain WHERE approved_at IS NULL \
    AND account_id IN (SELECT account_id FROM sso WHERE set_by = $1)";
const REMOVE_PENDING_OF: &str = "DELETE FROM sso WHERE set_by = $1 \
    AND NOT EXISTS (SELECT 1 FROM sso_domain WHERE sso_domain.account_id = sso.account_id)";

const FIND_IDENTITY: &str =
    "SELECT user_id FROM identity WHERE account_id = $1 AND issuer = $2 AND subject = $3";
const HAS_IDENTITY: &str = "SELECT count(*) AS number FROM identity \
    WHERE account_id = $1 AND issuer = $2 AND user_id = $3";
const ADD_IDENTITY: &str = "INSERT INTO identity (account_id, issuer, subject, user_id, created_at) \
    VALUES ($1, $2, $3, $4, $5)";
const SET_ROLE_VALUES: &str = "UPDATE identity SET role_values = $1 \
    WHERE account_id = $2 AND issuer = $3 AND subject = $4";
const FORGET_ROLE_VALUES: &str = "UPDATE identity SET role_values = NULL WHERE account_id = $1";
const ROLE_VALUES: &str =
    "SELECT user_id, role_values FROM identity WHERE account_id = $1 AND issuer = $2";
const ISSUERS: &str = "SELECT DISTINCT issuer FROM sso ORDER BY issuer";
const FORGET_IDENTITIES: &str = "DELETE FROM identity WHERE account_id = $1";

fn sso(row: &SqlRow, domains: Vec<Domain>) -> Result<Sso, StoreError> {
    Ok(Sso {
        account: row::parsed(row, "account_id")?,
        issuer: row::text(row, "issuer")?,
        client_id: row::text(row, "client_id")?,
        sealed: row.get("sealed")?,
        domains,
        scopes: row::text(row, "scopes")?,
        client_auth: row::text(row, "client_auth")?,
        trusts_emails: row.get::<i64>("trusts_emails")? != 0,
        default_role: row::parsed(row, "default_role")?,
        role_claim: row::text(row, "role_claim")?,
        roles: row::text(row, "roles")?,
    })
}

/// A sealed client secret, to be sealed with another key.
#[derive(Clone, Debug)]
pub struct SealedSecret {
    pub account: AccountId,
    pub sealed: Vec<u8>,
}

impl Read {
    pub async fn find_sso(&mut self, account: AccountId) -> Result<Option<Sso>, StoreError> {
        let Some(found) = query(FIND).bind(account).optional(self).await? else { return Ok(None) };
        let rows = query(DOMAINS).bind(account).all(self).await?;
        let domain = |row: &SqlRow| {
            let is_confirmed = row::instant_opt(row, "approved_at")?.is_some();
            Ok(Domain { name: row::text(row, "domain")?, is_confirmed })
        };
        let domains = rows.iter().map(domain).collect::<Result<_, StoreError>>()?;
        sso(&found, domains).map(Some)
    }

    /// Returns the configuration that is confirmed for this domain.
    pub async fn find_sso_for(&mut self, domain: &str) -> Result<Option<Sso>, StoreError> {
        let Some(row) = query(FIND_BY_DOMAIN).bind(domain).optional(self).await? else {
            return Ok(None);
        };
        self.find_sso(row::parsed(&row, "account_id")?).await
    }

    /// Returns the users who have logged in through the account's provider, and what the role claim contained at the last
    /// login of each, if that is known.
    pub async fn list_role_values(
        &mut self,
        sso: &Sso,
    ) -> Result<Vec<(UserId, Option<Vec<String>>)>, StoreError> {
        let rows = query(ROLE_VALUES).bind(sso.account).bind(&sso.issuer).all(self).await?;
        let values = |row: &SqlRow| {
            let text = row.get::<Option<String>>("role_values")?;
            let values = text.and_then(|text| serde_json::from_str(&text).ok());
            Ok((row::parsed(row, "user_id")?, values))
        };
        rows.iter().map(values).collect()
    }

    /// Returns the issuers of all accounts.
    pub async fn list_sso_issuers(&mut self) -> Result<Vec<String>, StoreError> {
        let rows = query(ISSUERS).all(self).await?;
        rows.iter().map(|row| row::text(row, "issuer")).collect()
    }

    /// Returns the user with this subject at the account's provider.
    pub async fn find_identity(
        &mut self,
        sso: &Sso,
        subject: &str,
    ) -> Result<Option<UserId>, StoreError> {
        let find = query(FIND_IDENTITY).bind(sso.account).bind(&sso.issuer);
        let row = find.bind(subject).optional(self).await?;
        row.map(|row| row::parsed(&row, "user_id")).transpose()
    }

    /// Returns whether the provider has a subject for this user.
    pub async fn has_identity(&mut self, sso: &Sso, user: UserId) -> Result<bool, StoreError> {
        let has = query(HAS_IDENTITY).bind(sso.account).bind(&sso.issuer).bind(user);
        Ok(has.one(self).await?.get::<i64>("number")? > 0)
    }

    pub async fn list_ssos_under_others(
        &mut self,
        key_id: &[u8],
        limit: u32,
    ) -> Result<Vec<SealedSecret>, StoreError> {
        let rows = query(UNDER_OTHERS).bind(key_id).bind(limit).all(self).await?;
        let secret = |row: &SqlRow| {
            Ok(SealedSecret {
                account: row::parsed(row, "account_id")?,
                sealed: row.get("sealed")?,
            })
        };
        rows.iter().map(secret).collect()
    }

    pub async fn count_ssos_under_others(&mut self, key_id: &[u8]) -> Result<i64, StoreError> {
        query(COUNT_UNDER_OTHERS).bind(key_id).one(self).await?.get("number")
    }
}

impl Write {
    /// Sets the owner's configuration of the provider. A confirmed domain stays confirmed unless the issuer or client
    /// changes, since the subjects then do, too, or unverified addresses become trusted.
    pub async fn set_sso(&mut self, new: &Sso, by: MemberId) -> Result<(), StoreError> {
        let before = self.find_sso(new.account).await?;
        let same = before.as_ref().filter(|before| before.is_same_client(new));
        if same.is_none() {
            query(FORGET_IDENTITIES).bind(new.account).execute(self).await?;
        }
        // Trust in unverified addresses needs the operator's confirmation, too.
        let kept = same.filter(|before| before.trusts_emails || !new.trusts_emails);
        for domain in before.iter().flat_map(|before| &before.domains) {
            if kept.is_none() || !new.domain_names().contains(&domain.name.as_str()) {
                query(REMOVE_DOMAIN).bind(new.account).bind(&domain.name).execute(self).await?;
            }
        }
        let now = self.now();
        query(SET)
            .bind(new.account)
            .bind(&new.issuer)
            .bind(&new.client_id)
            .bind(new.sealed.as_slice())
            .bind(&new.scopes)
            .bind(&new.client_auth)
            .bind(i64::from(new.trusts_emails))
            .bind(new.default_role.as_str())
            .bind(&new.role_claim)
            .bind(&new.roles)
            .bind(now)
            .bind(by)
            .execute(self)
            .await?;
        for domain in &new.domains {
            query(ADD_DOMAIN).bind(new.account).bind(&domain.name).execute(self).await?;
        }
        Ok(())
    }

    /// Removes the configuration that this member has set and no operator has confirmed.
    pub async fn remove_pending_sso_of(&mut self, member: MemberId) -> Result<(), StoreError> {
        query(REMOVE_PENDING_DOMAINS_OF).bind(member).execute(self).await?;
        query(REMOVE_PENDING_OF).bind(member).execute(self).await.map(|_| ())
    }

    /// Confirms the configuration that the operator has seen. Returns [`StoreError::Conflict`] if it has changed since
    /// or another account has one of the domains.
    pub async fn confirm_sso(
        &mut self,
        account: AccountId,
        (issuer, domains): (&str, &[&str]),
    ) -> Result<(), StoreError> {
        let found = self.find_sso(account).await?.ok_or(StoreError::Conflict)?;
        if found.issuer != issuer || found.domain_names() != domains {
            return Err(StoreError::Conflict);
        }
        let now = self.now();
        for domain in domains {
            let confirm = query(CONFIRM).bind(now).bind(account).bind(*domain);
            if confirm.execute(self).await? != 1 {
                return Err(StoreError::Conflict);
            }
        }
        Ok(())
    }

    pub async fn remove_sso(&mut self, account: AccountId) -> Result<bool, StoreError> {
        query(FORGET_IDENTITIES).bind(account).execute(self).await?;
        query(REMOVE_DOMAINS).bind(account).execute(self).await?;
        Ok(query(REMOVE).bind(account).execute(self).await? == 1)
    }

    /// Links this subject to this user.
    pub async fn add_identity(
        &mut self,
        sso: &Sso,
        subject: &str,
        user: UserId,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD_IDENTITY).bind(sso.account).bind(&sso.issuer).bind(subject);
        add.bind(user).bind(now).execute(self).await.map(|_| ())
    }

    /// Notes what the role claim contained at a login.
    pub async fn set_role_values(
        &mut self,
        sso: &Sso,
        subject: &str,
        values: &[String],
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(values).unwrap_or_default();
        let set = query(SET_ROLE_VALUES).bind(text).bind(sso.account).bind(&sso.issuer);
        set.bind(subject).execute(self).await.map(|_| ())
    }

    /// Forgets what role claims contained, because another claim is read from now on.
    pub async fn forget_role_values(&mut self, account: AccountId) -> Result<(), StoreError> {
        query(FORGET_ROLE_VALUES).bind(account).execute(self).await.map(|_| ())
    }

    pub async fn reencrypt_sso(
        &mut self,
        secret: &SealedSecret,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        let reencrypt = query(RESEAL).bind(sealed).bind(secret.account);
        Ok(reencrypt.bind(secret.sealed.as_slice()).execute(self).await? == 1)
    }
}
