//! What Keydesk records: `keydesk usage`, `keydesk receipts`, and the remote part of `keydesk audit`.

use super::{
    Remote,
    connection::{Call, segment},
    output::{Column, print_list, print_object},
};
use keydesk_control::verify_receipt;
use serde_json::{Value, json};
use std::io::Write;

const OPERATION: [Column; 5] = [
    ("Client", "/client"),
    ("Operation", "/operation"),
    ("Requests", "/requests"),
    ("Rejected", "/rejected"),
    ("Last request", "/last_used_at"),
];
const VIOLATION: [Column; 7] = [
    ("Token", "/token_name"),
    ("Client", "/client"),
    ("Operation", "/operation"),
    ("Violation", "/violation"),
    ("Requests", "/requests"),
    ("Rejected", "/rejected"),
    ("Last request", "/last_used_at"),
];
const RECEIPT: [Column; 6] = [
    ("Receipt", "/number"),
    ("Event", "/event"),
    ("Of", "/target_name"),
    ("At", "/committed_at"),
    ("Confirmed by all gateways", "/complete"),
    ("Effective at", "/effective_at"),
];
const ENTRY: [Column; 6] = [
    ("At", "/at"),
    ("Actor", "/actor_name"),
    ("Event", "/event"),
    ("Target", "/target"),
    ("IP address", "/client_ip"),
    ("Key", "/management_key_name"),
];

#[derive(Debug, clap::Subcommand)]
pub enum UsageCommand {
    /// List the operations that a token’s clients have used
    Token(TokenUsageArgs),
    /// List the account’s requests that violated limits
    Violations(PlainArgs),
}

#[derive(Debug, clap::Args)]
pub struct TokenUsageArgs {
    /// Token ID
    id: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct PlainArgs {
    #[command(flatten)]
    remote: Remote,
}

pub async fn run_usage(command: UsageCommand) -> anyhow::Result<()> {
    match command {
        UsageCommand::Token(TokenUsageArgs { id, remote }) => {
            let usage = remote.connect()?.get(&format!("/tokens/{}/usage", segment(&id))).await?;
            print_list(remote.format(), &OPERATION, items(&usage, "operations"));
        }
        UsageCommand::Violations(PlainArgs { remote }) => {
            let found = remote.connect()?.get("/violations").await?;
            print_list(remote.format(), &VIOLATION, items(&found, "items"));
        }
    }
    Ok(())
}

fn items<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[derive(Debug, clap::Subcommand)]
pub enum ReceiptsCommand {
    /// List receipts, newest first
    List(ReceiptListArgs),
    /// Show a receipt
    Show(ReceiptArgs),
    /// Verify the signature of a receipt with the keys that the console publishes
    Verify(ReceiptArgs),
}

#[derive(Debug, clap::Args)]
pub struct ReceiptListArgs {
    /// Only receipts with this text
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
    /// At most this number of receipts
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit: usize,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct ReceiptArgs {
    /// Number of the receipt
    number: i64,
    #[command(flatten)]
    remote: Remote,
}

pub async fn run_receipts(command: ReceiptsCommand) -> anyhow::Result<()> {
    match command {
        ReceiptsCommand::List(ReceiptListArgs { text, limit, remote }) => {
            let filters = [("text", text.as_str())];
            let found = remote.connect()?.list("/receipts", &filters, Some(limit)).await?;
            print_list(remote.format(), &RECEIPT, &found);
        }
        ReceiptsCommand::Show(ReceiptArgs { number, remote }) => {
            let receipt = remote.connect()?.get(&format!("/receipts/{number}")).await?;
            print_object(remote.format(), &RECEIPT, &receipt);
        }
        ReceiptsCommand::Verify(ReceiptArgs { number, remote }) => {
            let connection = remote.connect()?;
            let receipt = connection.get(&format!("/receipts/{number}")).await?;
            let keys = connection.get("/receipt-keys").await?;
            let verified = verify_receipt(receipt["jws"].as_str().unwrap_or_default(), &keys)?;
            let content = json!({ "valid": true, "receipt": verified });
            let columns: Vec<Column> = vec![
                ("Signature valid", "/valid"),
                ("Event", "/receipt/event"),
                ("Of", "/receipt/target"),
                ("At", "/receipt/committed_at"),
                ("Confirmed by all gateways", "/receipt/complete"),
                ("Effective at", "/receipt/effective_at"),
            ];
            print_object(remote.format(), &columns, &content);
        }
    }
    Ok(())
}

#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// List the newest entries of the audit log
    List(AuditListArgs),
    /// Print the whole audit log as a file
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct Filters {
    /// Event, or its first part: token.created or token
    #[arg(long, value_name = "EVENT", default_value = "", hide_default_value = true)]
    event: String,
    /// Text anywhere in an entry
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
    /// First day (UTC), such as 2026-11-01
    #[arg(long, value_name = "DATE", default_value = "", hide_default_value = true)]
    from: String,
    /// Last day (UTC)
    #[arg(long, value_name = "DATE", default_value = "", hide_default_value = true)]
    to: String,
}

impl Filters {
    fn pairs(&self) -> Vec<(&str, &str)> {
        let Self { event, text, from, to } = self;
        let all = [("event", event), ("text", text), ("from", from), ("to", to)];
        all.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(n, v)| (n, v.as_str()))
            .collect()
    }
}

#[derive(Debug, clap::Args)]
pub struct AuditListArgs {
    #[command(flatten)]
    filters: Filters,
    /// At most this number of entries
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit: usize,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    filters: Filters,
    /// csv or jsonl
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: String,
    #[command(flatten)]
    remote: Remote,
}

pub async fn run_audit(command: AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::List(AuditListArgs { filters, limit, remote }) => {
            let found = remote.connect()?.list("/audit", &filters.pairs(), Some(limit)).await?;
            print_list(remote.format(), &ENTRY, &found);
        }
        AuditCommand::Export(ExportArgs { filters, format, remote }) => {
            let mut query = filters.pairs();
            query.push(("format", &format));
            let call = Call { path: "/audit/export", query: &query, ..Call::default() };
            let reply = remote.connect()?.send(call).await?;
            std::io::stdout().write_all(&reply.bytes)?;
        }
    }
    Ok(())
}
