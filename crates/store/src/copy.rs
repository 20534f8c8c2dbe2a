//! Everything from one database into another, whichever kinds they are: to move to PostgreSQL, to back
//! up, to restore. Reads one instant, writes one transaction, counts both.

use crate::{
    OpenError, Place, Read, Store, StoreError,
    sql::{Row, Runs, Value, composed, query},
};
use futures_util::TryStreamExt;
use keydesk_model::Timestamp;
use std::path::Path;

enum Column {
    Text(&'static str),
    Number(&'static str),
    Bytes(&'static str),
}

use Column::{Bytes as B, Number as N, Text as T};

struct Table {
    name: &'static str,
    columns: &'static [Column],
}

/// Every table but the list of nodes and their reports, whoever is referred to first. A test holds it against both
/// schemas.
const TABLES: &[Table] = &[
    Table {
        name: "head",
        columns: &[
            N("one"),
            N("seq"),
            N("audit_seq"),
            T("epoch"),
            T("chain"),
            N("node_seq"),
            N("needs"),
            T("key_id"),
            T("timeline"),
            N("history_since"),
        ],
    },
    Table { name: "change", columns: &[N("seq"), N("at"), T("body"), T("chain"), T("seal")] },
    Table {
        name: "key_check",
        columns: &[T("key_id"), B("sealed"), N("created_at"), T("public_key"), B("pepper")],
    },
    Table {
        name: "account",
        columns: &[
            T("id"),
            N("number"),
            T("name"),
            N("created_at"),
            T("plan"),
            T("addresses"),
            T("trial_addresses"),
            N("max_life_days"),
            N("requires_expiry"),
            T("expiry_mode"),
            T("state"),
            N("state_since"),
            N("requires_second_factor"),
            N("state_changed_at"),
        ],
    },
    Table {
        name: "quota_use",
        columns: &[N("account_number"), N("month"), N("calls"), N("changed_at")],
    },
    Table {
        name: "person",
        columns: &[
            T("id"),
            T("email"),
            T("email_canonical"),
            T("name"),
            T("password_hash"),
            N("created_at"),
            N("version"),
            T("language"),
        ],
    },
    Table {
        name: "totp",
        columns: &[T("person_id"), B("sealed"), N("created_at"), N("confirmed_at"), N("last_step")],
    },
    Table {
        name: "recovery_code",
        columns: &[B("hash"), T("person_id"), N("created_at"), N("used_at")],
    },
    Table {
        name: "half_log_in",
        columns: &[
            B("hash"),
            T("person_id"),
            N("person_version"),
            N("expires_at"),
            T("account_id"),
        ],
    },
    Table {
        name: "email_change",
        columns: &[
            B("old_code_hash"),
            B("new_code_hash"),
            T("person_id"),
            T("email"),
            N("created_at"),
            N("expires_at"),
            N("old_confirmed_at"),
            N("new_confirmed_at"),
            N("closed_at"),
        ],
    },
    Table {
        name: "sign_up",
        columns: &[
            B("code_hash"),
            T("email"),
            T("account_name"),
            N("created_at"),
            N("expires_at"),
            N("closed_at"),
        ],
    },
    Table {
        name: "passkey",
        columns: &[
            T("id"),
            T("person_id"),
            T("name"),
            T("body"),
            N("created_at"),
            N("last_used_at"),
        ],
    },
    Table { name: "spent_challenge", columns: &[B("hash"), N("expires_at")] },
    Table {
        name: "sign_on",
        columns: &[
            T("account_id"),
            T("issuer"),
            T("client_id"),
            B("sealed"),
            T("domain"),
            T("default_role"),
            T("role_claim"),
            T("roles"),
            N("created_at"),
            N("confirmed_at"),
            T("set_by"),
        ],
    },
    Table {
        name: "attempt",
        columns: &[T("kind"), T("key"), N("failures"), N("last_at"), N("used_until")],
    },
    Table {
        name: "device",
        columns: &[B("hash"), T("person_id"), N("created_at"), T("user_agent")],
    },
    Table { name: "operator", columns: &[T("person_id"), N("created_at")] },
    Table {
        name: "member",
        columns: &[
            T("id"),
            T("account_id"),
            T("person_id"),
            T("role"),
            N("created_at"),
            N("removed_at"),
            N("sessions_from"),
            T("removed_email"),
        ],
    },
    Table {
        name: "token",
        columns: &[
            T("id"),
            T("account_id"),
            T("binding"),
            T("member_id"),
            T("name"),
            T("scopes"),
            N("expires_at"),
            N("created_at"),
            T("created_by"),
            T("request_key"),
            T("addresses"),
            T("trial_scopes"),
            T("trial_addresses"),
        ],
    },
    Table { name: "reminder", columns: &[T("token_id"), N("expires_at"), N("days"), N("sent_at")] },
    Table {
        name: "operation_rules",
        columns: &[N("one"), T("mode"), T("body"), T("pending"), N("changed_at")],
    },
    Table {
        name: "operation_use",
        columns: &[
            N("day"),
            T("token_id"),
            T("program"),
            T("operation"),
            T("objection"),
            N("calls"),
            N("refused"),
            N("last_used_at"),
        ],
    },
    Table {
        name: "secret",
        columns: &[
            B("hash"),
            T("token_id"),
            N("version"),
            T("masked"),
            B("display"),
            N("issued_at"),
            N("ended_at"),
            T("end_cause"),
            N("closing_since"),
            N("closes_at"),
            N("quiet"),
        ],
    },
    Table {
        name: "session",
        columns: &[
            T("id"),
            B("hash"),
            T("person_id"),
            T("account_id"),
            N("created_at"),
            N("seen_at"),
            N("authenticated_at"),
            T("client_addr"),
            T("user_agent"),
            N("ended_at"),
        ],
    },
    Table {
        name: "invitation",
        columns: &[
            T("id"),
            T("account_id"),
            T("email"),
            T("email_canonical"),
            T("role"),
            B("code_hash"),
            T("invited_by"),
            N("created_at"),
            N("expires_at"),
            N("closed_at"),
        ],
    },
    Table {
        name: "reset",
        columns: &[
            B("code_hash"),
            T("person_id"),
            N("created_at"),
            N("expires_at"),
            N("closed_at"),
        ],
    },
    Table { name: "audit_head", columns: &[T("account_id"), T("chain"), N("entries")] },
    Table {
        name: "audit",
        columns: &[
            N("seq"),
            N("at"),
            T("action"),
            T("actor"),
            T("person_id"),
            T("member_id"),
            T("account_id"),
            T("target"),
            T("detail"),
            T("client_addr"),
            T("user_agent"),
            T("request_id"),
            T("chain"),
        ],
    },
    Table {
        name: "integration",
        columns: &[
            T("token_id"),
            T("program"),
            T("client_addr"),
            N("first_used_at"),
            N("last_used_at"),
            N("calls"),
        ],
    },
    Table {
        name: "feedback",
        columns: &[
            T("id"),
            N("at"),
            T("question"),
            T("answered"),
            T("comment"),
            T("account_id"),
            T("person_id"),
        ],
    },
];

/// Parameters in one statement: what both databases take for sure.
const MOST_PARAMETERS: usize = 900;

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("{0} holds accounts already; nothing was changed. Name an empty database")]
    NotEmpty(String),
    #[error("the table {table} has {from} rows, but {to} arrived; nothing was kept")]
    Lost { table: &'static str, from: i64, to: i64 },
    #[error("the place to copy to: {0}")]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far a copy has come.
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

    fn take(&self, row: &Row) -> Result<Value, StoreError> {
        Ok(match self {
            Self::Text(name) => Value::Text(row.get(name)?),
            Self::Number(name) => Value::Number(row.get(name)?),
            Self::Bytes(name) => Value::Bytes(row.get(name)?),
        })
    }

    /// PostgreSQL takes the type of a place in a list of rows from here.
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

    /// Row by row from one transaction into another.
    async fn copy(
        &self,
        from: &mut Read,
        to: &mut Read,
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
                rows.push(self.columns.iter().map(|c| c.take(&row)).collect::<Result<_, _>>()?);
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

impl Store {
    /// Copies everything, as it is at one instant, into an empty database at `place`; all or nothing.
    /// With `epoch` the copy is another history from here on, and whoever follows loads it anew.
    pub async fn copy_to(
        &self,
        place: &Place,
        epoch: Option<(&str, Timestamp)>,
        mut tell: impl FnMut(CopyProgress),
    ) -> Result<(), CopyError> {
        let target = Self::open(place).await?;
        let mut from = self.read_at_once().await?;
        let mut to = target.aside().await?;
        if to.count_accounts().await? > 0 || to.has_key_check().await? {
            return Err(CopyError::NotEmpty(place.to_string()));
        }
        query("DELETE FROM head").execute(&mut to).await?;
        for table in TABLES {
            table.copy(&mut from, &mut to, &mut tell).await?;
        }
        query("UPDATE head SET timeline = ''").execute(&mut to).await?;
        if let Some((epoch, now)) = epoch {
            // Nodes that run on know nothing of it yet, and stand in no list.
            let begin = query("UPDATE head SET epoch = $1, history_since = $2");
            begin.bind(epoch).bind(target.now(now).await?).execute(&mut to).await?;
        }
        to.finish().await?;
        target.close().await;
        Ok(())
    }

    /// Writes a backup, an SQLite file that is not there yet, while others go on writing. A file of the
    /// same kind is copied as a whole.
    pub async fn back_up(
        &self,
        file: &Path,
        tell: impl FnMut(CopyProgress),
    ) -> Result<(), CopyError> {
        if self.copy_file(file).await? {
            return Ok(());
        }
        self.copy_to(&Place::Sqlite(file.to_owned()), None, tell).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A column that was forgotten here would be lost by every backup.
    #[tokio::test]
    async fn every_column_is_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::Sqlite(folder.path().join("keydesk.sqlite"));
        let store = Store::open(&place).await.expect("opens");
        let mut read = store.read().await.expect("reads");
        let there = query(
            "SELECT tables.name || '.' || columns.name || ' ' || columns.type AS known FROM sqlite_master AS tables \
             JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' \
             AND tables.name NOT IN ('node', 'report', '_sqlx_migrations') ORDER BY 1",
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
