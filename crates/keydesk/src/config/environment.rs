//! The configuration keys as environment variables: `limits.max_body_bytes` is `KEYDESK_LIMITS_MAX_BODY_BYTES`, and
//! the first `[[upstreams]]` has `KEYDESK_UPSTREAMS_0_PREFIX`. A text can also come from a file, with
//! `KEYDESK_…_FILE`. The values replace those in the file, so that all of them are read and checked in the same way.

use super::keys::{
    KEYS, Kind,
    Kind::{Flag, Fraction, List, Number, Text},
    REPEATED,
};
use anyhow::{Context, anyhow, bail};

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

/// The maximum number of entries in each of those sections.
const MOST: usize = 100;

/// The keys of the command line that can also be read from a file.
const OPTIONS: [&str; 7] = [
    "console",
    "gateway",
    "public_console_url",
    "public_gateway_url",
    "database_url",
    "upstream",
    "openapi",
];

/// The marker after a value that names its source in error messages.
pub(super) const MARK: &str = "# from ";

/// Returns the text of the file with the values in `variables` applied.
pub(super) fn overlay(
    text: &str,
    variables: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<String> {
    let mut values = Vec::new();
    for (section, key, kind, _) in KEYS {
        if !REPEATED.contains(section) {
            values.extend(look_up(section, key, *kind, None, variables)?);
            continue;
        }
        for number in 0..MOST {
            values.extend(look_up(section, key, *kind, Some(number), variables)?);
        }
    }
    for key in OPTIONS {
        let name = variable("", key, None);
        if variables(&name).is_none() {
            values.extend(look_up("", key, Text, None, variables)?);
        }
    }
    if values.is_empty() {
        return Ok(text.to_owned());
    }
    // Errors in the file are reported when the file itself is read.
    let Ok(mut document) = text.parse::<DocumentMut>() else { return Ok(text.to_owned()) };
    for given in values {
        let table = given.table(&mut document)?;
        // Replaced in place, so that line numbers don't change.
        match table.get_mut(given.key) {
            Some(item) => *item = Item::Value(given.value),
            None => drop(table.insert(given.key, Item::Value(given.value))),
        }
    }
    Ok(document.to_string())
}

/// Returns the variables with Keydesk's prefix that have no meaning, which are probably misspelled. Kubernetes sets
/// some for a service named keydesk.
pub(super) fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let options = OPTIONS.into_iter().chain(["config", "data", "role", "log"]);
    // Those of remote commands.
    let options = options.chain(["url", "key", "profile"]);
    let known: Vec<String> = options.map(|key| variable("", key, None)).collect();
    let is_key = |name: &str| {
        let bare = without_number(name);
        KEYS.iter().any(|(section, key, ..)| variable(section, key, None) == bare)
    };
    let is_of_kubernetes =
        |name: &str| name.starts_with("KEYDESK_SERVICE_") || name.starts_with("KEYDESK_PORT");
    names
        .filter(|name| name.starts_with("KEYDESK_") && !is_of_kubernetes(name))
        .filter(|name| {
            let base = name.strip_suffix("_FILE").unwrap_or(name);
            ![name.as_str(), base].into_iter().any(|n| known.iter().any(|k| k == n) || is_key(n))
        })
        .collect()
}

/// Returns whether a key or table of this name is valid at the top level of the file.
pub(super) fn is_top_level(name: &str) -> bool {
    OPTIONS.contains(&name)
        || KEYS.iter().any(|(section, key, ..)| section.is_empty() && *key == name)
}

/// Returns the table whose name differs only in a trailing "s".
pub(super) fn section_like(name: &str) -> Option<&'static str> {
    let stem = name.trim_end_matches('s');
    let sections = KEYS.iter().map(|(section, ..)| *section).filter(|section| !section.is_empty());
    sections.into_iter().find(|section| *section != name && section.trim_end_matches('s') == stem)
}

/// Returns the tables in which a key of this name is valid.
pub(super) fn sections_with(name: &str) -> Vec<&'static str> {
    let found = KEYS.iter().filter(|(section, key, ..)| !section.is_empty() && *key == name);
    found.map(|(section, ..)| *section).collect()
}

