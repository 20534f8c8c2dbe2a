//! The command line. Without a command, `keydesk` serves.

use crate::{config::Config, feedback, serve, setup};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
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
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the console and the gateway (what happens without a command, too)
    Serve,
    /// Open the first account from a script; refuses where there is one
    Setup(setup::Args),
    /// Print what readers said under "Did this answer your question?"
    Feedback(feedback::Args),
}

/// Each stands above its environment variable, that above the configuration file, that above the
/// default.
#[derive(Debug, Args)]
pub struct Options {
    /// Configuration file; unknown keys are refused [default: none]
    #[arg(long, global = true, env = "KEYDESK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the database and the key file [default: ./keydesk-data]
    #[arg(long, global = true, env = "KEYDESK_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Address that the console listens on [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "KEYDESK_CONSOLE", value_name = "ADDRESS")]
    pub console: Option<String>,
    /// Address that the gateway listens on [default: 127.0.0.1:8081]
    #[arg(long, global = true, env = "KEYDESK_GATEWAY", value_name = "ADDRESS")]
    pub gateway: Option<String>,
    /// Where people reach the console [default: http:// and the console's address]
    #[arg(long, global = true, env = "KEYDESK_PUBLIC_CONSOLE_URL", value_name = "URL")]
    pub public_console_url: Option<String>,
    /// Where programs reach the gateway [default: http:// and the gateway's address]
    #[arg(long, global = true, env = "KEYDESK_PUBLIC_GATEWAY_URL", value_name = "URL")]
    pub public_gateway_url: Option<String>,
    /// The API behind the gateway [default: the built-in sample API]
    #[arg(long, global = true, env = "KEYDESK_UPSTREAM", value_name = "URL")]
    pub upstream: Option<String>,
    /// The API's OpenAPI document in JSON: a file or a URL [default: /openapi.json of the upstream]
    #[arg(long, global = true, env = "KEYDESK_OPENAPI", value_name = "PLACE")]
    pub openapi: Option<String>,
    /// How much is logged to standard error
    #[arg(long, global = true, env = "KEYDESK_LOG", value_name = "LEVEL", default_value = "info")]
    pub log: LogLevel,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

pub async fn run(cli: Cli) -> anyhow::Result<()> {
    start_log(cli.options.log);
    let config = Config::read(&cli.options)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(config).await,
        Command::Setup(args) => setup::run(config, args).await,
        Command::Feedback(args) => feedback::run(config, args).await,
    }
}

/// Libraries are heard from `warn` on only, whatever the level: some would log whole requests.
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
