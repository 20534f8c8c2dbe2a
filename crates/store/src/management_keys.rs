//! Keys of the management API, and their secrets by SHA-256.

use crate::{
    Cursor, Page, PageSearch, Read, Store, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{
    AccountId, IpAllowlist, KeyScopes, ManagementKeyId, MemberId, Role, Timestamp, UserId,
};
use keydesk_token::TokenHash;

/// A key of an account, or of the instance if it has no account.
#[derive(Clone, Debug)]
pub struct ManagementKey {
    pub id: ManagementKeyId,
    pub account: Option<AccountId>,
    /// The member as whom a key of an account acts.
    pub member: Option<MemberId>,
    /// The user as whom the key acts.
    pub user: UserId,
    pub user_name: String,
    pub name: String,
    pub scopes: KeyScopes,
    pub ip_allowlist: IpAllowlist,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// The role of the member who created a key of an account, which the key never exceeds.
    pub role: Option<Role>,
    pub revoked_at: Option<Timestamp>,
    /// The version of the newest secret.
    pub version: i64,
    pub masked: String,
    /// The time until which the previous secret works, if there is one.
    pub previous_secret_expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub last_used_by: Option<String>,
    pub last_used_from: Option<String>,
}

impl ManagementKey {
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

#[derive(Clone, Debug)]
pub struct NewManagementKey {
    pub id: ManagementKeyId,
    pub account: Option<AccountId>,
    pub member: Option<MemberId>,
    pub user: UserId,
    pub name: String,
    pub scopes: KeyScopes,
    pub ip_allowlist: IpAllowlist,
    pub expires_at: Timestamp,
    pub role: Option<Role>,
}

/// Selects keys, each with its newest secret: all queries read the same columns, and only the condition differs.
macro_rules! select_keys {
    ($condition:literal) => {
        concat!(
            "SELECT management_key.id, management_key.account_id, management_key.member_id, \
             management_key.user_id, users.name AS user_name, management_key.name, scopes, ip_allowlist, \
             management_key.created_at, expires_at, management_key.role, revoked_at, newest.version, newest.masked, \
             (SELECT max(valid_until) FROM management_secret AS earlier WHERE earlier.key_id = management_key.id) \
               AS previous_valid_until, last_used_at, last_used_by, last_used_from FROM management_key \
             JOIN users ON users.id = management_key.user_id \
             JOIN management_secret AS newest ON newest.key_id = management_key.id AND newest.valid_until IS NULL \
             WHERE ",
            $condition
        )
    };
}

const FIND: &str =
    select_keys!("coalesce(management_key.account_id, '') = $1 AND management_key.id = $2");
/// A previous secret works until its end.
const FIND_BY_SECRET: &str = select_keys!(
    "management_key.id = (SELECT key_id FROM management_secret WHERE hash = $1 \
       AND (valid_until IS NULL OR valid_until > $2)) AND revoked_at IS NULL AND expires_at > $2"
);
/// In any state.
const OF_SECRET: &str =
    select_keys!("management_key.id = (SELECT key_id FROM management_secret WHERE hash = $1)");
const IS_VALID: &str = "SELECT count(*) AS number FROM management_secret \
    WHERE hash = $1 AND (valid_until IS NULL OR valid_until > $2)";
const PAGE: &str = select_keys!(
    "coalesce(management_key.account_id, '') = $1 \
     AND ($2 = 0 OR (management_key.created_at, management_key.id) < ($2, $3)) \
     AND ($4 = '' OR lower(management_key.name) LIKE $4 ESCAPE '!' OR management_key.name LIKE $5 ESCAPE '!' \
       OR newest.masked LIKE $5 ESCAPE '!') \
     ORDER BY management_key.created_at DESC, management_key.id DESC LIMIT $6"
);
const OF_MEMBER: &str = select_keys!(
    "management_key.member_id = $1 AND revoked_at IS NULL AND expires_at > $2 \
     ORDER BY management_key.created_at, management_key.id"
);
const COUNT_ACTIVE: &str = "SELECT count(*) AS number FROM management_key \
    WHERE coalesce(account_id, '') = $1 AND revoked_at IS NULL AND expires_at > $2";
const ADD: &str = "INSERT INTO management_key (id, account_id, member_id, user_id, name, scopes, ip_allowlist, \
    created_at, expires_at, role) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const ADD_SECRET: &str = "INSERT INTO management_secret (hash, key_id, version, masked, issued_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const CLOSE_SECRET: &str = "UPDATE management_secret SET valid_until = CASE WHEN valid_until IS NULL THEN $1 ELSE $2 END \
    WHERE key_id = $3 AND (valid_until IS NULL OR valid_until > $2)";
const RENAME: &str = "UPDATE management_key SET name = $1 WHERE id = $2";
const REVOKE: &str =
    "UPDATE management_key SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
const REVOKE_OF_MEMBER: &str =
    "UPDATE management_key SET revoked_at = $1 WHERE member_id = $2 AND revoked_at IS NULL";
const REVOKE_OF_OPERATOR: &str = "UPDATE management_key SET revoked_at = $1 \
    WHERE user_id = $2 AND account_id IS NULL AND revoked_at IS NULL";
const TAKE_OVER: &str = "UPDATE management_key SET member_id = $1, user_id = $2 WHERE id = $3";
const TOUCH: &str = "UPDATE management_key SET last_used_at = $1, last_used_by = $2, last_used_from = $3 \
    WHERE id = $4 AND (last_used_at IS NULL OR last_used_at < $1)";

fn key(row: &SqlRow) -> Result<ManagementKey, StoreError> {
    Ok(ManagementKey {
        id: row::parsed(row, "id")?,
        account: row::parsed_opt(row, "account_id")?,
        member: row::parsed_opt(row, "member_id")?,
        user: row::parsed(row, "user_id")?,
        user_name: row::text(row, "user_name")?,
        name: row::text(row, "name")?,
        scopes: row::parsed(row, "scopes")?,
        ip_allowlist: row::parsed(row, "ip_allowlist")?,
        created_at: row::instant(row, "created_at")?,
        expires_at: row::instant(row, "expires_at")?,
        role: row::parsed_opt(row, "role")?,
        revoked_at: row::instant_opt(row, "revoked_at")?,
        version: row.get("version")?,
        masked: row::text(row, "masked")?,
        previous_secret_expires_at: row::instant_opt(row, "previous_valid_until")?,
        last_used_at: row::instant_opt(row, "last_used_at")?,
        last_used_by: row.get("last_used_by")?,
        last_used_from: row.get("last_used_from")?,
    })
}

fn owner(account: Option<AccountId>) -> String {
    account.map(|id| id.to_string()).unwrap_or_default()
}

impl Read {
    /// Returns a key of the account, or of the instance, in any state.
    pub async fn find_management_key(
        &mut self,
        account: Option<AccountId>,
        id: ManagementKeyId,
    ) -> Result<Option<ManagementKey>, StoreError> {
        let asked = query(FIND).bind(owner(account)).bind(id);
        asked.optional(self).await?.as_ref().map(key).transpose()
    }

    /// Returns the active key to which a secret belongs that works at `now`.
    pub async fn find_management_key_by_secret(
        &mut self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ManagementKey>, StoreError> {
        let asked = query(FIND_BY_SECRET).bind(hash.as_bytes().to_vec()).bind(now);
        asked.optional(self).await?.as_ref().map(key).transpose()
    }

    /// Returns the key to which a secret belongs, in any state, and whether the secret works at `now`.
    pub async fn find_management_key_of_secret(
        &mut self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(ManagementKey, bool)>, StoreError> {
        let digest = hash.as_bytes().to_vec();
        let Some(row) = query(OF_SECRET).bind(digest.clone()).optional(self).await? else {
            return Ok(None);
        };
        let key = key(&row)?;
        let is_valid = query(IS_VALID).bind(digest).bind(now).one(self).await?;
        let is_accepted = key.is_active(now) && is_valid.get::<i64>("number")? > 0;
        Ok(Some((key, is_accepted)))
    }

    /// Returns a page of the keys of the account, or of the instance, newest first.
    pub async fn list_management_keys(
        &mut self,
        account: Option<AccountId>,
        search: &PageSearch,
    ) -> Result<Page<ManagementKey>, StoreError> {
        let asked = search.bind(query(PAGE).bind(owner(account))).bind(search.rows());
        let keys: Vec<_> = asked.all(self).await?.iter().map(key).collect::<Result<_, _>>()?;
        let position = |key: &ManagementKey| Cursor { at: key.created_at, id: key.id.to_string() };
        Ok(search.page(keys, position))
    }

    /// Returns the active keys that act as a member.
    pub async fn list_management_keys_of(
        &mut self,
        member: MemberId,
        now: Timestamp,
    ) -> Result<Vec<ManagementKey>, StoreError> {
        query(OF_MEMBER).bind(member).bind(now).all(self).await?.iter().map(key).collect()
    }

    pub async fn count_active_management_keys(
        &mut self,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        query(COUNT_ACTIVE).bind(owner(account)).bind(now).one(self).await?.get("number")
    }
}

impl Write {
    pub async fn add_management_key(
        &mut self,
        new: &NewManagementKey,
        (hash, masked): (&TokenHash, &str),
    ) -> Result<(), StoreError> {
        let now = self.now();
        query(ADD)
            .bind(new.id)
            .bind(new.account)
            .bind(new.member)
            .bind(new.user)
            .bind(&new.name)
            .bind(new.scopes.to_string())
            .bind(new.ip_allowlist.to_string())
            .bind(now)
            .bind(new.expires_at)
            .bind(new.role.map(Role::as_str).map(str::to_owned))
            .execute(self)
            .await?;
        self.add_management_secret(new.id, 1, (hash, masked)).await
    }

    async fn add_management_secret(
        &mut self,
        key: ManagementKeyId,
        version: i64,
        (hash, masked): (&TokenHash, &str),
    ) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD_SECRET).bind(hash.as_bytes().to_vec()).bind(key);
        add.bind(version).bind(masked).bind(now).insert(self).await
    }

    /// Gives a key its next secret. The previous one works until `valid_until`, any earlier one no longer.
    pub async fn rotate_management_key(
        &mut self,
        key: &ManagementKey,
        valid_until: Timestamp,
        secret: (&TokenHash, &str),
    ) -> Result<(), StoreError> {
        let now = self.now();
        query(CLOSE_SECRET).bind(valid_until).bind(now).bind(key.id).execute(self).await?;
        self.add_management_secret(key.id, key.version + 1, secret).await
    }

    pub async fn rename_management_key(
        &mut self,
        key: ManagementKeyId,
        name: &str,
    ) -> Result<(), StoreError> {
        query(RENAME).bind(name).bind(key).execute(self).await.map(|_| ())
    }

    pub async fn revoke_management_key(&mut self, key: ManagementKeyId) -> Result<(), StoreError> {
        let now = self.now();
        query(REVOKE).bind(now).bind(key).execute(self).await.map(|_| ())
    }

    /// Revokes the keys that act as a member. Returns their number.
    pub async fn revoke_management_keys_of(&mut self, member: MemberId) -> Result<u64, StoreError> {
        let now = self.now();
        query(REVOKE_OF_MEMBER).bind(now).bind(member).execute(self).await
    }

    /// Revokes the keys of the instance that act as an operator. Returns their number.
    pub async fn revoke_management_keys_of_operator(
        &mut self,
        user: UserId,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        query(REVOKE_OF_OPERATOR).bind(now).bind(user).execute(self).await
    }

    /// Makes a key act as another member.
    pub async fn set_management_key_member(
        &mut self,
        key: ManagementKeyId,
        (member, user): (MemberId, UserId),
    ) -> Result<(), StoreError> {
        query(TAKE_OVER).bind(member).bind(user).bind(key).execute(self).await.map(|_| ())
    }
}

impl Store {
    /// Records the last use of a key.
    pub async fn touch_management_key(
        &self,
        key: ManagementKeyId,
        now: Timestamp,
        (client, client_ip): (&str, &str),
    ) -> Result<(), StoreError> {
        let mut write = self.write(now).await?;
        query(TOUCH).bind(now).bind(client).bind(client_ip).bind(key).execute(&mut write).await?;
        write.keep().await
    }
}
