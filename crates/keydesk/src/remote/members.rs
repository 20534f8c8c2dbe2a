//! `keydesk members` and `keydesk invitations`.

use super::{
    Remote,
    connection::{Call, segment},
    consent::{self, Consent},
    output::{Column, print_list, print_object},
    tokens::RECEIPT,
};
use http::Method;
use serde_json::json;

const MEMBER: [Column; 6] = [
    ("ID", "/id"),
    ("Name", "/name"),
    ("Email", "/email"),
    ("Role", "/role"),
    ("Joined", "/joined_at"),
    ("Last visit", "/last_seen_at"),
];
const INVITATION: [Column; 6] = [
    ("ID", "/id"),
    ("Email", "/email"),
    ("Role", "/role"),
    ("Invited by", "/invited_by"),
    ("Expires", "/expires_at"),
    ("Delivery error", "/delivery_error"),
];

#[derive(Debug, clap::Subcommand)]
pub enum MembersCommand {
    /// List members
    List(ListArgs),
    /// Change the role of a member
    Role(RoleArgs),
    /// Log a member out of all sessions, and replace their bearer token
    Logout(EndArgs),
    /// Remove a member
    Remove(EndArgs),
    /// Show which clients would stop working if the member were removed or logged out, and print the ETag for --if-match
    Consequences(MemberArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only members with this text in their name or email address
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct RoleArgs {
    /// Member ID, such as mem_…
    id: String,
    /// owner, administrator, developer, or viewer, who has no bearer token
    role: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct EndArgs {
    /// Member ID
    id: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct MemberArgs {
    /// Member ID
    id: String,
    #[command(flatten)]
    remote: Remote,
}

fn path(id: &str) -> String {
    format!("/members/{}", segment(id))
}

pub async fn run(command: MembersCommand) -> anyhow::Result<()> {
    match command {
        MembersCommand::List(ListArgs { text, remote }) => {
            let found =
                remote.connect()?.list("/members", &[("text", text.as_str())], None).await?;
            print_list(remote.format(), &MEMBER, &found);
        }
        MembersCommand::Role(args) => change_role(args).await?,
        MembersCommand::Logout(args) => {
            let at = format!("{}/logouts", path(&args.id));
            end(args, (Method::POST, &at), "Log the member out?").await?;
        }
        MembersCommand::Remove(args) => {
            let at = path(&args.id);
            end(args, (Method::DELETE, &at), "Remove the member?").await?;
        }
        MembersCommand::Consequences(MemberArgs { id, remote }) => {
            consent::print(&remote, &format!("{}/consequences", path(&id))).await?;
        }
    }
    Ok(())
}

async fn change_role(RoleArgs { id, role, consent, remote }: RoleArgs) -> anyhow::Result<()> {
    let (connection, at) = (remote.connect()?, path(&id));
    let etag = if role == "viewer" {
        let consequences = format!("{at}/consequences");
        Some(consent.ask(&connection, &consequences, "Change the role?").await?)
    } else {
        None
    };
    let call = Call {
        method: Method::PATCH,
        path: &at,
        body: Some(json!({ "role": role })),
        if_match: etag.as_deref(),
        ..Call::default()
    };
    print_object(remote.format(), &MEMBER, &connection.send(call).await?.json()?);
    Ok(())
}

async fn end(
    EndArgs { id, consent, remote }: EndArgs,
    (method, at): (Method, &str),
    question: &str,
) -> anyhow::Result<()> {
    let connection = remote.connect()?;
    let consequences = format!("{}/consequences", path(&id));
    let etag = consent.ask(&connection, &consequences, question).await?;
    let call = Call { method, path: at, if_match: Some(&etag), ..Call::default() };
    let done = connection.send(call).await?.json()?;
    let mut columns = vec![("ID", "/member_id")];
    columns.extend(RECEIPT);
    print_object(remote.format(), &columns, &done);
    Ok(())
}

#[derive(Debug, clap::Subcommand)]
pub enum InvitationsCommand {
    /// List pending invitations
    List(InvitationListArgs),
    /// Invite someone by email
    Create(InviteArgs),
    /// Send an invitation again
    Resend(InvitationArgs),
    /// Revoke an invitation
    Revoke(InvitationArgs),
}

#[derive(Debug, clap::Args)]
pub struct InvitationListArgs {
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct InviteArgs {
    /// Email address
    email: String,
    /// owner, administrator, developer, or viewer
    #[arg(long, value_name = "ROLE", default_value = "developer")]
    role: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub struct InvitationArgs {
    /// Invitation ID, such as inv_…
    id: String,
    #[command(flatten)]
    remote: Remote,
}

pub async fn run_invitations(command: InvitationsCommand) -> anyhow::Result<()> {
    match command {
        InvitationsCommand::List(InvitationListArgs { remote }) => {
            let found = remote.connect()?.get("/invitations").await?;
            let items = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            print_list(remote.format(), &INVITATION, items);
        }
        InvitationsCommand::Create(InviteArgs { email, role, remote }) => {
            let body = Some(json!({ "email": email, "role": role }));
            let made = remote.connect()?.change(Method::POST, "/invitations", body).await?;
            print_object(remote.format(), &INVITATION, &made);
        }
        InvitationsCommand::Resend(InvitationArgs { id, remote }) => {
            let at = format!("/invitations/{}/resends", segment(&id));
            let made = remote.connect()?.change(Method::POST, &at, None).await?;
            print_object(remote.format(), &INVITATION, &made);
        }
        InvitationsCommand::Revoke(InvitationArgs { id, remote }) => {
            let at = format!("/invitations/{}", segment(&id));
            remote.connect()?.change(Method::DELETE, &at, None).await?;
            print_object(remote.format(), &[("Revoked", "/id")], &json!({ "id": id }));
        }
    }
    Ok(())
}
