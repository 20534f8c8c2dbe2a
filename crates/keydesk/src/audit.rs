//! `keydesk audit`: verifies that the audit log is unchanged.

use crate::{config::Config, data};
use anyhow::{Context, bail};
use keydesk_store::{AuditFault, AuditHead};
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Verify the hash chain of the audit log
    Verify(VerifyArgs),
    /// Print an anchor to store elsewhere: it proves later that no earlier entry was changed
    Anchor,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Anchor that “keydesk audit anchor” printed earlier
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    match command {
        Command::Anchor => {
            for AuditHead { account, chain, entries } in
                store.read().await?.list_audit_heads().await?
            {
                print_line!(
                    "{} {entries} {chain}",
                    if account.is_empty() { "-" } else { &account }
                );
            }
        }
        Command::Verify(VerifyArgs { anchor }) => {
            let anchors = anchor.as_ref().map(read_anchors).transpose()?.unwrap_or_default();
            let verdict = store.read().await?.verify_audit(&anchors).await?;
            if let Some(fault) = verdict.fault {
                bail!("{}", describe(&fault));
            }
            let (entries, unchained) = (verdict.entries, verdict.unchained);
            print_line!("{entries} entries verified: none was changed or removed.");
            if unchained > 0 {
                print_line!(
                    "{unchained} of them were written before entries were chained and cannot be verified."
                );
            }
            if !anchors.is_empty() {
                print_line!("{} anchored entries match.", anchors.len());
            }
        }
    }
    store.close().await;
    Ok(())
}

fn describe(fault: &AuditFault) -> String {
    let name = |account: &str| {
        if account.is_empty() { "of no account".to_owned() } else { format!("of {account}") }
    };
    match fault {
        AuditFault::Changed { seq, account } => format!(
            "entry {seq} ({}) was changed, or an earlier entry of the same account was changed or removed",
            name(account)
        ),
        AuditFault::Missing { seq } => format!("entry {seq} is missing"),
        AuditFault::CutOff { account, entries, found } => format!(
            "the log {} should have {entries} entries, but {found} were found: its last entries were removed, or the head was changed",
            name(account)
        ),
        AuditFault::NotAnchored { account } => format!(
            "the anchored entry of the log {} is not part of the log: the log was rewritten",
            name(account)
        ),
    }
}

fn read_anchors(path: &PathBuf) -> anyhow::Result<Vec<AuditHead>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let read = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (account, entries, chain) = (words.next()?, words.next()?, words.next()?);
        let account = if account == "-" { String::new() } else { account.to_owned() };
        Some(AuditHead { account, entries: entries.parse().ok()?, chain: chain.to_owned() })
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let anchors: Option<Vec<_>> = lines.map(read).collect();
    anchors.with_context(|| {
        format!("{}: each line is as “keydesk audit anchor” prints it", path.display())
    })
}
