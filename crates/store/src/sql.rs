//! One SQL text for both databases: a statement with its values, which runs on the open database, and the resulting
//! rows. Waiting for PostgreSQL always has a time limit.

use crate::StoreError;
use futures_util::{StreamExt, stream::BoxStream};
use keydesk_model::{
    AccountId, CanaryId, DeliveryId, InvitationId, MailId, ManagementKeyId, MemberId, NodeId,
    SessionId, Timestamp, TokenId, UserId, WebhookId,
};
use sqlx::{
    AssertSqlSafe, Decode, PgConnection, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite,
    SqliteConnection, Type, postgres::PgRow, sqlite::SqliteRow,
};
use std::{io, time::Duration};

/// The time limit of a statement. A database behind a broken network doesn't respond at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to either database.
#[derive(Debug)]
pub(crate) enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// A target on which statements run.
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

/// A value of a statement's parameter. The type is given even for a missing value because PostgreSQL needs it.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// Returns the value as a message may display it.
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
        ManagementKeyId => |id| id.into(), MemberId => |id| id.into(),
        NodeId => |id| id.into(), UserId => |id| id.into(), SessionId => |id| id.into(),
        TokenId => |id| id.into(), CanaryId => |id| id.into(), DeliveryId => |id| id.into(), WebhookId => |id| id.into();
    Number: i64 => |number| number, u32 => |number| i64::from(number),
        Timestamp => |at| at.as_micros();
    Bytes: Vec<u8> => |bytes| bytes, &[u8] => |bytes| bytes.to_vec(), [u8; 32] => |bytes| bytes.to_vec();
}

/// A statement and its parameters.
#[derive(Debug)]
pub(crate) struct Query {
    text: SqlStr,
    values: Vec<Value>,
}

pub(crate) fn query(text: &'static str) -> Query {
    Query { text: text.into_sql_str(), values: Vec::new() }
}

/// Creates a query from text that is composed only of this crate's own parts.
pub(crate) fn composed(text: String) -> Query {
    Query { text: AssertSqlSafe(text).into_sql_str(), values: Vec::new() }
}

/// Splits rows into groups of these sizes, the largest first and the last one 1, for statements that write several.
pub(crate) fn groups<'a, T>(rows: &'a [T], sizes: &'a [usize]) -> impl Iterator<Item = &'a [T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = sizes.iter().find(|size| **size <= rest.len())?;
        let (group, later) = rest.split_at(*size);
        rest = later;
        (!group.is_empty()).then_some(group)
    })
}

/// Whether statements are prepared once and kept, which is the case in SQLite because its connections aren't shared.
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
        // The statement has no name on the server, so that a pooler may reassign the connection.
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

    /// Runs the statement. Returns the number of affected rows.
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

    /// Runs an `INSERT … ON CONFLICT DO NOTHING`, in which the first row is kept. (An error would end a PostgreSQL
    /// transaction.)
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

    /// Streams the rows, for results that don't fit into memory.
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

/// Ends the wait for a database that doesn't respond.
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late()))
}

/// A row of either database.
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
