//! The commands that work from anywhere: they call the management API of a Keydesk, with a management key from the
//! environment or from a profile.

mod accounts;
mod checks;
mod connection;
mod consent;
mod login;
mod members;
mod output;
mod profiles;
mod raw;
mod records;
mod secrets;
mod tokens;

pub use checks::check_secrets;
pub use connection::RemoteError;
pub use records::AuditCommand;

use connection::Connection;
use output::Format;

/// The commands of the management API.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Log in to a Keydesk instance, and store the key in a profile on this machine
    Login(login::LoginArgs),
    /// Revoke the key of a profile, and remove the profile
    Logout(login::LogoutArgs),
    /// List the profiles of this machine
    Profiles(login::ProfilesArgs),
    /// Manage API tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Generate a token secret on this machine
    #[command(subcommand)]
    Token(secrets::Command),
    /// Manage members
    #[command(subcommand)]
    Members(members::MembersCommand),
    /// Manage invitations
    #[command(subcommand)]
    Invitations(members::InvitationsCommand),
    /// Manage accounts (for operators)
    #[command(subcommand)]
    Accounts(accounts::Command),
    /// See which clients use tokens, and which requests violated limits
    #[command(subcommand)]
    Usage(records::UsageCommand),
    /// Read receipts
    #[command(subcommand)]
    Receipts(records::ReceiptsCommand),
    /// Send any request to the management API
    Api(raw::Args),
}

/// Which Keydesk, and how to print.
#[derive(Clone, Debug, clap::Args)]
pub struct Remote {
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "profile",
        help = "Console URL [env: KEYDESK_URL]"
    )]
    url: Option<String>,
    #[arg(
        long,
        value_name = "NAME",
        help = "Profile to use [default: the URL and key in the environment, or else that of the last login] [env: KEYDESK_PROFILE]"
    )]
    profile: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "jsonl")]
    json: bool,
    /// Print one JSON object per line
    #[arg(long)]
    jsonl: bool,
}

impl Remote {
    fn format(&self) -> Format {
        match (self.json, self.jsonl) {
            (true, _) => Format::Json,
            (_, true) => Format::JsonLines,
            _ => Format::Table,
        }
    }

    fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.url.as_deref(), self.profile.as_deref())
    }
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Login(args) => login::log_in(args).await,
        Command::Logout(args) => login::log_out(args).await,
        Command::Profiles(args) => login::list(&args),
        Command::Tokens(command) => tokens::run(command).await,
        Command::Token(command) => secrets::run(command),
        Command::Members(command) => members::run(command).await,
        Command::Invitations(command) => members::run_invitations(command).await,
        Command::Accounts(command) => accounts::run(command).await,
        Command::Usage(command) => records::run_usage(command).await,
        Command::Receipts(command) => records::run_receipts(command).await,
        Command::Api(args) => raw::run(args).await,
    }
}

pub async fn run_audit(command: AuditCommand) -> anyhow::Result<()> {
    records::run_audit(command).await
}
