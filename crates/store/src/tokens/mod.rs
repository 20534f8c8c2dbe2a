//! Tokens and their secrets. Every write that a gateway must know is added to the feed here, in the same transaction,
//! so that no use case can forget it.

use crate::{
    Read, StoreError, Tombstone, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{
    AccountId, Change, Closing, Hold, IpAllowlist, LiveSecret, MemberId, Revocation,
    RevocationReason, ScopeSet, Timestamp, TokenId, TokenLimits, TokenNote, TokenOwner, TokenState,
};
use keydesk_token::TokenHash;

/// A token with its newest secret.
#[derive(Clone, Debug)]
pub struct Token {
    pub id: TokenId,
    pub account: AccountId,
    pub token_owner: TokenOwner,
    pub name: String,
    pub note: TokenNote,
    pub scopes: ScopeSet,
    pub ip_allowlist: IpAllowlist,
    /// Limits that are only observed.
    pub observed: Option<TokenLimits>,
    pub expires_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// The creator, if the name is still known.
    pub created_by: Option<String>,
    /// The newest secret's version.
    pub version: i64,
    pub masked: String,
    pub encrypted_copy: Option<Vec<u8>>,
    pub issued_at: Timestamp,
    pub revocation: Option<Revocation>,
    /// The revocation if it could be undone when it was made.
    pub hold: Option<Hold>,
    pub last_used_at: Option<Timestamp>,
    pub last_used_by: Option<String>,
    pub last_used_from: Option<String>,
}

impl Token {
    pub fn state(&self, now: Timestamp) -> TokenState {
        TokenState::at(now, self.expires_at, self.revocation)
    }
}

#[derive(Clone, Debug)]
pub struct NewToken {
    pub id: TokenId,
    pub account: AccountId,
    pub token_owner: TokenOwner,
    pub name: String,
    pub note: TokenNote,
    pub scopes: ScopeSet,
    pub ip_allowlist: IpAllowlist,
    pub expires_at: Option<Timestamp>,
    pub created_by: Option<MemberId>,
    /// A key with which a form that is sent twice creates only one token.
    pub request_key: Option<String>,
}

/// A secret as it is stored: its digest, and for a bearer token its sealed display copy.
#[derive(Clone)]
pub struct NewSecret {
    pub hash: TokenHash,
    pub version: i64,
    pub masked: String,
    pub encrypted_copy: Option<Vec<u8>>,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewSecret(version {})", self.version)
    }
}

macro_rules! select_tokens {
    ($condition:literal) => {
        concat!(
            "SELECT token.id, token.account_id, token.token_owner, token.member_id, token.name, token.note, token.scopes, \
             token.held_at, token.held_until, token.ip_allowlist, token.observed_scopes, token.observed_ip_allowlist, token.expires_at, token.created_at, users.name AS created_by, secret.version, secret.masked, \
             secret.encrypted_copy, secret.issued_at, secret.ended_at, secret.revocation_reason, latest.last_used_at, \
             latest.client, latest.client_ip \
             FROM token \
             JOIN secret ON secret.token_id = token.id AND secret.version = \
               (SELECT max(version) FROM secret AS newest WHERE newest.token_id = token.id) \
             LEFT JOIN member ON member.id = token.created_by \
             LEFT JOIN users ON users.id = member.user_id \
             LEFT JOIN integration AS latest ON latest.token_id = token.id AND \
               latest.client || ' ' || latest.client_ip = \
               (SELECT client || ' ' || client_ip FROM integration AS used WHERE used.token_id = token.id \
                ORDER BY last_used_at DESC, client, client_ip LIMIT 1) \
             WHERE ",
            $condition
        )
    };
}

mod holds;
mod lists;

pub(crate) use holds::restoration_text;

pub use lists::TokenFilter;

