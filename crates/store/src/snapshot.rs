//! Every secret there ever was: what a gateway loads at start. A million rows are read in a second,
//! because the database hands them over by the thousand, as one text each.

use crate::{StoreError, row};
use futures_util::TryStreamExt;
use keydesk_model::{
    AccountId, AccountNumber, Binding, EndCause, Ending, LiveSecret, MemberId, ScopeSet, Timestamp,
    TokenId,
};
use keydesk_token::TokenHash;
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::{collections::HashMap, str::FromStr};

/// No name, scope or id holds these two: they are control characters.
const ROW: char = '\u{1e}';
const COLUMN: char = '\u{1f}';

const ACCOUNTS: &str = "SELECT id, number FROM account";
const TOKENS: &str = "SELECT group_concat(id || char(31) || account_id || char(31) || coalesce(member_id, '') \
    || char(31) || coalesce(expires_at, '') || char(31) || scopes || char(31) || name, char(30)) AS packed \
    FROM token GROUP BY rowid / 1000";
const SECRETS: &str = "SELECT group_concat(hex(hash) || char(31) || token_id || char(31) || coalesce(ended_at, '') \
    || char(31) || coalesce(end_cause, ''), char(30)) AS packed FROM secret GROUP BY rowid / 1000";

/// What the rows say, in as little memory as it takes.
#[derive(Debug, Default)]
pub(crate) struct LiveSecrets {
    accounts: HashMap<AccountId, AccountNumber>,
    scopes: Vec<ScopeSet>,
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
    binding: Binding,
    expires_at: Option<Timestamp>,
    scopes: usize,
    name: std::ops::Range<usize>,
}

#[derive(Debug)]
struct SecretRow {
    hash: TokenHash,
    token: usize,
    ending: Option<Ending>,
}

impl LiveSecrets {
    /// Within a transaction, so that all rows belong to the same instant.
    pub async fn read(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let mut all = Self::default();
        for found in sqlx::query(ACCOUNTS).fetch_all(&mut *connection).await? {
            let number = sqlx::Row::try_get::<u32, _>(&found, "number")?;
            let number = number.try_into().map_err(|_| unreadable("account.number"))?;
            all.accounts.insert(row::parsed(&found, "id")?, number);
        }
        let mut scopes = HashMap::new();
        let mut packed = sqlx::query(TOKENS).fetch(&mut *connection);
        while let Some(found) = packed.try_next().await? {
            each(&found, |columns| all.add_token(columns, &mut scopes))?;
        }
        drop(packed);
        let mut packed = sqlx::query(SECRETS).fetch(&mut *connection);
        while let Some(found) = packed.try_next().await? {
            each(&found, |columns| all.add_secret(columns))?;
        }
        Ok(all)
    }

    fn add_token(
        &mut self,
        columns: [&str; 6],
        known_scopes: &mut HashMap<String, usize>,
    ) -> Result<(), StoreError> {
        let [id, account, member, expires_at, scopes, name] = columns;
        let id: TokenId = parsed(id, "token.id")?;
        let account: AccountId = parsed(account, "token.account_id")?;
        let number = *self.accounts.get(&account).ok_or(unreadable("token.account_id"))?;
        let binding = match member {
            "" => Binding::Account,
            member => Binding::Member(parsed::<MemberId>(member, "token.member_id")?),
        };
        let scopes = if let Some(number) = known_scopes.get(scopes) {
            *number
        } else {
            self.scopes.push(parsed(scopes, "token.scopes")?);
            known_scopes.insert(scopes.to_owned(), self.scopes.len() - 1);
            self.scopes.len() - 1
        };
        let start = self.names.len();
        self.names.push_str(name);
        self.by_id.insert(id, self.tokens.len());
        self.tokens.push(TokenRow {
            id,
            account,
            number,
            binding,
            expires_at: instant(expires_at, "token.expires_at")?,
            scopes,
            name: start..self.names.len(),
        });
        Ok(())
    }

    fn add_secret(&mut self, columns: [&str; 4]) -> Result<(), StoreError> {
        let [hash, token, ended_at, cause] = columns;
        let mut digest = [0; 32];
        hex::decode_to_slice(hash, &mut digest).map_err(|_| unreadable("secret.hash"))?;
        let token = self.by_id.get(&parsed(token, "secret.token_id")?);
        let ending = match instant(ended_at, "secret.ended_at")? {
            Some(at) => Some(Ending { at, cause: parsed::<EndCause>(cause, "secret.end_cause")? }),
            None => None,
        };
        self.secrets.push(SecretRow {
            hash: TokenHash::from_bytes(digest),
            token: *token.ok_or(unreadable("secret.token_id"))?,
            ending,
        });
        Ok(())
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = LiveSecret> {
        self.secrets.iter().map(|secret| {
            let token = &self.tokens[secret.token];
            LiveSecret {
                hash: secret.hash,
                token: token.id,
                account: token.account,
                number: token.number,
                binding: token.binding,
                name: self.names[token.name.clone()].to_owned(),
                scopes: self.scopes[token.scopes].clone(),
                expires_at: token.expires_at,
                ending: secret.ending,
            }
        })
    }
}

/// Takes a packed text apart.
fn each<const N: usize>(
    found: &SqliteRow,
    mut take: impl FnMut([&str; N]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let packed: &str = sqlx::Row::try_get(found, "packed")?;
    for line in packed.split(ROW) {
        let mut columns = line.split(COLUMN);
        let taken = [(); N].map(|()| columns.next());
        if taken.iter().any(Option::is_none) || columns.next().is_some() {
            return Err(unreadable("packed"));
        }
        take(taken.map(Option::unwrap_or_default))?;
    }
    Ok(())
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
