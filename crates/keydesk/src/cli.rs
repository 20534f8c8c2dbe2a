//! The command line. Without a command, `keydesk` runs `serve`.

use crate::{
    account, audit, backup,
    config::{Config, Options, reference, schema},
    doctor, documentation, feedback, health, key, mail, node, operations, operator, receipt,
    remote, scan, serve, setup, user,
};
use anyhow::Context;
use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, error::ErrorKind,
    parser::ValueSource,
};
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
    #[command(flatten)]
    Remote(remote::Command),
    #[command(flatten)]
    Local(LocalCommand),
    #[command(flatten)]
    Server(ServerCommand),
    #[command(flatten)]
    Examination(ExaminationCommand),
}

/// The command that reports an invalid configuration itself.
#[derive(Debug, Subcommand)]
enum ExaminationCommand {
    /// Check what Keydesk depends on: names, ports, TLS, database, upstream, mail, and more
    Doctor(doctor::Args),
}

/// The commands that need nothing but this executable.
#[derive(Debug, Subcommand)]
enum LocalCommand {
    /// Find tokens in files and in Git repositories
    Scan(scan::Args),
    /// Print the completion script for a shell
    Completions(documentation::CompletionsArgs),
    /// Write the man pages to a folder
    Man(documentation::ManArgs),
}

/// The commands that need the configuration and the database of this server.
#[derive(Debug, Subcommand)]
enum ServerCommand {
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
    /// Exit with 0 if Keydesk on this machine serves requests
    Health,
    /// Test email delivery
    #[command(subcommand)]
    Mail(mail::Command),
    /// Manage accounts and plans in the database
    #[command(subcommand)]
    Account(account::Command),
    /// Verify and anchor the audit log; “audit list” and “audit export” work from anywhere
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Manage API operation rules
    #[command(subcommand)]
    Operations(operations::Command),
    /// Verify revocation receipts
    #[command(subcommand)]
    Receipt(receipt::Command),
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    #[command(flatten)]
    Remote(remote::AuditCommand),
    #[command(flatten)]
    Server(audit::Command),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration file, the environment, and the files that they name
    Check,
    /// Print the JSON Schema of the configuration file, for editors
    Schema,
    /// Print all keys of the configuration file as Markdown
    Reference,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The options of a server, which each command shows that they mean something to.
const OPTIONS: [&str; 10] = [
    "config",
    "data",
    "console",
    "gateway",
    "public_console_url",
    "public_gateway_url",
    "database_url",
    "role",
    "upstream",
    "openapi",
];

/// Returns the options that a command has.
fn options_of(command: &str) -> &'static [&'static str] {
    match command {
        "serve" | "config" | "doctor" | "health" => &OPTIONS,
        "setup" | "operator" | "user" | "mail" => {
            &["config", "data", "database_url", "public_console_url", "public_gateway_url"]
        }
        "operations" => &["config", "data", "database_url", "upstream", "openapi"],
        name if is_server_command(name) => &["config", "data", "database_url"],
        _ => &[],
    }
}

fn is_server_command(name: &str) -> bool {
    ServerCommand::has_subcommand(name) || ExaminationCommand::has_subcommand(name)
}

impl Cli {
    /// Returns the command line as clap knows it, with the commands in groups, each with its options only.
    pub fn grammar() -> clap::Command {
        let mut root = Self::command();
        let names: Vec<_> = root.get_subcommands().map(|it| it.get_name().to_owned()).collect();
        for name in &names {
            root = root.mut_subcommand(name, with_own_options);
        }
        let groups = [
            ("Commands that work from anywhere", group::<remote::Command>()),
            (
                "Server commands, which need the database of this machine",
                [group::<ServerCommand>(), group::<ExaminationCommand>()].concat(),
            ),
            ("Other commands", group::<LocalCommand>()),
        ];
        let list = groups.map(|(title, names)| section(&root, title, &names)).join("\n\n");
        root.override_usage("keydesk [OPTIONS] [COMMAND]").help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}\n\nOptions:\n{{options}}"
        ))
    }

    /// Reads the command line, and ends the process if it isn’t valid.
    pub fn read() -> Self {
        let mut grammar = Self::grammar();
        let matches = grammar.get_matches_mut();
        let ended = |error: clap::Error| error.exit();
        if let Some(option) = out_of_place(&grammar, &matches) {
            let text = format!("--{} means nothing to this command", option.replace('_', "-"));
            ended(grammar.error(ErrorKind::ArgumentConflict, text));
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| ended(error.format(&mut grammar)))
    }
}