const FIND: &str = select_tokens!("token.account_id = $1 AND token.id = $2");
const FIND_OF_MEMBER: &str = select_tokens!("token.member_id = $1");
const FIND_BY_REQUEST: &str = select_tokens!("token.account_id = $1 AND token.request_key = $2");
const OF_SECRET: &str = "SELECT secret.token_id, token.account_id, secret.version, secret.ended_at, secret.valid_until \
    FROM secret JOIN token ON token.id = secret.token_id WHERE secret.hash = $1";
/// Selects only columns that a gateway's database user can read.
const OWN: &str = "SELECT token.id, token.account_id, token.name, token.expires_at, newest.version, newest.ended_at, \
    newest.revocation_reason, secret.ended_at AS own_ended_at FROM secret JOIN token ON token.id = secret.token_id \
    JOIN secret AS newest ON newest.token_id = token.id AND newest.version = \
      (SELECT max(version) FROM secret AS any_of_it WHERE any_of_it.token_id = token.id) WHERE secret.hash = $1";
const IS_KNOWN: &str = "SELECT (SELECT count(*) FROM secret WHERE hash = $1) + \
    (SELECT count(*) FROM management_secret WHERE hash = $1) + \
    (SELECT count(*) FROM canary WHERE hash = $1) AS number";
const COUNT_LIVE: &str = "SELECT count(*) AS number FROM token JOIN secret ON secret.token_id = token.id \
    WHERE account_id = $1 AND token_owner = 'account' AND ended_at IS NULL AND valid_until IS NULL \
    AND (expires_at IS NULL OR expires_at > $2)";
const ADD: &str = "INSERT INTO token (id, account_id, token_owner, member_id, name, scopes, expires_at, created_at, \
    created_by, request_key, ip_allowlist, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
    ON CONFLICT DO NOTHING";
const ADD_SECRET: &str = "INSERT INTO secret (hash, token_id, version, masked, encrypted_copy, issued_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const END_SECRET: &str = "UPDATE secret SET ended_at = $1, revocation_reason = $2, encrypted_copy = NULL \
    WHERE token_id = $3 AND ended_at IS NULL RETURNING hash, \
    (SELECT expires_at FROM token WHERE token.id = secret.token_id) AS expires_at";
const END_AGAIN: &str = "UPDATE secret SET ended_at = $1, revocation_reason = $2, encrypted_copy = NULL \
    WHERE hash = $3 AND ended_at IS NULL";
macro_rules! select_live_secrets {
    ($condition:literal) => {
        concat!(
            "SELECT secret.hash, secret.token_id, secret.ended_at, secret.revocation_reason, token.account_id, \
             account.number, token.member_id, token.name, token.scopes, token.expires_at, token.ip_allowlist, \
             token.observed_scopes, token.observed_ip_allowlist, secret.rotated_at, secret.valid_until \
             FROM secret \
             JOIN token ON token.id = secret.token_id JOIN account ON account.id = token.account_id ",
            $condition
        )
    };
}

const LIVE_SECRET: &str = select_live_secrets!("WHERE secret.hash = $1");
const OPEN_SECRETS: &str =
    select_live_secrets!("WHERE secret.token_id = $1 AND secret.ended_at IS NULL");
const RENAME: &str = "UPDATE token SET name = $1 WHERE id = $2";
const NOTE: &str = "UPDATE token SET note = $1 WHERE id = $2";
const LIMIT: &str = "UPDATE token SET scopes = $1, ip_allowlist = $2, observed_scopes = $3, observed_ip_allowlist = $4 \
    WHERE id = $5";

fn token_owner(row: &SqlRow) -> Result<TokenOwner, StoreError> {
    let member: Option<MemberId> = row::parsed_opt(row, "member_id")?;
    Ok(member.map_or(TokenOwner::Account, TokenOwner::Member))
}

fn observed(row: &SqlRow) -> Result<Option<TokenLimits>, StoreError> {
    let scopes: Option<ScopeSet> = row::parsed_opt(row, "observed_scopes")?;
    let ip_allowlist: Option<IpAllowlist> = row::parsed_opt(row, "observed_ip_allowlist")?;
    Ok(scopes.zip(ip_allowlist).map(|(scopes, ip_allowlist)| TokenLimits { scopes, ip_allowlist }))
}

