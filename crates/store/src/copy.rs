//! Copying of everything from one database to another of either kind: to migrate to PostgreSQL, to back up, and to
//! restore. A copy reads one instant, writes one transaction, and compares the row counts.

use crate::{
    DatabaseUrl, OpenError, Read, Store, StoreError,
    copy_tables::{Column, TABLES, Table},
    sql::{Connection, Runs, SqlRow, Value, composed, query},
};
use futures_util::TryStreamExt;
use keydesk_model::Timestamp;
use std::path::Path;

/// The maximum number of parameters in a statement that both databases accept.
const MOST_PARAMETERS: usize = 900;

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(
        "{0} is in use already: it holds accounts, or Keydesk was started on it once. Nothing was changed. Name a new, empty database"
    )]
    NotEmpty(String),
    #[error("the table {table} has {from} rows, but {to} arrived; nothing was kept")]
    Lost { table: &'static str, from: i64, to: i64 },
    #[error(
        "the table {table}, row {row}, column {column}: the value contains a NUL character, which PostgreSQL cannot store. Nothing was copied. Correct the row, or replace such characters with --replace-nul"
    )]
    Nul { table: &'static str, row: String, column: &'static str },
    #[error("the place to copy to: {0}")]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The treatment of the NUL character, which SQLite stores and PostgreSQL doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nul {
    Kept,
    Refused,
    Replaced,
}

/// The progress of a copy.
#[derive(Clone, Copy, Debug)]
pub struct CopyProgress {
    pub table: &'static str,
    pub rows: i64,
    pub of: i64,
}

impl Column {
    fn name(&self) -> &'static str {
        let (Self::Text(name) | Self::Number(name) | Self::Bytes(name)) = self;
        name
    }

    fn take(&self, row: &SqlRow) -> Result<Value, StoreError> {
        Ok(match self {
            Self::Text(name) => Value::Text(row.get(name)?),
            Self::Number(name) => Value::Number(row.get(name)?),
            Self::Bytes(name) => Value::Bytes(row.get(name)?),
        })
    }

    /// Returns a placeholder with its type, which PostgreSQL needs in a list of rows.
    fn place(&self, number: usize) -> String {
        match self {
            Self::Number(_) => format!("CAST(${number} AS BIGINT)"),
            Self::Text(_) | Self::Bytes(_) => format!("${number}"),
        }
    }
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(Column::name).collect::<Vec<_>>().join(", ")
    }

    async fn count(&self, read: &mut Read) -> Result<i64, StoreError> {
        let count = format!("SELECT count(*) AS number FROM {}", self.name);
        composed(count).one(read).await?.get("number")
    }

    fn insert(&self, rows: &[Vec<Value>]) -> crate::sql::Query {
        let width = self.columns.len();
        let places = (0..rows.len()).map(|row| {
            let places = self.columns.iter().zip(row * width + 1..).map(|(c, at)| c.place(at));
            format!("({})", places.collect::<Vec<_>>().join(", "))
        });
        let places = places.collect::<Vec<_>>().join(", ");
        let insert = format!("INSERT INTO {} ({}) VALUES {places}", self.name, self.names());
        let values = rows.iter().flatten().cloned();
        values.fold(composed(insert), crate::sql::Query::bind_value)
    }

    /// Finds texts that the other database can't store.
    fn look_for_nul(&self, values: &mut [Value], nul: Nul) -> Result<(), CopyError> {
        if nul == Nul::Kept {
            return Ok(());
        }
        let key = values.first().map(Value::shown).unwrap_or_default();
        for (column, value) in self.columns.iter().zip(values) {
            let Value::Text(Some(text)) = value else { continue };
            if !text.contains('\0') {
                continue;
            }
            if nul == Nul::Refused {
                let row = key.escape_default().to_string();
                return Err(CopyError::Nul { table: self.name, row, column: column.name() });
            }
            *text = text.replace('\0', "\u{fffd}");
        }
        Ok(())
    }

    /// Copies the rows of the table from one transaction into another.
    async fn copy(
        &self,
        from: &mut Read,
        to: &mut Read,
        nul: Nul,
        tell: &mut impl FnMut(CopyProgress),
    ) -> Result<(), CopyError> {
        let of = self.count(from).await?;
        let all = format!("SELECT {} FROM {}", self.names(), self.name);
        let mut found = composed(all).stream(from.connection());
        let most = MOST_PARAMETERS / self.columns.len();
        let (mut rows, mut copied) = (Vec::with_capacity(most), 0);
        loop {
            let row = found.try_next().await?;
            let is_last = row.is_none();
            if let Some(row) = row {
                let mut values: Vec<Value> =
                    self.columns.iter().map(|c| c.take(&row)).collect::<Result<_, _>>()?;
                self.look_for_nul(&mut values, nul)?;
                rows.push(values);
            }
            if !rows.is_empty() && (is_last || rows.len() == most) {
                self.insert(&rows).execute(to).await?;
                copied += i64::try_from(rows.len()).unwrap_or(0);
                rows.clear();
                tell(CopyProgress { table: self.name, rows: copied, of });
            }
            if is_last {
                break;
            }
        }
        drop(found);
        let arrived = self.count(to).await?;
        if arrived == of {
            Ok(())
        } else {
            Err(CopyError::Lost { table: self.name, from: of, to: arrived })
        }
    }
}