/// Returns a name such as `KEYDESK_UPSTREAMS_0_URLS` without its number.
fn without_number(name: &str) -> String {
    for section in REPEATED {
        let start = format!("KEYDESK_{}_", section.to_uppercase());
        if let Some((number, key)) = name.strip_prefix(&start).and_then(|rest| rest.split_once('_'))
            && number.parse::<usize>().is_ok_and(|number| number < MOST)
        {
            return format!("{start}{key}");
        }
    }
    name.to_owned()
}

struct Given {
    section: &'static str,
    number: Option<usize>,
    key: &'static str,
    name: String,
    value: Value,
}

fn variable(section: &str, key: &str, number: Option<usize>) -> String {
    let number = number.map_or(String::new(), |number| format!("{number}_"));
    let section = if section.is_empty() { String::new() } else { format!("{section}_{number}") };
    format!("KEYDESK_{section}{key}").to_uppercase().replace('.', "_")
}

fn look_up(
    section: &'static str,
    key: &'static str,
    kind: Kind,
    number: Option<usize>,
    variables: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<Option<Given>> {
    let name = variable(section, key, number);
    let in_file = format!("{name}_FILE");
    let is_key = |name: &str| KEYS.iter().any(|(s, k, ..)| variable(s, k, number) == name);
    let (name, text) = match (variables(&name), variables(&in_file).filter(|_| !is_key(&in_file))) {
        (Some(_), Some(_)) => bail!("{name} and {in_file} are both set; set one of them"),
        (Some(text), None) => (name, text),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{in_file}: {path} cannot be read"))?;
            (in_file, text.trim_end().to_owned())
        }
        (None, None) => return Ok(None),
    };
    let wrong = |wanted: &str| anyhow!("{name}: “{text}” is not {wanted}");
    let mut value: Value = match kind {
        Text => text.as_str().into(),
        Number => text.trim().parse::<i64>().map_err(|_| wrong("a whole number"))?.into(),
        Fraction => text.trim().parse::<f64>().map_err(|_| wrong("a number"))?.into(),
        Flag => text.trim().parse::<bool>().map_err(|_| wrong("true or false"))?.into(),
        List => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.collect::<Array>())
        }
    };
    value.decor_mut().set_suffix(format!(" {MARK}{name}"));
    Ok(Some(Given { section, number, key, name, value }))
}

