//! What a change would make stop working, and the user's consent to it.

use super::{
    Remote,
    connection::{Call, Connection, unexpected},
    output::{Column, Format, print_object, table},
};
use anyhow::bail;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal};

const CLIENTS: [Column; 4] = [
    ("Client", "/name"),
    ("IP address", "/client_ip"),
    ("Last request", "/last_used_at"),
    ("Requests a day", "/requests_per_day"),
];

/// How a script consents.
#[derive(Clone, Debug, clap::Args)]
pub struct Consent {
    /// Don’t ask for confirmation; requires --if-match
    #[arg(long, requires = "if_match")]
    yes: bool,
    /// ETag that “consequences” printed; * accepts all consequences
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Consent {
    /// Shows the clients that would stop working, asks, and returns the precondition of the change.
    pub async fn ask(
        &self,
        connection: &Connection,
        consequences: &str,
        question: &str,
    ) -> anyhow::Result<String> {
        if let (true, Some(etag)) = (self.yes, &self.if_match) {
            return Ok(etag.clone());
        }
        let etag = show(connection, consequences).await?;
        if !std::io::stdin().is_terminal() {
            bail!("nobody can be asked here: pass --yes and --if-match '{etag}'");
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
            bail!("nothing has changed");
        }
        Ok(self.if_match.clone().unwrap_or(etag))
    }
}

/// Reads the clients that would stop working, and the entity tag.
async fn read(connection: &Connection, path: &str) -> anyhow::Result<(Vec<Value>, String)> {
    let reply = connection.send(Call { path, ..Call::default() }).await?;
    let clients = reply.json()?["clients"].as_array().cloned().unwrap_or_default();
    let etag = reply.etag.ok_or_else(|| unexpected("the consequences have no ETag"))?;
    Ok((clients, etag))
}

/// Shows the clients that would stop working, and returns the entity tag.
async fn show(connection: &Connection, path: &str) -> anyhow::Result<String> {
    let (clients, etag) = read(connection, path).await?;
    if clients.is_empty() {
        eprintln!("No client would stop working.");
    } else {
        eprintln!("These clients would stop working:");
        for line in table(&CLIENTS, &clients) {
            eprintln!("  {line}");
        }
    }
    Ok(etag)
}

/// Prints the clients that would stop working, and the entity tag for `--if-match`.
pub async fn print(remote: &Remote, path: &str) -> anyhow::Result<()> {
    let connection = remote.connect()?;
    match remote.format() {
        Format::Table => print_line!("{}", show(&connection, path).await?),
        format => {
            let (clients, etag) = read(&connection, path).await?;
            print_object(format, &[], &json!({ "etag": etag, "clients": clients }));
        }
    }
    Ok(())
}
