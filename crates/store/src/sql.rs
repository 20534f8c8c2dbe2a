//! One SQL text for both back ends: a statement with its values, run on whichever database is open,
//! and the row that comes back. PostgreSQL is never waited for without an end.

use crate::StoreError;
use futures_util::{StreamExt, stream::BoxStream};
use keydesk_model::{
    AccountId, InvitationId, MailId, MemberId, NodeId, SessionId, Timestamp, TokenId, UserId,
};
use sqlx::{
    AssertSqlSafe, Decode, PgConnection, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite,
    SqliteConnection, Type, postgres::PgRow, sqlite::SqliteRow,
};
use std::{io, time::Duration};

/// How long a statement may take. A database beyond a broken network says nothing at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to one of the two.
#[derive(Debug)]
pub(crate) enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// Whatever can run a statement.
pub(crate) trait Runs {
    fn connection(&mut self) -> Connection<'_>;
}

impl Runs for Connection<'_> {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(connection) => Connection::Sqlite(connection),
            Self::Postgres(connection) => Connection::Postgres(connection),
        }
    }
}

impl Runs for SqliteConnection {
    fn connection(&mut self) -> Connection<'_> {
        Connection::Sqlite(self)
    }
}

impl Runs for PgConnection {
    fn connection(&mut self) -> Connection<'_> {
        Connection::Postgres(self)
    }
}

/// What is bound to a place in a statement. The type is said even where the value is missing:
/// PostgreSQL wants to know it.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// As a message may show it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(Some(text)) => text.clone(),
            Self::Number(Some(number)) => number.to_string(),
            Self::Bytes(Some(bytes)) => hex::encode(bytes),
            _ => String::new(),
        }
    }
}

macro_rules! value_of {
    ($($variant:ident: $($from:ty => |$value:ident| $into:expr),+;)*) => {$($(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant(Some($into))
            }
        }

        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$value| $into))
            }
        }
    )+)*};
}

value_of! {
    Text: String => |text| text, &str => |text| text.to_owned(), &String => |text| text.clone(),
        AccountId => |id| id.into(), InvitationId => |id| id.into(), MailId => |id| id.into(),
        MemberId => |id| id.into(),
        NodeId => |id| id.into(), UserId => |id| id.into(), SessionId => |id| id.into(),
        TokenId => |id| id.into();
    Number: i64 => |number| number, u32 => |number| i64::from(number),
        Timestamp => |at| at.as_micros();
    Bytes: Vec<u8> => |bytes| bytes, &[u8] => |bytes| bytes.to_vec(), [u8; 32] => |bytes| bytes.to_vec();
}

/// A statement and what is bound to it.
#[derive(Debug)]
pub(crate) struct Query {
    text: SqlStr,
    values: Vec<Value>,
}

pub(crate) fn query(text: &'static str) -> Query {
    Query { text: text.into_sql_str(), values: Vec::new() }
}

/// For a statement that is put together here, of our own parts alone.
pub(crate) fn composed(text: String) -> Query {
    Query { text: AssertSqlSafe(text).into_sql_str(), values: Vec::new() }
}

/// Whether statements are prepared once and kept: in SQLite, where the connection is ours alone.
trait Prepares {
    const BY_NAME: bool;
}

impl Prepares for Sqlite {
    const BY_NAME: bool = true;
}

impl Prepares for Postgres {
    const BY_NAME: bool = false;
}

macro_rules! bound {
    ($database:ty, $query:expr) => {{
        let Query { text, values } = $query;
        // Without a name in the server, so that a pooler may hand the connection to someone else.
        let query = sqlx::query::<$database>(text).persistent(<$database as Prepares>::BY_NAME);
        values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Bytes(bytes) => query.bind(bytes),
        })
    }};
}

impl Query {
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub fn bind_value(mut self, value: Value) -> Self {
        self.values.push(value);
        self
    }

    /// Runs it; how many rows it has touched.
    pub async fn execute(self, on: &mut impl Runs) -> Result<u64, StoreError> {
        match on.connection() {
            Connection::Sqlite(connection) => {
                Ok(bound!(Sqlite, self).execute(connection).await?.rows_affected())
            }
            Connection::Postgres(connection) => {
                Ok(in_time(bound!(Postgres, self).execute(connection)).await?.rows_affected())
            }
        }
    }

    /// For an `INSERT … ON CONFLICT DO NOTHING`: whoever was first keeps the place. (An error would
    /// end a transaction of PostgreSQL's.)
    pub async fn insert(self, on: &mut impl Runs) -> Result<(), StoreError> {
        if self.execute(on).await? == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    pub async fn optional(self, on: &mut impl Runs) -> Result<Option<SqlRow>, StoreError> {
        Ok(match on.connection() {
            Connection::Sqlite(connection) => {
                bound!(Sqlite, self).fetch_optional(connection).await?.map(SqlRow::Sqlite)
            }
            Connection::Postgres(connection) => {
                let found = in_time(bound!(Postgres, self).fetch_optional(connection)).await?;
                found.map(SqlRow::Postgres)
            }
        })
    }

    pub async fn one(self, on: &mut impl Runs) -> Result<SqlRow, StoreError> {
        self.optional(on).await?.ok_or(StoreError::Unavailable(sqlx::Error::RowNotFound))
    }

    pub async fn all(self, on: &mut impl Runs) -> Result<Vec<SqlRow>, StoreError> {
        Ok(match on.connection() {
            Connection::Sqlite(connection) => {
                let rows = bound!(Sqlite, self).fetch_all(connection).await?;
                rows.into_iter().map(SqlRow::Sqlite).collect()
            }
            Connection::Postgres(connection) => {
                let rows = in_time(bound!(Postgres, self).fetch_all(connection)).await?;
                rows.into_iter().map(SqlRow::Postgres).collect()
            }
        })
    }

    /// Row by row, for what does not fit into memory at once.
    pub fn stream(self, on: Connection<'_>) -> BoxStream<'_, Result<SqlRow, StoreError>> {
        match on {
            Connection::Sqlite(connection) => {
                bound!(Sqlite, self).fetch(connection).map(|row| Ok(SqlRow::Sqlite(row?))).boxed()
            }
            Connection::Postgres(connection) => bound!(Postgres, self)
                .fetch(connection)
                .map(|row| Ok(SqlRow::Postgres(row?)))
                .boxed(),
        }
    }
}

/// Ends the wait for a database that does not answer.
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late()))
}

/// A row of either.
pub(crate) enum SqlRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl SqlRow {
    pub fn get<'r, T>(&'r self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}
