//! `keydesk tokens`.

use super::{
    Remote,
    connection::{Call, Connection},
    consent::{self, Consent},
    output::{Column, print_list, print_object},
    secrets::SecretOutput,
};
use anyhow::bail;
use clap::ValueEnum;
use http::Method;
use keydesk_model::Expiry;
use keydesk_node::system;
use serde_json::{Value, json};

const LISTED: [Column; 6] = [
    ("ID", "/id"),
    ("Name", "/name"),
    ("State", "/state"),
    ("Scopes", "/limits/scopes"),
    ("Expires", "/expires_at"),
    ("Last request", "/last_used_at"),
];
const SHOWN: [Column; 14] = [
    ("ID", "/id"),
    ("Name", "/name"),
    ("Secret", "/masked"),
    ("State", "/state"),
    ("Scopes", "/limits/scopes"),
    ("IP allowlist", "/limits/ip_allowlist"),
    ("Observed scopes", "/observed_limits/scopes"),
    ("Observed IP allowlist", "/observed_limits/ip_allowlist"),
    ("Created", "/created_at"),
    ("Created by", "/created_by"),
    ("Expires", "/expires_at"),
    ("Last request", "/last_used_at"),
    ("Last client", "/last_used_by"),
    ("Last IP address", "/last_used_from"),
];

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List API tokens
    List(ListArgs),
    /// Show an API token
    Show(ShowArgs),
    /// Create an API token, and print its secret
    Create(CreateArgs),
    /// Rename an API token
    Rename(RenameArgs),
    /// Set the limits of an API token
    Limits(LimitsArgs),
    /// Rotate an API token, and print its new secret
    Rotate(RotateArgs),
    /// Revoke the previous secrets of a rotated API token before their grace period ends
    RevokePrevious(RevokePreviousArgs),
    /// Revoke an API token, which can be restored for 24 hours
    Revoke(RevokeArgs),
    /// Pause an API token until it is restored
    Pause(PauseArgs),
    /// Restore an API token that was revoked or paused
    Restore(ShowArgs),
    /// Show which clients would stop working, and print the ETag for --if-match
    Consequences(ConsequencesArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only tokens with this text in their name, or at the end of their secret
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
    /// Expired and revoked tokens instead of active ones
    #[arg(long)]
    inactive: bool,
    /// At most this number of tokens
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Token ID, such as tok_…
    id: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// Name of the integration that uses the token
    name: String,
    /// Scope, such as contacts:read; repeat for several
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// When it expires: never, a number of days such as 90d, a date, or an RFC 3339 time
    #[arg(long, value_name = "WHEN", default_value = "never")]
    expires: String,
    /// IP address or CIDR range that the token can be used from; repeat for several [default: any address]
    #[arg(long = "allow-ip", value_name = "CIDR")]
    ip_allowlist: Vec<String>,
    /// SHA-256 of a secret that “keydesk token make” made
    #[arg(long, value_name = "DIGEST", requires = "masked")]
    secret_sha256: Option<String>,
    /// Masked secret that “keydesk token make” printed
    #[arg(long, value_name = "MASKED", requires = "secret_sha256")]
    masked: Option<String>,
    /// Key of your choice: repeating the command with it creates no second token
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    secret: SecretOutput,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// Token ID
    id: String,
    /// New name
    name: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct LimitsArgs {
    /// Token ID
    id: String,
    /// Scope; repeat for several
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// IP address or CIDR range that the token can be used from; repeat for several [default: any address]
    #[arg(long = "allow-ip", value_name = "CIDR")]
    ip_allowlist: Vec<String>,
    /// Reject nothing, and list what would be rejected as violations
    #[arg(long, conflicts_with_all = ["yes", "if_match"])]
    observe: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// Token ID
    id: String,
    /// How long the current secret works: none, 1h, 24h, or 7d
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    grace_period: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    secret: SecretOutput,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct RevokePreviousArgs {
    /// Token ID
    id: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    /// Token ID
    id: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// Token ID
    id: String,
    /// Revoke the token so that it can't be restored
    #[arg(long)]
    permanently: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

/// A change of a token that can make clients stop working.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Change {
    Revoke,
    Rotate,
    RevokePrevious,
    Limit,
}

#[derive(Debug, clap::Args)]
pub struct ConsequencesArgs {
    /// Token ID
    id: String,
    /// Change; a rotation is one without a grace period
    #[arg(long, value_name = "CHANGE", default_value = "revoke")]
    of: Change,
    /// With --of limit: the scopes that the token would have; repeat for several
    #[arg(long = "scope", value_name = "SCOPE", required_if_eq("of", "limit"))]
    scopes: Vec<String>,
    /// With --of limit: an IP address or CIDR range that the token could be used from; repeat for several
    #[arg(long = "allow-ip", value_name = "CIDR")]
    ip_allowlist: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(args).await,
        Command::Show(ShowArgs { id, remote }) => {
            let token = remote.connect()?.get(&path(&id)).await?;
            print_object(remote.format(), &SHOWN, &token);
            Ok(())
        }
        Command::Create(args) => create(args).await,
        Command::Rename(RenameArgs { id, name, remote }) => {
            let body = Some(json!({ "name": name }));
            let token = remote.connect()?.change(Method::PATCH, &path(&id), body).await?;
            print_object(remote.format(), &SHOWN, &token);
            Ok(())
        }
        Command::Limits(args) => limit(args).await,
        Command::Rotate(args) => rotate(args).await,
        Command::RevokePrevious(RevokePreviousArgs { id, consent, remote }) => {
            let connection = remote.connect()?;
            let consequences = format!("{}/consequences?of=revoke_previous", path(&id));
            let question = "Revoke the previous secrets?";
            let etag = consent.ask(&connection, &consequences, question).await?;
            let at = format!("{}/previous-secrets/revocations", path(&id));
            print_revoked(&remote, &revoke(&connection, (&at, None), &etag).await?);
            Ok(())
        }
        Command::Revoke(RevokeArgs { id, permanently, consent, remote }) => {
            let body = permanently.then(|| json!({ "permanent": true }));
            let (act, question) = (("revocations", body), "Revoke the token?");
            end(&id, act, (&consent, question), &remote).await
        }
        Command::Pause(PauseArgs { id, consent, remote }) => {
            end(&id, ("pause", None), (&consent, "Pause the token?"), &remote).await
        }
        Command::Restore(ShowArgs { id, remote }) => {
            let at = format!("{}/restorations", path(&id));
            let call = Call { method: Method::POST, path: &at, ..Call::default() };
            print_revoked(&remote, &remote.connect()?.send(call).await?.json()?);
            Ok(())
        }
        Command::Consequences(args) => {
            let change =
                args.of.to_possible_value().map(|value| value.get_name().replace('-', "_"));
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("of", change.as_deref().unwrap_or_default());
            query.extend_pairs(args.scopes.iter().map(|scope| ("scopes", scope)));
            query.extend_pairs(args.ip_allowlist.iter().map(|range| ("ip_allowlist", range)));
            let at = format!("{}/consequences?{}", path(&args.id), query.finish());
            consent::print(&args.remote, &at).await
        }
    }
}

/// Returns the path of a token. The ID is one segment, whatever it holds.
fn path(id: &str) -> String {
    format!("/tokens/{}", super::connection::segment(id))
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let state = if args.inactive { "inactive" } else { "active" };
    let filters = [("state", state), ("text", args.text.as_str())];
    let found = args.remote.connect()?.list("/tokens", &filters, args.limit).await?;
    print_list(args.remote.format(), &LISTED, &found);
    Ok(())
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let format = args.remote.format();
    args.secret.check(format != super::Format::Table && args.secret_sha256.is_none())?;
    let body = json!({
        "name": args.name,
        "scopes": args.scopes,
        "ip_allowlist": args.ip_allowlist,
        "expires_at": expiry(&args.expires)?,
        "secret_sha256": args.secret_sha256,
        "masked": args.masked,
    });
    let call = Call {
        method: Method::POST,
        path: "/tokens",
        body: Some(body),
        idempotency_key: args.idempotency_key.as_deref(),
        ..Call::default()
    };
    let created = args.remote.connect()?.send(call).await?.json()?;
    if args.secret_sha256.is_some() {
        print_object(format, &SHOWN, &created["token"]);
        return Ok(());
    }
    let created = args.secret.write(created)?;
    print_beside_secret(&args.remote, &created["token"]);
    Ok(())
}

/// Prints an object whose secret may be on standard output.
fn print_beside_secret(remote: &Remote, object: &Value) {
    if remote.format() == super::Format::Table {
        let at = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
        eprintln!("{} {} {}", at("id"), at("name"), at("masked"));
    } else {
        print_object(remote.format(), &SHOWN, object);
    }
}

/// Reads when a token expires, as the console’s form does, or as an RFC 3339 time, which the API reads.
fn expiry(text: &str) -> anyhow::Result<Option<String>> {
    match text.parse::<Expiry>() {
        Ok(expiry) => {
            let at = expiry.resolve(system::clock().now())?;
            Ok(at.map(|at| at.to_string()))
        }
        // The API reads it.
        Err(_) if text.contains('T') => Ok(Some(text.to_owned())),
        Err(_) => bail!(
            "--expires: enter never, a number of days such as 90d, a date, or an RFC 3339 time"
        ),
    }
}

async fn limit(args: LimitsArgs) -> anyhow::Result<()> {
    let connection = args.remote.connect()?;
    let mut body = json!({
        "scopes": args.scopes, "ip_allowlist": args.ip_allowlist, "mode": "observe",
    });
    let etag = if args.observe {
        None
    } else {
        body["mode"] = "enforce".into();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("of", "limit");
        query.extend_pairs(args.scopes.iter().map(|scope| ("scopes", scope)));
        query.extend_pairs(args.ip_allowlist.iter().map(|range| ("ip_allowlist", range)));
        let consequences = format!("{}/consequences?{}", path(&args.id), query.finish());
        Some(args.consent.ask(&connection, &consequences, "Set the limits?").await?)
    };
    let at = format!("{}/limits", path(&args.id));
    let call = Call {
        method: Method::PUT,
        path: &at,
        body: Some(body),
        if_match: etag.as_deref(),
        ..Call::default()
    };
    let token = connection.send(call).await?.json()?;
    print_object(args.remote.format(), &SHOWN, &token);
    Ok(())
}

async fn rotate(args: RotateArgs) -> anyhow::Result<()> {
    args.secret.check(args.remote.format() != super::Format::Table)?;
    let connection = args.remote.connect()?;
    let etag = if args.grace_period == "none" {
        let consequences = format!("{}/consequences?of=rotate", path(&args.id));
        Some(args.consent.ask(&connection, &consequences, "Rotate the token?").await?)
    } else {
        None
    };
    let at = format!("{}/rotations", path(&args.id));
    let call = Call {
        method: Method::POST,
        path: &at,
        body: Some(json!({ "grace_period": args.grace_period })),
        if_match: etag.as_deref(),
        ..Call::default()
    };
    let rotated = args.secret.write(connection.send(call).await?.json()?)?;
    if args.remote.format() == super::Format::Table {
        print_beside_secret(&args.remote, &rotated["token"]);
        if let Some(until) = rotated["previous_secret_expires_at"].as_str() {
            eprintln!("The previous secret works until {until}.");
        }
    } else {
        print_object(args.remote.format(), &[], &rotated);
    }
    Ok(())
}

/// Revokes or pauses a token after showing which clients would stop working.
async fn end(
    id: &str,
    (act, body): (&str, Option<Value>),
    (consent, question): (&Consent, &str),
    remote: &Remote,
) -> anyhow::Result<()> {
    let connection = remote.connect()?;
    let consequences = format!("{}/consequences?of=revoke", path(id));
    let etag = consent.ask(&connection, &consequences, question).await?;
    let at = format!("{}/{act}", path(id));
    print_revoked(remote, &revoke(&connection, (&at, body), &etag).await?);
    Ok(())
}

async fn revoke(
    connection: &Connection,
    (path, body): (&str, Option<Value>),
    etag: &str,
) -> anyhow::Result<Value> {
    let call = Call { method: Method::POST, path, body, if_match: Some(etag), ..Call::default() };
    connection.send(call).await?.json()
}

/// The columns of a change with a receipt.
pub const RECEIPT: [Column; 3] = [
    ("Receipt", "/receipt/number"),
    ("Confirmed by all gateways", "/receipt/complete"),
    ("Effective at", "/receipt/effective_at"),
];

fn print_revoked(remote: &Remote, done: &Value) {
    let mut columns = vec![("ID", "/token/id"), ("Name", "/token/name"), ("State", "/token/state")];
    columns.extend(RECEIPT);
    print_object(remote.format(), &columns, done);
}
