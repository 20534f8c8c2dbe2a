//! Objects of the management API as tables for people, and as JSON for programs.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    JsonLines,
}

/// The title of a column, and the JSON pointer of its value.
pub type Column = (&'static str, &'static str);

/// Prints objects, one row each.
pub fn print_list(format: Format, columns: &[Column], items: &[Value]) {
    match format {
        Format::Json => print_line!("{}", pretty(&Value::from(items))),
        Format::JsonLines => items.iter().for_each(|item| print_line!("{item}")),
        Format::Table => table(columns, items).iter().for_each(|line| print_line!("{line}")),
    }
}

/// Prints one object, a line for each value.
pub fn print_object(format: Format, columns: &[Column], object: &Value) {
    match format {
        Format::Json => print_line!("{}", pretty(object)),
        Format::JsonLines => print_line!("{object}"),
        Format::Table => details(columns, object).iter().for_each(|line| print_line!("{line}")),
    }
}

pub fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// Returns the lines of a table, with columns as wide as their longest value.
pub fn table(columns: &[Column], items: &[Value]) -> Vec<String> {
    if items.is_empty() {
        return vec!["None".to_owned()];
    }
    let titles = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let rows =
        items.iter().map(|item| columns.iter().map(|(_, at)| cell(item.pointer(at))).collect());
    let rows: Vec<Vec<String>> = std::iter::once(titles).chain(rows).collect();
    let widest =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns.len()).map(widest).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn details(columns: &[Column], object: &Value) -> Vec<String> {
    let width = columns.iter().map(|(title, _)| title.chars().count()).max().unwrap_or(0);
    columns
        .iter()
        .map(|(title, at)| format!("{title:<width$}  {}", cell(object.pointer(at))))
        .collect()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => shown(text),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(values)) if values.is_empty() => "-".to_owned(),
        Some(Value::Array(values)) => {
            values.iter().map(|value| cell(Some(value))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => shown(&other.to_string()),
    }
}

/// Returns the text without control characters, which would change the terminal.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_their_longest_value() {
        let items = [
            json!({ "name": "Zoë", "limits": { "scopes": ["a:read", "b:*"] }, "active": true }),
            json!({ "name": "\u{1b}[2JCRM sync", "limits": { "scopes": [] } }),
        ];
        let columns = [("Name", "/name"), ("Scopes", "/limits/scopes"), ("Active", "/active")];
        let expected = [
            "Name          Scopes       Active",
            "Zoë           a:read, b:*  yes",
            "\u{fffd}[2JCRM sync  -            -",
        ];
        assert_eq!(table(&columns, &items), expected);
        assert_eq!(table(&columns, &[]), ["None"]);
    }
}
