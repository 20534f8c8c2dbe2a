//! `keydesk receipt verify`: verifies a receipt and prints its content.

use crate::{config::Config, data};
use anyhow::{Context, bail};
use keydesk_control::{published_keys, verify_receipt};
use keydesk_model::Receipt;
use std::{io::Read, path::PathBuf};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Verify the signature of a receipt and print its content
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Receipt to verify; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Published keys, as served at /.well-known/keydesk-receipt-keys [default: the keys in the database]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Print the receipt as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let Command::Verify(args) = command;
    let jws = read(&args.file)?;
    let keys = match &args.keys {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the keys {} cannot be read", path.display()))?;
            serde_json::from_str(&text).context("the keys are not a JWK set")?
        }
        None => keys_of_database(&config).await?,
    };
    let receipt = verify_receipt(&jws, &keys).context("the receipt is not valid")?;
    if args.json {
        print_line!("{}", serde_json::to_string_pretty(&receipt)?);
    } else {
        tell(&receipt);
    }
    Ok(())
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the receipt cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
        .with_context(|| format!("the receipt {} cannot be read", file.display()))
}

async fn keys_of_database(config: &Config) -> anyhow::Result<serde_json::Value> {
    let (store, _) = data::open(config).await?;
    let checks = store.read().await?.list_key_checks().await?;
    store.close().await;
    if checks.is_empty() {
        bail!("this database has no keys yet; name the published ones with --keys");
    }
    let known = checks.iter().map(|check| (check.key_id.as_str(), check.public_key.as_str()));
    Ok(published_keys(known))
}

fn tell(receipt: &Receipt) {
    print_line!("The signature is valid.");
    print_line!("{} of {}, change {}", receipt.event, receipt.target, receipt.seq);
    print_line!("committed at {}, {}", receipt.committed_at, receipt.durability);
    if receipt.complete {
        print_line!("complete: every gateway has rejected it since {}", receipt.effective_at);
    } else {
        print_line!(
            "not complete when it was issued: no gateway accepts it from {} on",
            receipt.effective_at
        );
    }
    for said in &receipt.confirmed {
        print_line!("  {}  confirmed after {:.1} ms", said.name, said.after_ms);
    }
    for other in &receipt.unconfirmed {
        print_line!(
            "  {}  not confirmed; rejects by itself from {} on",
            other.name,
            other.rejects_from
        );
    }
}
