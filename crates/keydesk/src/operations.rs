//! `keydesk operations`: lists, checks, and enforces the operation rules. Also applies changed OpenAPI documents in
//! the server.

use crate::{background::Work, config::Config, data};
use anyhow::{Context, bail};
use keydesk_control::{
    NewlyRejected, OpenApiSource, RuleSource, Synced, apply_pending_rules, newly_rejected,
    set_rules_mode, sync_rules,
};
use keydesk_model::{Clock, LiveRules, Mode, Rules, Unlisted};
use keydesk_node::system;
use keydesk_store::{Store, StoredRules};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List operations with their required scopes
    List,
    /// Dry run: list requests of the last 30 days that the rules would newly reject
    Check(CheckArgs),
    /// Enforce the rules: reject requests that violate them
    Enforce,
    /// Observe the rules: record violations and reject nothing
    Observe,
    /// Apply a changed OpenAPI document, even if it rejects requests that clients make now
    Apply,
}

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// OpenAPI document to check before it is published [default: the pending or current rules]
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    let clock = system::clock();
    match command {
        Command::List => list(&store).await?,
        Command::Check(args) => check(&store, &config.rules, args).await?,
        Command::Enforce => {
            set_rules_mode(&store, &clock, Mode::Enforce).await?;
            print_line!(
                "The rules are enforced: requests that violate them are rejected with 403."
            );
        }
        Command::Observe => {
            set_rules_mode(&store, &clock, Mode::Observe).await?;
            print_line!(
                "The rules are observed: nothing is rejected, and the console lists what would be."
            );
        }
        Command::Apply => {
            apply_pending_rules(&store, &clock).await?;
            print_line!("The changed rules apply now.");
        }
    }
    store.close().await;
    Ok(())
}

async fn stored(store: &Store) -> anyhow::Result<StoredRules> {
    let stored = store.read().await?.find_rules().await?;
    stored.context("there are no rules yet: serve once with an OpenAPI document or [[operation]]")
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let StoredRules { live, pending } = stored(store).await?;
    for operation in &live.rules.operations {
        let scopes: Vec<_> = operation.scopes.iter().map(ToString::to_string).collect();
        let asks = if scopes.is_empty() { "any token".to_owned() } else { scopes.join(" or ") };
        let rate = operation.rate.map(|rate| format!(", {rate} for each account"));
        let rate = rate.unwrap_or_default();
        print_line!("{:<8}{:<40} {asks}{rate}", operation.method, operation.path.as_str());
    }
    let others = match live.rules.unlisted {
        Unlisted::Everything => "a token for everything",
        Unlisted::Any => "any token",
    };
    print_line!("{:<48} {others}", "all other operations");
    let mode = match live.mode {
        Mode::Enforce => "Enforced: what is not allowed gets 403.",
        Mode::Observe => {
            "Observed: nothing is rejected. “keydesk operations check” tells what would be."
        }
    };
    print_line!("\n{mode}");
    if pending.is_some() {
        print_line!(
            "A changed document waits, as it would reject what is called now: “keydesk operations check”."
        );
    }
    Ok(())
}

async fn check(store: &Store, source: &RuleSource, args: CheckArgs) -> anyhow::Result<()> {
    let now = system::clock().now();
    let StoredRules { live, pending } = match args.document {
        // Before the first start, there may be none.
        Some(_) => store.read().await?.find_rules().await?.unwrap_or_default(),
        None => stored(store).await?,
    };
    let rules = match args.document {
        Some(path) => rules_of(source, &path).await?,
        None => pending.unwrap_or_else(|| live.rules.clone()),
    };
    let next = LiveRules { rules, mode: Mode::Enforce };
    let rejected = newly_rejected(&mut store.read().await?, &live, &next, now).await?;
    if rejected.is_empty() {
        print_line!("No request of the last 30 days would newly be rejected.");
    }
    let is_some = !rejected.is_empty();
    for NewlyRejected { token_name, client, operation, requests } in rejected {
        let noun = if requests == 1 { "request" } else { "requests" };
        print_line!("{requests:>8} {noun} from {client} with “{token_name}”: {operation}");
    }
    if !is_some {
        print_line!("Requests are counted within two minutes. Check again before you enforce.");
    }
    Ok(())
}

async fn rules_of(source: &RuleSource, path: &Path) -> anyhow::Result<Rules> {
    let unreadable = || format!("{} is not an OpenAPI document that can be read", path.display());
    let document = OpenApiSource::file(path.to_owned()).rules().await.with_context(unreadable)?;
    let rules = source.with(document.with_context(unreadable)?);
    match rules.check() {
        Ok(()) => Ok(rules),
        Err(error) => bail!("{}: {error}", path.display()),
    }
}

/// Applies the operations of the configuration and the OpenAPI documents when they have changed.
pub struct RuleSync {
    store: Store,
    source: RuleSource,
    openapi: OpenApiSource,
    clock: Clock,
    last: Option<Rules>,
    last_error: String,
}

impl RuleSync {
    pub fn new(store: Store, source: RuleSource, openapi: OpenApiSource) -> Self {
        let (clock, last, last_error) = (system::clock(), None, String::new());
        Self { store, source, openapi, clock, last, last_error }
    }
}

impl Work for RuleSync {
    async fn run(&mut self) -> Result<(), String> {
        let rules = match self.openapi.rules().await {
            Some(Ok(operations)) => self.source.with(operations),
            Some(Err(error)) => {
                let error = error.to_string();
                if error != self.last_error {
                    tracing::error!(
                        error,
                        "failed to apply the OpenAPI document's operations; the rules stay as they are"
                    );
                    self.last_error.clone_from(&error);
                }
                return Err(error);
            }
            None if self.source.own.is_empty() => return Ok(()),
            None => self.source.with(Vec::new()),
        };
        // Another node may read another document, so each change is written once by the node that sees it.
        if self.last.as_ref() == Some(&rules) {
            return Ok(());
        }
        match sync_rules(&self.store, &self.clock, rules.clone()).await {
            Ok(synced) => {
                tell(&synced);
                self.last = Some(rules);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "failed to store the operation rules");
                Err(error.to_string())
            }
        }
    }
}

fn tell(synced: &Synced) {
    match synced {
        Synced::Same => {}
        Synced::InForce => tracing::info!("applied the operation rules"),
        Synced::Pending(rejected) => {
            tracing::warn!(
                clients = rejected.len(),
                "the changed operation rules would reject current requests; apply them with “keydesk operations apply”"
            );
            for NewlyRejected { token_name, client, operation, requests } in rejected {
                tracing::warn!(token_name, client, operation, requests, "would be rejected");
            }
        }
    }
}
