//! `keydesk api`: any request to the management API.

use super::{Remote, connection::Call};
use anyhow::{Context, bail};
use http::Method;
use serde_json::Value;
use std::io::{Read, Write};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// GET, POST, PUT, PATCH, or DELETE
    method: Method,
    /// Path, such as /tokens or /api/v1/tokens?limit=10
    path: String,
    /// JSON body; @FILE reads a file, - reads standard input
    #[arg(long, value_name = "JSON")]
    body: Option<String>,
    /// ETag of what you have read
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    /// Key of your choice: repeating the request with it has no further effect
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Print the status and the ETag first
    #[arg(long, short)]
    include: bool,
    #[command(flatten)]
    remote: Remote,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let body = args.body.as_deref().map(read).transpose()?;
    let path = args.path.strip_prefix("/api/v1").unwrap_or(&args.path);
    if !path.starts_with('/') {
        bail!("a path begins with /, such as /tokens");
    }
    let call = Call {
        method: args.method,
        path,
        body,
        if_match: args.if_match.as_deref(),
        idempotency_key: args.idempotency_key.as_deref(),
        ..Call::default()
    };
    let reply = args.remote.connect()?.send(call).await?;
    if args.include {
        print_line!("HTTP {}", reply.status);
        if let Some(etag) = &reply.etag {
            print_line!("ETag: {etag}");
        }
        print_line!("");
    }
    match serde_json::from_slice::<Value>(&reply.bytes) {
        Ok(json) => print_line!("{}", super::output::pretty(&json)),
        Err(_) => std::io::stdout().write_all(&reply.bytes)?,
    }
    Ok(())
}

fn read(body: &str) -> anyhow::Result<Value> {
    let text = match body.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("{file} can’t be read"))?
        }
        None if body == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        None => body.to_owned(),
    };
    serde_json::from_str(&text).context("the body isn’t JSON")
}
