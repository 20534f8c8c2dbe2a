//! `keydesk accounts`, for operators.

use super::{
    Remote,
    connection::Call,
    consent::{self, Consent},
    output::{Column, print_list, print_object},
    tokens::RECEIPT,
};
use http::Method;
use keydesk_model::AccountNumber;
use serde_json::json;

const ACCOUNT: [Column; 8] = [
    ("Account", "/number"),
    ("Name", "/name"),
    ("State", "/state"),
    ("Plan", "/plan"),
    ("Members", "/members"),
    ("Active tokens", "/active_api_tokens"),
    ("Requests this month", "/requests_this_month"),
    ("Endpoint URL", "/endpoint_url"),
];

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List accounts
    List(ListArgs),
    /// Show an account
    Show(AccountArgs),
    /// Open an account, and invite its owner
    Open(OpenArgs),
    /// Rename an account
    Rename(RenameArgs),
    /// Change the plan of an account
    Plan(PlanArgs),
    /// Suspend an account: its tokens are rejected until it is restored
    Suspend(ChangeArgs),
    /// Close an account
    Close(ChangeArgs),
    /// Restore a suspended or closed account
    Restore(AccountArgs),
    /// Invite another owner
    InviteOwner(InviteArgs),
    /// Show which clients a suspension, closure, or change of plan would affect, and print the ETag for --if-match
    Consequences(AccountArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only accounts with this text in their name or number
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct AccountArgs {
    /// Account number
    number: AccountNumber,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// Name of the account
    name: String,
    /// Email address of its owner
    owner: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// Account number
    number: AccountNumber,
    /// New name
    name: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Account number
    number: AccountNumber,
    /// Name of the plan [default: the default plan]
    #[arg(default_value = "", hide_default_value = true)]
    plan: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Account number
    number: AccountNumber,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct InviteArgs {
    /// Account number
    number: AccountNumber,
    /// Email address
    email: String,
    #[command(flatten)]
    remote: Remote,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(ListArgs { text, remote }) => {
            let found =
                remote.connect()?.list("/accounts", &[("text", text.as_str())], None).await?;
            print_list(remote.format(), &ACCOUNT, &found);
        }
        Command::Show(AccountArgs { number, remote }) => {
            let account = remote.connect()?.get(&format!("/accounts/{number}")).await?;
            print_object(remote.format(), &ACCOUNT, &account);
        }
        Command::Open(OpenArgs { name, owner, remote }) => {
            let body = Some(json!({ "name": name, "owner": owner }));
            let account = remote.connect()?.change(Method::POST, "/accounts", body).await?;
            print_object(remote.format(), &ACCOUNT, &account);
        }
        Command::Rename(RenameArgs { number, name, remote }) => {
            let (at, body) = (format!("/accounts/{number}"), Some(json!({ "name": name })));
            let account = remote.connect()?.change(Method::PATCH, &at, body).await?;
            print_object(remote.format(), &ACCOUNT, &account);
        }
        Command::Plan(args) => change_plan(args).await?,
        Command::Suspend(args) => change(args, "suspensions", "Suspend the account?").await?,
        Command::Close(args) => change(args, "closures", "Close the account?").await?,
        Command::Restore(AccountArgs { number, remote }) => {
            let at = format!("/accounts/{number}/restorations");
            let account = remote.connect()?.change(Method::POST, &at, None).await?;
            print_changed(&remote, &account);
        }
        Command::InviteOwner(InviteArgs { number, email, remote }) => {
            let at = format!("/accounts/{number}/owner-invitations");
            remote.connect()?.change(Method::POST, &at, Some(json!({ "email": email }))).await?;
            print_object(remote.format(), &[("Invited", "/email")], &json!({ "email": email }));
        }
        Command::Consequences(AccountArgs { number, remote }) => {
            let at = format!("/accounts/{number}/consequences");
            consent::print(&remote, &at).await?;
        }
    }
    Ok(())
}

async fn change_plan(args: PlanArgs) -> anyhow::Result<()> {
    let connection = args.remote.connect()?;
    let at = format!("/accounts/{}", args.number);
    let consequences = format!("{at}/consequences");
    let etag = args.consent.ask(&connection, &consequences, "Change the plan?").await?;
    let call = Call {
        method: Method::PATCH,
        path: &at,
        body: Some(json!({ "plan": args.plan })),
        if_match: Some(&etag),
        ..Call::default()
    };
    let account = connection.send(call).await?.json()?;
    print_object(args.remote.format(), &ACCOUNT, &account);
    Ok(())
}

async fn change(args: ChangeArgs, change: &str, question: &str) -> anyhow::Result<()> {
    let connection = args.remote.connect()?;
    let consequences = format!("/accounts/{}/consequences", args.number);
    let etag = args.consent.ask(&connection, &consequences, question).await?;
    let at = format!("/accounts/{}/{change}", args.number);
    let call = Call { method: Method::POST, path: &at, if_match: Some(&etag), ..Call::default() };
    print_changed(&args.remote, &connection.send(call).await?.json()?);
    Ok(())
}

fn print_changed(remote: &Remote, changed: &serde_json::Value) {
    let mut columns = vec![
        ("Account", "/account/number"),
        ("Name", "/account/name"),
        ("State", "/account/state"),
    ];
    columns.extend(RECEIPT);
    print_object(remote.format(), &columns, changed);
}
