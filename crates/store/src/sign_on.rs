//! Single sign-on of accounts: the provider, whose addresses it speaks for, and which roles it gives.

use crate::{
    Read, StoreError, Write, row,
    sql::{Row, query},
};
use keydesk_model::{AccountId, MemberId, Role, Timestamp};

#[derive(Clone)]
pub struct SignOn {
    pub account: AccountId,
    pub issuer: String,
    pub client_id: String,
    /// The client's secret, sealed.
    pub sealed: Vec<u8>,
    /// Of the addresses that it speaks for, in small letters.
    pub domain: String,
    /// Of members that come in by it, where nothing else is said.
    pub default_role: Role,
    /// The claim that says the role; empty: none does.
    pub role_claim: String,
    /// Lines of `value = role`.
    pub roles: String,
    /// None: the operator has not said yes, and it lets nobody in.
    pub confirmed_at: Option<Timestamp>,
}

impl std::fmt::Debug for SignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignOn({} by {})", self.domain, self.issuer)
    }
}

const FIND: &str = "SELECT account_id, issuer, client_id, sealed, domain, default_role, role_claim, roles, confirmed_at \
    FROM sign_on WHERE account_id = $1";
const FIND_BY_DOMAIN: &str = "SELECT account_id, issuer, client_id, sealed, domain, default_role, role_claim, roles, confirmed_at \
    FROM sign_on WHERE domain = $1 AND confirmed_at IS NOT NULL";
const UNDER_OTHERS: &str = "SELECT account_id, issuer, client_id, sealed, domain, default_role, role_claim, roles, confirmed_at \
    FROM sign_on WHERE substr(sealed, 2, 8) <> $1 LIMIT $2";
const COUNT_UNDER_OTHERS: &str =
    "SELECT count(*) AS number FROM sign_on WHERE substr(sealed, 2, 8) <> $1";
const RESEAL: &str = "UPDATE sign_on SET sealed = $1 WHERE account_id = $2 AND sealed = $3";
/// What is changed is confirmed anew, but for what it says of roles.
const SET: &str = "INSERT INTO sign_on (account_id, issuer, client_id, sealed, domain, default_role, role_claim, roles, created_at, set_by) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (account_id) DO UPDATE SET \
    confirmed_at = CASE WHEN sign_on.issuer = excluded.issuer AND sign_on.domain = excluded.domain \
      THEN sign_on.confirmed_at ELSE NULL END, \
    issuer = excluded.issuer, client_id = excluded.client_id, sealed = excluded.sealed, domain = excluded.domain, \
    default_role = excluded.default_role, role_claim = excluded.role_claim, roles = excluded.roles, \
    set_by = excluded.set_by";
const CONFIRM: &str = "UPDATE sign_on SET confirmed_at = $1 WHERE account_id = $2 AND issuer = $3 AND domain = $4 \
    AND NOT EXISTS (SELECT 1 FROM sign_on AS other WHERE other.domain = $4 \
      AND other.confirmed_at IS NOT NULL AND other.account_id <> $2)";
const REMOVE: &str = "DELETE FROM sign_on WHERE account_id = $1";
const REMOVE_PENDING_OF: &str = "DELETE FROM sign_on WHERE set_by = $1 AND confirmed_at IS NULL";

fn sign_on(row: &Row) -> Result<SignOn, StoreError> {
    Ok(SignOn {
        account: row::parsed(row, "account_id")?,
        issuer: row::text(row, "issuer")?,
        client_id: row::text(row, "client_id")?,
        sealed: row.get("sealed")?,
        domain: row::text(row, "domain")?,
        default_role: row::parsed(row, "default_role")?,
        role_claim: row::text(row, "role_claim")?,
        roles: row::text(row, "roles")?,
        confirmed_at: row::instant_opt(row, "confirmed_at")?,
    })
}

impl Read {
    pub async fn find_sign_on(&mut self, account: AccountId) -> Result<Option<SignOn>, StoreError> {
        query(FIND).bind(account).optional(self).await?.as_ref().map(sign_on).transpose()
    }

    /// The confirmed one that speaks for addresses of this domain.
    pub async fn find_sign_on_for(&mut self, domain: &str) -> Result<Option<SignOn>, StoreError> {
        query(FIND_BY_DOMAIN).bind(domain).optional(self).await?.as_ref().map(sign_on).transpose()
    }

    pub async fn list_sign_ons_under_others(
        &mut self,
        key_id: &[u8],
        limit: u32,
    ) -> Result<Vec<SignOn>, StoreError> {
        let rows = query(UNDER_OTHERS).bind(key_id).bind(limit).all(self).await?;
        rows.iter().map(sign_on).collect()
    }

    pub async fn count_sign_ons_under_others(&mut self, key_id: &[u8]) -> Result<i64, StoreError> {
        query(COUNT_UNDER_OTHERS).bind(key_id).one(self).await?.get("number")
    }
}

impl Write {
    pub async fn set_sign_on(&mut self, new: &SignOn, by: MemberId) -> Result<(), StoreError> {
        let now = self.now();
        query(SET)
            .bind(new.account)
            .bind(&new.issuer)
            .bind(&new.client_id)
            .bind(new.sealed.as_slice())
            .bind(&new.domain)
            .bind(new.default_role.as_str())
            .bind(&new.role_claim)
            .bind(&new.roles)
            .bind(now)
            .bind(by)
            .execute(self)
            .await
            .map(|_| ())
    }

    /// Takes away what this member has set and no operator has said yes to.
    pub async fn remove_pending_sign_on_of(&mut self, member: MemberId) -> Result<(), StoreError> {
        query(REMOVE_PENDING_OF).bind(member).execute(self).await.map(|_| ())
    }

    /// The operator says yes to what was seen. [`StoreError::Conflict`]: it was changed meanwhile, or another
    /// account speaks for the domain.
    pub async fn confirm_sign_on(&mut self, seen: &SignOn) -> Result<(), StoreError> {
        let now = self.now();
        let confirm = query(CONFIRM).bind(now).bind(seen.account);
        let confirm = confirm.bind(&seen.issuer).bind(&seen.domain);
        if confirm.execute(self).await? == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    pub async fn remove_sign_on(&mut self, account: AccountId) -> Result<bool, StoreError> {
        Ok(query(REMOVE).bind(account).execute(self).await? == 1)
    }

    pub async fn reseal_sign_on(
        &mut self,
        sign_on: &SignOn,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        let reseal = query(RESEAL).bind(sealed).bind(sign_on.account);
        Ok(reseal.bind(sign_on.sealed.as_slice()).execute(self).await? == 1)
    }
}