/// Deletes what gateways that already run on an empty database have reported, and makes them wait until the copy is done.
async fn clear(to: &mut Read) -> Result<(), StoreError> {
    if matches!(to.connection(), Connection::Postgres(_)) {
        let names: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "));
        composed(lock).execute(to).await?;
    }
    for table in TABLES.iter().rev() {
        composed(format!("DELETE FROM {}", table.name)).execute(to).await?;
    }
    Ok(())
}

impl Store {
    /// Records that everything was moved to `place`, after which nothing opens this database.
    pub async fn note_moved(&self, place: &DatabaseUrl) -> Result<(), StoreError> {
        let mut aside = self.aside().await?;
        let note = query("INSERT INTO moved (one, place) VALUES (1, $1)").bind(place.to_string());
        note.execute(&mut aside).await?;
        aside.finish().await
    }

    /// Copies everything, as of one instant, into an empty database at `place`, or nothing. With `replaces_nul`, a
    /// character that PostgreSQL doesn't store is replaced; otherwise, it fails the copy. With `epoch`, the copy is a
    /// new history, and its followers reload everything.
    pub async fn copy_to(
        &self,
        place: &DatabaseUrl,
        epoch: Option<(&str, Timestamp)>,
        replaces_nul: bool,
        mut tell: impl FnMut(CopyProgress),
    ) -> Result<(), CopyError> {
        let nul = match place {
            DatabaseUrl::Sqlite(_) => Nul::Kept,
            DatabaseUrl::Postgres(_) if replaces_nul => Nul::Replaced,
            DatabaseUrl::Postgres(_) => Nul::Refused,
        };
        let target = Self::open(place).await?;
        let mut from = self.read_at_once().await?;
        let mut to = target.aside().await?;
        if to.count_accounts().await? > 0 || to.has_key_check().await? {
            return Err(CopyError::NotEmpty(place.to_string()));
        }
        clear(&mut to).await?;
        for table in TABLES.iter() {
            table.copy(&mut from, &mut to, nul, &mut tell).await?;
        }
        query("UPDATE head SET timeline = ''").execute(&mut to).await?;
        if let Some((epoch, now)) = epoch {
            // Nodes that are still running don't know the new history and aren't in its list.
            // The links in these emails were sent long ago or have expired.
            query("DELETE FROM outbox").execute(&mut to).await?;
            let begin = query("UPDATE head SET epoch = $1, history_since = $2");
            begin.bind(epoch).bind(target.now(now).await?).execute(&mut to).await?;
        }
        to.finish().await?;
        target.close().await;
        Ok(())
    }

    /// Writes a backup to a new SQLite file while others keep writing. An SQLite database is copied as a whole.
    pub async fn back_up(
        &self,
        file: &Path,
        tell: impl FnMut(CopyProgress),
    ) -> Result<(), CopyError> {
        if self.copy_file(file).await? {
            return Ok(());
        }
        self.copy_to(&DatabaseUrl::Sqlite(file.to_owned()), None, false, tell).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every backup would lose a column that is missing here.
    #[tokio::test]
    async fn every_column_is_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = DatabaseUrl::Sqlite(folder.path().join("keydesk.sqlite"));
        let store = Store::open(&place).await.expect("opens");
        let mut read = store.read().await.expect("reads");
        let there = query(
            "SELECT tables.name || '.' || columns.name || ' ' || columns.type AS known FROM sqlite_master AS tables \
             JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' \
             AND tables.name NOT IN ('node', 'report', 'moved', '_sqlx_migrations') ORDER BY 1",
        );
        let there = there.all(&mut read).await.expect("reads");
        let there: Vec<String> = there.iter().map(|row| row.get("known").expect("text")).collect();
        let mut copied: Vec<_> = TABLES
            .iter()
            .flat_map(|table| {
                table.columns.iter().map(|column| {
                    let kind = match column {
                        Column::Text(_) => "TEXT",
                        Column::Number(_) => "INTEGER",
                        Column::Bytes(_) => "BLOB",
                    };
                    format!("{}.{} {kind}", table.name, column.name())
                })
            })
            .collect();
        copied.sort();
        assert_eq!(copied, there);
    }
}
