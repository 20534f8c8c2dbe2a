//! A snapshot of every secret, which a gateway loads at start. A million rows take one or two seconds: SQLite returns
//! them by the thousand in one text, and PostgreSQL by COPY.

use crate::{
    Read, StoreError, row,
    sql::{Connection, Runs, query},
};
use futures_util::TryStreamExt;
use keydesk_model::{
    AccountId, AccountNumber, Closing, LiveSecret, MemberId, Revocation, RevocationReason,
    Timestamp, TokenId, TokenLimits, TokenOwner,
};
use keydesk_token::TokenHash;
use std::{collections::HashMap, str::FromStr};

/// A row separator. No name, scope, network, or ID contains control characters.
const ROW: char = '\u{1e}';
const PART: char = '\u{1d}';
const COLUMN: char = '\u{1f}';

const ACCOUNTS: &str = "SELECT id, number FROM account";

/// A query for a table's rows as packed texts, in either dialect.
struct Packed {
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! packed {
    ($columns:literal, $hash:literal, $sqlite_hash:literal, $from:literal) => {
        Packed {
            sqlite: concat!(
                "SELECT group_concat(",
                $sqlite_hash,
                $columns,
                ", char(30)) AS packed FROM ",
                $from,
                " GROUP BY rowid / 1000"
            ),
            postgres: concat!("COPY (SELECT ", $hash, $columns, " FROM ", $from, ") TO STDOUT"),
        }
    };
}

const TOKENS: Packed = packed!(
    "id || '\u{1f}' || account_id || '\u{1f}' || coalesce(member_id, '') || '\u{1f}' || \
     coalesce(CAST(expires_at AS TEXT), '') || '\u{1f}' || scopes || '\u{1d}' || ip_allowlist || '\u{1d}' || \
     coalesce(observed_scopes, '') || '\u{1d}' || coalesce(observed_ip_allowlist, '') || '\u{1f}' || name",
    "",
    "",
    "token"
);
const SECRETS: Packed = packed!(
    " || '\u{1f}' || token_id || '\u{1f}' || coalesce(CAST(ended_at AS TEXT), '') || '\u{1f}' || \
     coalesce(revocation_reason, '') || '\u{1f}' || coalesce(CAST(rotated_at AS TEXT), '') || '\u{1f}' || \
     coalesce(CAST(valid_until AS TEXT), '')",
    "encode(hash, 'hex')",
    "hex(hash)",
    "secret"
);

/// The contents of the rows, in as little memory as possible.
#[derive(Debug, Default)]
pub(crate) struct LiveSecrets {
    accounts: HashMap<AccountId, AccountNumber>,
    limits: Vec<(TokenLimits, Option<TokenLimits>)>,
    names: String,
    tokens: Vec<TokenRow>,
    by_id: HashMap<TokenId, usize>,
    secrets: Vec<SecretRow>,
}

#[derive(Debug)]
struct TokenRow {
    id: TokenId,
    account: AccountId,
    number: AccountNumber,
    token_owner: TokenOwner,
    expires_at: Option<Timestamp>,
    limits: usize,
    name: std::ops::Range<usize>,
}

#[derive(Debug)]
struct SecretRow {
    hash: TokenHash,
    token: usize,
    revocation: Option<Revocation>,
    closing: Option<Closing>,
}

impl LiveSecrets {
    /// Reads everything within a transaction, so that all rows belong to the same instant.
    pub async fn read(at_once: &mut Read) -> Result<Self, StoreError> {
        let mut all = Self::default();
        for found in query(ACCOUNTS).all(at_once).await? {
            all.accounts.insert(row::parsed(&found, "id")?, row::account_number(&found, "number")?);
        }
        let mut limits = HashMap::new();
        TOKENS.each(at_once, |columns| all.add_token(columns, &mut limits)).await?;
        SECRETS.each(at_once, |columns| all.add_secret(columns)).await?;
        Ok(all)
    }

    fn add_token(
        &mut self,
        columns: [&str; 6],
        known_limits: &mut HashMap<String, usize>,
    ) -> Result<(), StoreError> {
        let [id, account, member, expires_at, limits, name] = columns;
        let id: TokenId = parsed(id, "token.id")?;
        let account: AccountId = parsed(account, "token.account_id")?;
        let number = *self.accounts.get(&account).ok_or(unreadable("token.account_id"))?;
        let token_owner = match member {
            "" => TokenOwner::Account,
            member => TokenOwner::Member(parsed::<MemberId>(member, "token.member_id")?),
        };
        let limits = if let Some(number) = known_limits.get(limits) {
            *number
        } else {
            self.limits.push(read_limits(limits)?);
            known_limits.insert(limits.to_owned(), self.limits.len() - 1);
            self.limits.len() - 1
        };
        let start = self.names.len();
        self.names.push_str(name);
        self.by_id.insert(id, self.tokens.len());
        self.tokens.push(TokenRow {
            id,
            account,
            number,
            token_owner,
            expires_at: instant(expires_at, "token.expires_at")?,
            limits,
            name: start..self.names.len(),
        });
        Ok(())
    }