fn revocation(row: &SqlRow) -> Result<Option<Revocation>, StoreError> {
    let reason: Option<RevocationReason> = row::parsed_opt(row, "revocation_reason")?;
    Ok(row::instant_opt(row, "ended_at")?.zip(reason).map(|(at, reason)| Revocation { at, reason }))
}

fn hold(row: &SqlRow) -> Result<Option<Hold>, StoreError> {
    let until = row::instant_opt(row, "held_until")?;
    Ok(row::instant_opt(row, "held_at")?.map(|since| Hold { since, until }))
}

fn token(row: &SqlRow) -> Result<Token, StoreError> {
    Ok(Token {
        id: row::parsed(row, "id")?,
        account: row::parsed(row, "account_id")?,
        token_owner: token_owner(row)?,
        name: row::text(row, "name")?,
        note: row::parsed(row, "note")?,
        scopes: row::parsed(row, "scopes")?,
        ip_allowlist: row::parsed(row, "ip_allowlist")?,
        observed: observed(row)?,
        expires_at: row::instant_opt(row, "expires_at")?,
        created_at: row::instant(row, "created_at")?,
        created_by: row.get("created_by")?,
        version: row.get("version")?,
        masked: row::text(row, "masked")?,
        encrypted_copy: row.get("encrypted_copy")?,
        issued_at: row::instant(row, "issued_at")?,
        revocation: revocation(row)?,
        hold: hold(row)?,
        last_used_at: row::instant_opt(row, "last_used_at")?,
        last_used_by: row.get("client")?,
        last_used_from: row.get("client_ip")?,
    })
}

fn live_secret(row: &SqlRow) -> Result<LiveSecret, StoreError> {
    Ok(LiveSecret {
        hash: TokenHash::from_bytes(row::digest(row, "hash")?),
        token: row::parsed(row, "token_id")?,
        account: row::parsed(row, "account_id")?,
        number: row::account_number(row, "number")?,
        token_owner: token_owner(row)?,
        name: row::text(row, "name")?,
        scopes: row::parsed(row, "scopes")?,
        expires_at: row::instant_opt(row, "expires_at")?,
        revocation: revocation(row)?,
        ip_allowlist: row::parsed(row, "ip_allowlist")?,
        observed: observed(row)?,
        closing: row::instant_opt(row, "rotated_at")?
            .zip(row::instant_opt(row, "valid_until")?)
            .map(|(since, at)| Closing { since, at }),
        restored_from: None,
    })
}

/// Returns a secret as gateways receive it.
pub(crate) async fn live_secret_of(
    read: &mut Read,
    hash: &TokenHash,
) -> Result<LiveSecret, StoreError> {
    live_secret(&query(LIVE_SECRET).bind(hash.as_bytes().to_vec()).one(read).await?)
}

/// A token, found by one of its secrets.
#[derive(Clone, Debug)]
pub struct FoundBySecret {
    pub token: Token,
    /// The version of the secret.
    pub version: i64,
    /// Whether the secret is the newest one and has no end of its own.
    pub is_newest: bool,
    /// Whether the secret has not ended. It may be in its grace period.
    pub is_open: bool,
    pub ended_at: Option<Timestamp>,
    /// The end of its grace period, if it is a previous secret.
    pub valid_until: Option<Timestamp>,
}

impl FoundBySecret {
    /// Returns whether gateways accept the secret at `now`.
    pub fn is_accepted(&self, now: Timestamp) -> bool {
        let is_valid = self.valid_until.is_none_or(|until| now < until);
        self.is_open && is_valid && self.token.state(now) == TokenState::Active
    }
}

