//! The location of the database: `sqlite:FILE` or `postgres://…`, with clear errors. A password in it is never
//! displayed.

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{
    fmt, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};
use zeroize::Zeroizing;

#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

/// The servers of one PostgreSQL database, of which one accepts writes at a time.
#[derive(Clone)]
pub struct PostgresUrl {
    servers: Vec<PgConnectOptions>,
    /// The schema that contains its tables.
    pub(crate) schema: String,
    /// The original text, with which `~/.pgpass` is read.
    text: Zeroizing<String>,
    password_file: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    #[error("it begins with “sqlite:” or “postgres://”")]
    Scheme,
    #[error("“sqlite:” is followed by the path of a file")]
    NoFile,
    #[error("it is written postgres://USER@HOST:PORT,HOST:PORT/DATABASE?OPTION=VALUE")]
    Malformed,
    #[error(
        "the option {0} is not known; there are sslmode, sslrootcert, sslcert, sslkey, host, schema and target_session_attrs"
    )]
    Option(String),
    #[error("schema is the name of one: lowercase letters, digits and underscores")]
    Schema,
    #[error("target_session_attrs is read-write or primary: Keydesk writes")]
    SessionAttrs,
    #[error(
        "{0} is another machine, so its certificate is verified: leave sslmode out or set verify-full, and sslrootcert where the authority is your own"
    )]
    Unverified(String),
}

impl DatabaseUrl {
    /// Returns the folder in which processes find each other: beside a file that they share, or in their data folder.
    pub fn locks(&self, data: &Path) -> PathBuf {
        match self {
            Self::Sqlite(file) => file.parent().map(Path::to_owned).unwrap_or_default(),
            Self::Postgres(_) => data.to_owned(),
        }
    }
}

const OPTIONS: [&str; 5] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "host"];

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(DatabaseUrlError::NoFile)
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        rest.ok_or(DatabaseUrlError::Scheme)?.parse().map(Self::Postgres)
    }
}

/// Parses the part after the scheme.
impl FromStr for PostgresUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let (start, query) = text.split_once('?').unwrap_or((text, ""));
        // The password contains a question mark; an error must not reveal the rest of it.
        if query.contains('@') {
            return Err(DatabaseUrlError::Malformed);
        }
        let (authority, database) = start.split_once('/').unwrap_or((start, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (query, schema) = options(query)?;
        let servers = hosts.split(',').map(|host| {
            // A URL needs a host; the option `host` overrides it.
            let host = if host.is_empty() { "localhost" } else { host };
            let user = if user.is_empty() { String::new() } else { format!("{user}@") };
            let options = format!("postgres://{user}{host}/{database}?{query}").parse();
            let options: PgConnectOptions = options.map_err(|_| DatabaseUrlError::Malformed)?;
            verified(options.application_name("keydesk"), query.contains("sslmode="))
        });
        let servers = servers.collect::<Result<_, _>>()?;
        let text = Zeroizing::new(text.to_owned());
        Ok(Self { servers, schema, text, password_file: None })
    }
}

/// Splits off `target_session_attrs` and `schema`, which Keydesk handles itself, and returns the other options and the
/// schema.
fn options(query: &str) -> Result<(String, String), DatabaseUrlError> {
    let (mut kept, mut schema) = (Vec::new(), "public");
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key {
            "target_session_attrs" if ["read-write", "primary"].contains(&value) => {}
            "target_session_attrs" => return Err(DatabaseUrlError::SessionAttrs),
            "schema" => schema = value,
            key if OPTIONS.contains(&key) => kept.push(option),
            key => return Err(DatabaseUrlError::Option(key.to_owned())),
        }
    }
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if schema.is_empty() || schema.len() > 63 || !schema.bytes().all(is_plain) {
        return Err(DatabaseUrlError::Schema);
    }
    Ok((kept.join("&"), schema.to_owned()))
}

/// Requires a verified certificate on another machine. On this machine, there may be none.
fn verified(
    options: PgConnectOptions,
    is_chosen: bool,
) -> Result<PgConnectOptions, DatabaseUrlError> {
    let host = options.get_host();
    let is_here = options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|addr| addr.is_loopback());
    match options.get_ssl_mode() {
        _ if is_here => Ok(options),
        PgSslMode::VerifyFull => Ok(options),
        _ if is_chosen => Err(DatabaseUrlError::Unverified(host.to_owned())),
        _ => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
    }
}

impl PostgresUrl {
    /// Reads the password from this file whenever a connection is made.
    #[must_use]
    pub fn with_password_file(mut self, path: &Path) -> Self {
        self.password_file = Some(path.to_owned());
        self
    }

    /// Returns the servers with the current password from its file.
    pub(crate) fn current_servers(&self) -> Vec<PgConnectOptions> {
        let servers =
            self.text.parse().map_or_else(|_| self.servers.clone(), |now: Self| now.servers);
        let Some(path) = &self.password_file else { return servers };
        match fs::read_to_string(path).map(Zeroizing::new) {
            Ok(password) => {
                servers.into_iter().map(|server| server.password(password.trim_end())).collect()
            }
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "the database's password cannot be read");
                servers
            }
        }
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.servers.iter().map(name).collect();
        let database = self.servers.first().and_then(PgConnectOptions::get_database);
        write!(f, "postgres://{}/{}", names.join(","), database.unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(place) => place.fmt(f),
        }
    }
}

pub(crate) fn name(server: &PgConnectOptions) -> String {
    match server.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", server.get_host(), server.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, DatabaseUrlError> {
        text.parse::<DatabaseUrl>().map(|place| place.to_string())
    }

    #[test]
    fn a_place_is_shown_without_its_password() {
        assert_eq!(
            read(
                "postgres://kd:canary-secret@db1.example,db2.example:5433/keydesk?target_session_attrs=read-write"
            ),
            Ok("postgres://db1.example:5432,db2.example:5433/keydesk".to_owned())
        );
        assert_eq!(read("sqlite:data/keydesk.sqlite"), Ok("sqlite:data/keydesk.sqlite".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("mysql://x", DatabaseUrlError::Scheme),
            ("sqlite:", DatabaseUrlError::NoFile),
            ("postgres://a/b?passwrod=x", DatabaseUrlError::Option("passwrod".to_owned())),
            ("postgres://a/b?target_session_attrs=any", DatabaseUrlError::SessionAttrs),
            ("postgres://a/b?schema=public,evil", DatabaseUrlError::Schema),
            ("postgres://kd:pass?canary@a/b", DatabaseUrlError::Malformed),
            ("postgres://a:port/b", DatabaseUrlError::Malformed),
            (
                "postgres://db.example/b?sslmode=require",
                DatabaseUrlError::Unverified("db.example".to_owned()),
            ),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    #[test]
    fn another_machine_is_verified_unless_it_is_this_one() {
        for (text, mode) in [
            ("db.example/b", "VerifyFull"),
            ("db.example/b?sslmode=verify-full", "VerifyFull"),
            ("127.0.0.1/b", "Prefer"),
            ("[::1]/b", "Prefer"),
            ("u@/b?host=/run/postgresql", "Prefer"),
        ] {
            let place: PostgresUrl = text.parse().expect("a place");
            assert_eq!(format!("{:?}", place.servers[0].get_ssl_mode()), mode, "{text}");
        }
    }
}
