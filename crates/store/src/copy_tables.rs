//! The tables that a copy holds, read from the schema: a table that is added there is copied.

use crate::schema::SCHEMA;
use std::sync::LazyLock;

pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
    Bytes(&'static str),
}

pub(crate) struct Table {
    pub name: &'static str,
    pub columns: Vec<Column>,
}

/// Tables about the nodes of one database, and where its data went.
const NOT_COPIED: [&str; 3] = ["node", "report", "moved"];

/// Tables in the order of the schema, so that a row is copied after the rows that it refers to.
pub(crate) static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    let tables = SCHEMA.split("CREATE TABLE ").skip(1).filter_map(table);
    tables.filter(|table| !NOT_COPIED.contains(&table.name)).collect()
});

/// Reads a table from the text after `CREATE TABLE`, with one column on each line.
fn table(text: &'static str) -> Option<Table> {
    let (name, columns) = text.split_once(" (\n")?;
    let (columns, _) = columns.split_once("\n)")?;
    Some(Table { name, columns: columns.lines().filter_map(column).collect() })
}

/// Returns `None` for a line that is a constraint of the whole table.
fn column(line: &'static str) -> Option<Column> {
    let (name, kind) = line.trim().split_once(' ')?;
    match kind.split([' ', ',']).next()? {
        "TEXT" => Some(Column::Text(name)),
        "INTEGER" => Some(Column::Number(name)),
        "BLOB" => Some(Column::Bytes(name)),
        _ => None,
    }
}