    fn add_secret(&mut self, columns: [&str; 6]) -> Result<(), StoreError> {
        let [hash, token, ended_at, reason, since, valid_until] = columns;
        let mut digest = [0; 32];
        hex::decode_to_slice(hash, &mut digest).map_err(|_| unreadable("secret.hash"))?;
        let token = self.by_id.get(&parsed(token, "secret.token_id")?);
        let revocation = match instant(ended_at, "secret.ended_at")? {
            Some(at) => Some(Revocation {
                at,
                reason: parsed::<RevocationReason>(reason, "secret.revocation_reason")?,
            }),
            None => None,
        };
        self.secrets.push(SecretRow {
            hash: TokenHash::from_bytes(digest),
            token: *token.ok_or(unreadable("secret.token_id"))?,
            revocation,
            closing: instant(since, "secret.rotated_at")?
                .zip(instant(valid_until, "secret.valid_until")?)
                .map(|(since, at)| Closing { since, at }),
        });
        Ok(())
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = LiveSecret> {
        self.secrets.iter().map(|secret| {
            let token = &self.tokens[secret.token];
            let (grant, observed) = self.limits[token.limits].clone();
            LiveSecret {
                hash: secret.hash,
                token: token.id,
                account: token.account,
                number: token.number,
                token_owner: token.token_owner,
                name: self.names[token.name.clone()].to_owned(),
                scopes: grant.scopes,
                ip_allowlist: grant.ip_allowlist,
                observed,
                expires_at: token.expires_at,
                revocation: secret.revocation,
                closing: secret.closing,
                restored_from: None,
            }
        })
    }
}

impl Packed {
    /// Passes every row's columns to `take`.
    async fn each<const N: usize>(
        &self,
        at_once: &mut Read,
        mut take: impl FnMut([&str; N]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match at_once.connection() {
            connection @ Connection::Sqlite(_) => {
                let mut rows = query(self.sqlite).stream(connection);
                while let Some(found) = rows.try_next().await? {
                    let packed: &str = found.get("packed")?;
                    packed.split(ROW).try_for_each(|line| take(columns(line)?))?;
                }
            }
            Connection::Postgres(connection) => {
                let mut lines = connection.copy_out_raw(self.postgres).await?;
                while let Some(line) = lines.try_next().await? {
                    let line = std::str::from_utf8(&line).map_err(|_| unreadable("packed"))?;
                    let line = line.strip_suffix('\n').unwrap_or(line);
                    // Of all characters that COPY escapes, only the backslash can occur in a name.
                    if line.contains('\\') {
                        take(columns(&line.replace("\\\\", "\\"))?)?;
                    } else {
                        take(columns(line)?)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Parses the enforced limits of a token, and the observed limits, if there are any.
fn read_limits(text: &str) -> Result<(TokenLimits, Option<TokenLimits>), StoreError> {
    let mut parts = text.split(PART);
    let mut next = || {
        let (scopes, ip_allowlist) = (parts.next().unwrap_or_default(), parts.next());
        let grant = TokenLimits {
            scopes: parsed(scopes, "token.scopes")?,
            ip_allowlist: parsed(ip_allowlist.ok_or(unreadable("packed"))?, "token.ip_allowlist")?,
        };
        Ok::<_, StoreError>(grant)
    };
    let (grant, observed) = (next()?, next()?);
    // Observed limits always have scopes.
    Ok((grant, (!observed.scopes.is_empty()).then_some(observed)))
}

/// Splits a packed row.
fn columns<const N: usize>(line: &str) -> Result<[&str; N], StoreError> {
    let mut columns = line.split(COLUMN);
    let taken = [(); N].map(|()| columns.next());
    if taken.iter().any(Option::is_none) || columns.next().is_some() {
        return Err(unreadable("packed"));
    }
    Ok(taken.map(Option::unwrap_or_default))
}

fn parsed<T: FromStr>(text: &str, column: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| unreadable(column))
}

fn instant(text: &str, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    if text.is_empty() {
        Ok(None)
    } else {
        parsed(text, column).map(Timestamp::from_micros).map(Some)
    }
}

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unreadable { column }
}