impl Given {
    /// Returns the table that contains the value.
    fn table<'a>(&self, document: &'a mut DocumentMut) -> anyhow::Result<&'a mut Table> {
        let unlike = || anyhow!("{}: [{}] is something else in the file", self.name, self.section);
        let mut table = document.as_table_mut();
        for part in self.section.split('.').filter(|part| !part.is_empty()) {
            let item = table.entry(part).or_insert_with(|| match self.number {
                Some(_) => Item::ArrayOfTables(ArrayOfTables::new()),
                None => Item::Table(Table::new()),
            });
            // An inline table can't contain comments.
            *item = match std::mem::take(item).into_table() {
                Ok(table) => Item::Table(table),
                Err(other) => other,
            };
            table = match self.number {
                None => item.as_table_mut().ok_or_else(unlike)?,
                Some(number) => {
                    let tables = item.as_array_of_tables_mut().ok_or_else(unlike)?;
                    while tables.len() <= number {
                        tables.push(Table::new());
                    }
                    tables.get_mut(number).ok_or_else(unlike)?
                }
            };
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::File;

    fn with(text: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        overlay(text, &find).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_environment_stands_above_the_file() {
        let file = "# mine\ntrusted_proxies = [\n  \"10.0.0.1\",\n]\n[limits]\nmax_body_bytes = 1 # small\n";
        let text = with(
            file,
            &[
                ("KEYDESK_LIMITS_MAX_BODY_BYTES", "2"),
                ("KEYDESK_TRUSTED_PROXIES", "10.0.0.2, ::1"),
                ("KEYDESK_UPSTREAMS_1_PREFIX", "/b"),
                ("KEYDESK_UPSTREAMS_0_PREFIX", "/a"),
                ("KEYDESK_TLS_ACME_DOMAINS", "a.example"),
                ("KEYDESK_SIGN_UP", "true"),
            ],
        );
        let text = text.expect("is right");
        let read: toml::Table = toml::from_str(&text).expect("is TOML");
        assert_eq!(read["limits"]["max_body_bytes"].as_integer(), Some(2), "{text}");
        assert_eq!(read["trusted_proxies"].as_array().map(Vec::len), Some(2));
        assert_eq!(read["upstreams"][0]["prefix"].as_str(), Some("/a"));
        assert_eq!(read["upstreams"][1]["prefix"].as_str(), Some("/b"));
        assert_eq!(read["tls"]["acme"]["domains"][0].as_str(), Some("a.example"));
        assert!(text.contains("# mine") && text.contains("# from KEYDESK_SIGN_UP"));
        assert_eq!(with(file, &[]).as_deref(), Ok(file));
    }

    #[test]
    fn a_table_on_one_line_takes_values_too() {
        let text =
            with("mail = { server = \"smtp://a\", from = \"b\" }", &[("KEYDESK_MAIL_USER", "c")]);
        let read: toml::Table = toml::from_str(&text.expect("is right")).expect("is TOML");
        assert_eq!(read["mail"]["user"].as_str(), Some("c"));
        assert_eq!(read["mail"]["server"].as_str(), Some("smtp://a"));
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        for (name, value, error) in [
            ("KEYDESK_SIGN_UP", "yes", "KEYDESK_SIGN_UP: “yes” is not true or false"),
            (
                "KEYDESK_LIMITS_MAX_CONNECTIONS",
                "many",
                "KEYDESK_LIMITS_MAX_CONNECTIONS: “many” is not a whole number",
            ),
            (
                "KEYDESK_MAIL_USER_FILE",
                "/nowhere",
                "KEYDESK_MAIL_USER_FILE: /nowhere cannot be read: No such file or directory (os error 2)",
            ),
        ] {
            assert_eq!(with("", &[(name, value)]), Err(error.to_owned()));
        }
    }

    #[test]
    fn a_variable_that_means_nothing_is_found() {
        let names = [
            "KEYDESK_LIMITS_MAX_BODY",
            "KEYDESK_LIMITS_MAX_BODY_BYTES",
            "KEYDESK_UPSTREAM_0_URLS",
            "KEYDESK_UPSTREAMS_0_URLS",
            "KEYDESK_UPSTREAMS_100_URLS",
            "KEYDESK_DATABASE_URL_FILE",
            "KEYDESK_MAIL_PASSWORD_FILE",
            "KEYDESK_LOG",
            "KEYDESK_PORT_8080_TCP",
            "KEYDESK_SERVICE_HOST",
            "PATH",
        ];
        let found = unknown(names.into_iter().map(str::to_owned));
        assert_eq!(
            found,
            ["KEYDESK_LIMITS_MAX_BODY", "KEYDESK_UPSTREAM_0_URLS", "KEYDESK_UPSTREAMS_100_URLS"]
        );
    }

    /// The error for an unknown key in a section lists all valid keys.
    #[test]
    fn every_key_of_the_file_has_a_variable() {
        let sections: std::collections::BTreeSet<&str> =
            KEYS.iter().map(|(section, ..)| *section).collect();
        for section in &sections {
            let text = match *section {
                "" => "zzz = 1".to_owned(),
                repeated if REPEATED.contains(&repeated) => format!("[[{repeated}]]\nzzz = 1"),
                section => format!("[{section}]\nzzz = 1"),
            };
            let error = toml::from_str::<File>(&text).expect_err("is unknown").to_string();
            let listed = error.split("expected").nth(1).unwrap_or_default();
            let fields: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
            assert!(!fields.is_empty(), "{section}: {error}");
            for field in fields {
                let is_section = section.is_empty()
                    && sections.iter().any(|s| s.split('.').next() == Some(field))
                    || *section == "tls" && field == "acme";
                let is_option = section.is_empty()
                    && (OPTIONS.contains(&field) || ["data", "role"].contains(&field));
                let is_key = KEYS.iter().any(|(s, key, ..)| s == section && *key == field);
                assert!(is_section || is_option || is_key, "[{section}] {field} has no variable");
            }
        }
    }
}