/// Returns an option of the server that was given to a remote command.
fn out_of_place(root: &clap::Command, matches: &clap::ArgMatches) -> Option<&'static str> {
    let (mut command, mut inner, mut is_remote) = (root, matches, false);
    while let Some((name, below)) = inner.subcommand() {
        let is_of_server = name != "audit" && is_server_command(name);
        is_remote = is_remote || !is_of_server && !audit::Command::has_subcommand(name);
        (command, inner) = (command.find_subcommand(name)?, below);
    }
    let is_hidden = |option: &&str| {
        command.get_arguments().any(|arg| arg.get_id() == *option && arg.is_hide_set())
    };
    let is_given = |option: &&str| matches.value_source(option) == Some(ValueSource::CommandLine);
    OPTIONS.into_iter().filter(|_| is_remote).filter(is_hidden).find(is_given)
}

/// Makes a command show the options that mean something to it. Of `audit`, two subcommands are remote.
fn with_own_options(command: clap::Command) -> clap::Command {
    let own = options_of(command.get_name());
    let is_audit = command.get_name() == "audit";
    let is_remote = |name: &str| is_audit && remote::AuditCommand::has_subcommand(name);
    hide_options(command, own).mut_subcommands(|inner| {
        let own = if is_remote(inner.get_name()) { &[] } else { own };
        hide_options(inner, own)
    })
}

/// Hides the options of the server that a command doesn’t have. They are global, so a copy replaces each.
fn hide_options(command: clap::Command, shown: &[&str]) -> clap::Command {
    let root = Cli::command();
    let logs = shown.is_empty().then_some("log");
    let hidden = OPTIONS.into_iter().filter(|option| !shown.contains(option)).chain(logs);
    hidden.fold(command, |command, option| {
        // An option of the same name is the command’s own.
        if command.get_arguments().any(|own| own.get_id() == option) {
            return command;
        }
        let option = root.get_arguments().find(|argument| argument.get_id() == option);
        command.args(option.map(|option| option.clone().hide(true)))
    })
}

/// Returns the names of the commands of a group.
fn group<T: Subcommand>() -> Vec<String> {
    let group = T::augment_subcommands(clap::Command::new("group"));
    group.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

fn section(root: &clap::Command, title: &str, names: &[String]) -> String {
    let about = |name: &str| root.find_subcommand(name).and_then(clap::Command::get_about);
    let line = |name: &String| {
        format!("  {name:<13}{}", about(name).map(ToString::to_string).unwrap_or_default())
    };
    format!("{title}:\n{}", names.iter().map(line).collect::<Vec<_>>().join("\n"))
}

pub async fn run(cli: Cli) -> anyhow::Result<()> {
    start_log(cli.log);
    match cli.command.unwrap_or(Command::Server(ServerCommand::Serve)) {
        Command::Remote(command) => remote::run(command).await,
        Command::Local(LocalCommand::Scan(args)) => Ok(scan::run(args).await?),
        Command::Local(LocalCommand::Completions(args)) => documentation::complete(&args),
        Command::Local(LocalCommand::Man(args)) => documentation::write_man_pages(&args),
        Command::Server(ServerCommand::Audit(AuditCommand::Remote(command))) => {
            remote::run_audit(command).await
        }
        Command::Examination(ExaminationCommand::Doctor(args)) => {
            doctor::run(&cli.options, args).await
        }
        Command::Server(command) => run_on_server(command, &cli.options).await,
    }
}

async fn run_on_server(command: ServerCommand, options: &Options) -> anyhow::Result<()> {
    let config = Config::read(options)?;
    match command {
        ServerCommand::Serve => Box::pin(serve::run(config, options)).await,
        ServerCommand::Setup(args) => setup::run(config, args).await,
        ServerCommand::Feedback(args) => feedback::run(config, args).await,
        ServerCommand::Backup(args) => backup::backup(config, args).await,
        ServerCommand::Restore(args) => backup::restore(config, args).await,
        ServerCommand::Migrate(args) => backup::migrate(args).await,
        ServerCommand::Key(command) => key::run(config, command).await,
        ServerCommand::Node(command) => node::run(config, command).await,
        ServerCommand::Operator(command) => operator::run(config, command).await,
        ServerCommand::User(command) => user::run(config, command).await,
        ServerCommand::Config(ConfigCommand::Check) => {
            check_config(&config, Config::file(options).as_deref()).await
        }
        ServerCommand::Config(ConfigCommand::Schema) => {
            print_line!("{:#}", schema());
            Ok(())
        }
        ServerCommand::Config(ConfigCommand::Reference) => {
            print_line!("{}", reference().trim_end());
            Ok(())
        }
        ServerCommand::Health => health::run(config).await,
        ServerCommand::Mail(command) => mail::run(config, command).await,
        ServerCommand::Account(command) => account::run(config, command).await,
        ServerCommand::Audit(AuditCommand::Remote(command)) => remote::run_audit(command).await,
        ServerCommand::Audit(AuditCommand::Server(command)) => audit::run(config, command).await,
        ServerCommand::Operations(command) => operations::run(config, command).await,
        ServerCommand::Receipt(command) => receipt::run(config, command).await,
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
