//! The command line. Without a command, `keydesk` runs `serve`.

use crate::{
    account, audit, backup,
    config::{Config, Options},
    feedback, key, mail, node, operations, operator, receipt, serve, setup, user,
};
use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use keydesk_control::OpenApiSource;
use std::path::Path;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Gives every customer of your API an endpoint URL and bearer tokens, and lets only valid
/// requests through.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
    /// Log level on standard error
    #[arg(long, global = true, env = "KEYDESK_LOG", value_name = "LEVEL", default_value = "info")]
    log: LogLevel,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the console and the gateway (default)
    Serve,
    /// Create the first account non-interactively; fails if an account exists
    Setup(setup::Args),
    /// Print feedback from the Help page
    Feedback(feedback::Args),
    /// Create a backup while Keydesk is running
    Backup(backup::BackupArgs),
    /// Replace the database with a backup
    Restore(backup::RestoreArgs),
    /// Migrate all data to an empty database
    Migrate(backup::MigrateArgs),
    /// Manage master keys
    #[command(subcommand)]
    Key(key::Command),
    /// Manage the nodes of this database
    #[command(subcommand)]
    Node(node::Command),
    /// Manage operators
    #[command(subcommand)]
    Operator(operator::Command),
    /// Help users who cannot log in, and erase users
    #[command(subcommand)]
    User(user::Command),
    /// Check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Test email delivery
    #[command(subcommand)]
    Mail(mail::Command),
    /// Manage accounts and plans
    #[command(subcommand)]
    Account(account::Command),
    /// Verify and anchor the audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Manage API operation rules
    #[command(subcommand)]
    Operations(operations::Command),
    /// Verify revocation receipts
    #[command(subcommand)]
    Receipt(receipt::Command),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration file, the environment, and the files that they name
    Check,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

pub async fn run(cli: Cli) -> anyhow::Result<()> {
    start_log(cli.log);
    let config = Config::read(&cli.options)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => Box::pin(serve::run(config)).await,
        Command::Setup(args) => setup::run(config, args).await,
        Command::Feedback(args) => feedback::run(config, args).await,
        Command::Backup(args) => backup::backup(config, args).await,
        Command::Restore(args) => backup::restore(config, args).await,
        Command::Migrate(args) => backup::migrate(args).await,
        Command::Key(command) => key::run(config, command).await,
        Command::Node(command) => node::run(config, command).await,
        Command::Operator(command) => operator::run(config, command).await,
        Command::User(command) => user::run(config, command).await,
        Command::Config(ConfigCommand::Check) => {
            check_config(&config, Config::file(&cli.options).as_deref()).await
        }
        Command::Mail(command) => mail::run(config, command).await,
        Command::Account(command) => account::run(config, command).await,
        Command::Audit(command) => audit::run(config, command).await,
        Command::Operations(command) => operations::run(config, command).await,
        Command::Receipt(command) => receipt::run(config, command).await,
    }
}

/// Checks what reading the configuration doesn't: the OpenAPI documents in files.
async fn check_config(config: &Config, file: Option<&Path>) -> anyhow::Result<()> {
    let own = config.documents.iter().filter_map(|own| own.place.as_ref());
    for place in config.openapi.iter().chain(own) {
        if !place.contains("://") {
            let document = OpenApiSource::file(place.into());
            let rules = document.rules().await;
            rules.with_context(|| {
                format!("openapi: {place} cannot be read; see the line before")
            })??;
        }
    }
    let read = file.map_or_else(
        || "There is no keydesk.toml here; the defaults apply".to_owned(),
        |file| format!("{} is valid", file.display()),
    );
    print_line!("{read}. Database: {}", config.store);
    Ok(())
}

/// Starts logging. Libraries log from `warn` on, regardless of the level, because some would log whole requests.
fn start_log(level: LogLevel) {
    let level = match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    };
    let heard =
        Targets::new().with_target("keydesk", level).with_default(tracing::Level::WARN.min(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(heard).init();
}