/// A token that its holder may revoke, found by one of its secrets.
#[derive(Clone, Debug)]
pub struct OwnToken {
    pub id: TokenId,
    pub account: AccountId,
    pub name: String,
    /// The version of the newest secret.
    pub version: i64,
    pub state: TokenState,
    /// Whether the secret by which it was found has not ended. It may be in its grace period.
    pub is_open: bool,
}

impl Read {
    /// Returns the token that a client with this secret may revoke.
    pub async fn find_own_token(
        &mut self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<OwnToken>, StoreError> {
        let asked = query(OWN).bind(hash.as_bytes().to_vec());
        let Some(row) = asked.optional(self).await? else { return Ok(None) };
        let expires_at = row::instant_opt(&row, "expires_at")?;
        Ok(Some(OwnToken {
            id: row::parsed(&row, "id")?,
            account: row::parsed(&row, "account_id")?,
            name: row::text(&row, "name")?,
            version: row.get("version")?,
            state: TokenState::at(now, expires_at, revocation(&row)?),
            is_open: row::instant_opt(&row, "own_ended_at")?.is_none(),
        }))
    }

    /// Returns whether a digest is, or ever was, that of a secret.
    pub async fn is_secret_known(&mut self, hash: &TokenHash) -> Result<bool, StoreError> {
        let asked = query(IS_KNOWN).bind(hash.as_bytes().to_vec());
        Ok(asked.one(self).await?.get::<i64>("number")? > 0)
    }

    /// Returns the token of a secret.
    pub async fn find_token_of_secret(
        &mut self,
        hash: &TokenHash,
    ) -> Result<Option<FoundBySecret>, StoreError> {
        let asked = query(OF_SECRET).bind(hash.as_bytes().to_vec());
        let Some(secret) = asked.optional(self).await? else { return Ok(None) };
        let (id, account) =
            (row::parsed(&secret, "token_id")?, row::parsed(&secret, "account_id")?);
        let Some(token) = self.find_token(account, id).await? else { return Ok(None) };
        let ended_at = row::instant_opt(&secret, "ended_at")?;
        let is_open = ended_at.is_none();
        let valid_until = row::instant_opt(&secret, "valid_until")?;
        let version: i64 = secret.get("version")?;
        let is_newest = version == token.version && is_open && valid_until.is_none();
        Ok(Some(FoundBySecret { token, version, is_newest, is_open, ended_at, valid_until }))
    }

    /// Returns a token of this account, of either binding.
    pub async fn find_token(
        &mut self,
        account: AccountId,
        id: TokenId,
    ) -> Result<Option<Token>, StoreError> {
        let asked = query(FIND).bind(account).bind(id);
        asked.optional(self).await?.as_ref().map(token).transpose()
    }

    /// Returns the bearer token of a member.
    pub async fn find_bearer_token(
        &mut self,
        member: MemberId,
    ) -> Result<Option<Token>, StoreError> {
        let asked = query(FIND_OF_MEMBER).bind(member);
        asked.optional(self).await?.as_ref().map(token).transpose()
    }

    pub async fn find_token_by_request(
        &mut self,
        account: AccountId,
        request_key: &str,
    ) -> Result<Option<Token>, StoreError> {
        let asked = query(FIND_BY_REQUEST).bind(account).bind(request_key);
        asked.optional(self).await?.as_ref().map(token).transpose()
    }

    /// Returns the number of the account's live API tokens.
    pub async fn count_live_api_tokens(
        &mut self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        query(COUNT_LIVE).bind(account).bind(now).one(self).await?.get("number")
    }
}

impl Write {
    /// Adds a token with its first secret. Returns [`StoreError::Conflict`] if the request key was used.
    pub async fn issue_token(
        &mut self,
        new: &NewToken,
        secret: &NewSecret,
    ) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        let (kind, member) = match new.token_owner {
            TokenOwner::Member(member) => ("member", Some(member.to_string())),
            TokenOwner::Account => ("account", None),
        };
        query(ADD)
            .bind(new.id)
            .bind(new.account)
            .bind(kind)
            .bind(member)
            .bind(&new.name)
            .bind(new.scopes.to_string())
            .bind(new.expires_at.map(Timestamp::as_micros))
            .bind(now)
            .bind(new.created_by)
            .bind(new.request_key.clone())
            .bind(new.ip_allowlist.to_string())
            .bind(new.note.as_str())
            .insert(self)
            .await?;
        self.issue_secret(new.id, secret).await
    }

    /// Gives a token its next secret. Returns [`StoreError::Conflict`] if another one is still open or this version was
    /// already issued by a concurrent rotation.
    pub async fn issue_secret(
        &mut self,
        token: TokenId,
        secret: &NewSecret,
    ) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD_SECRET)
            .bind(secret.hash.as_bytes().to_vec())
            .bind(token)
            .bind(secret.version)
            .bind(&secret.masked)
            .bind(secret.encrypted_copy.clone())
            .bind(now)
            .insert(self)
            .await?;
        let issued = live_secret_of(self, &secret.hash).await?;
        self.record(&Change::SecretIssued(Box::new(issued))).await
    }

    /// Sets the enforced and the observed limits of a token.
    pub async fn limit_token(
        &mut self,
        token: TokenId,
        grant: &TokenLimits,
        observed: Option<&TokenLimits>,
    ) -> Result<(), StoreError> {
        query(LIMIT)
            .bind(grant.scopes.to_string())
            .bind(grant.ip_allowlist.to_string())
            .bind(observed.map(|observed| observed.scopes.to_string()))
            .bind(observed.map(|observed| observed.ip_allowlist.to_string()))
            .bind(token)
            .execute(self)
            .await?;
        for row in query(OPEN_SECRETS).bind(token).all(self).await? {
            self.record(&Change::SecretIssued(Box::new(live_secret(&row)?))).await?;
        }
        Ok(())
    }

    /// Renames a token. Gateways send the name to the upstream.
    pub async fn set_token_note(
        &mut self,
        token: TokenId,
        note: &TokenNote,
    ) -> Result<(), StoreError> {
        query(NOTE).bind(note.as_str()).bind(token).execute(self).await.map(|_| ())
    }

    pub async fn rename_token(&mut self, token: TokenId, name: &str) -> Result<(), StoreError> {
        query(RENAME).bind(name).bind(token).execute(self).await?;
        for row in query(OPEN_SECRETS).bind(token).all(self).await? {
            self.record(&Change::SecretIssued(Box::new(live_secret(&row)?))).await?;
        }
        Ok(())
    }

    /// Ends all secrets of a token, including those in their grace period, and deletes their display copies. Returns
    /// whether there was any.
    pub async fn end_secret(
        &mut self,
        token: TokenId,
        reason: RevocationReason,
    ) -> Result<bool, StoreError> {
        let at = self.now();
        let end = query(END_SECRET).bind(at.as_micros()).bind(reason.as_str()).bind(token);
        let ended = end.all(self).await?;
        for row in &ended {
            let hash = TokenHash::from_bytes(row::digest(row, "hash")?);
            let expires_at = row::instant_opt(row, "expires_at")?;
            let revocation = Revocation { at, reason };
            self.record(&Change::SecretRevoked { hash, revocation, expires_at }).await?;
        }
        Ok(!ended.is_empty())
    }

    /// Ends a secret again that this database has forgotten to have ended, with the known time and reason. Returns
    /// whether it had.
    pub async fn end_again(&mut self, stone: &Tombstone) -> Result<bool, StoreError> {
        let Tombstone { hash, revocation, expires_at } = *stone;
        let end = query(END_AGAIN)
            .bind(revocation.at)
            .bind(revocation.reason.as_str())
            .bind(hash.as_bytes().to_vec());
        if end.execute(self).await? == 0 {
            return Ok(false);
        }
        self.record(&Change::SecretRevoked { hash, revocation, expires_at }).await?;
        Ok(true)
    }
}
