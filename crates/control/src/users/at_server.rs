//! The operator's commands on the server for a user: a password reset link, and erasure.

use super::RESET_LASTS;
use crate::{
    AppState, members,
    one_time::codes,
    principal::Administrator,
    refusal::{Code, Refusal},
};
use keydesk_model::{Email, Event, Role, UserId};
use keydesk_store::{AuditEntry, User, Write};

async fn find(write: &mut Write, email: &str) -> Result<User, Refusal> {
    let email: Email = email.parse()?;
    write
        .find_user_by_email(&email)
        .await?
        .ok_or_else(|| Refusal::new(Code::UnknownUser).with_text("email", email))
}

fn entry(event: Event, user: UserId) -> AuditEntry {
    Administrator::Server.instance_entry(event, user)
}

/// Returns a password reset link for the operator to pass on. It works once, within an hour.
pub async fn make_reset_link(app: &AppState, email: &str) -> Result<String, Refusal> {
    let mut write = app.store.write(app.now()).await?;
    let user = find(&mut write, email).await?;
    let (code, hash) = codes::generate(&app.entropy);
    write.add_reset(hash, user.id, write.now().plus(RESET_LASTS)).await?;
    let requested = Event::UserPasswordResetRequested { printed_on_server: true };
    write.commit(entry(requested, user.id)).await?;
    Ok(format!("{}/reset-password/{}", app.settings.console_url, code.as_str()))
}

/// Ends all memberships of a user and erases all data about them except the audit log.
pub async fn erase_user(app: &AppState, email: &str) -> Result<UserId, Refusal> {
    let mut write = app.store.write(app.now()).await?;
    let user = find(&mut write, email).await?;
    let mut accounts = Vec::new();
    for member in write.list_memberships(user.id).await? {
        if member.role == Role::Owner && write.count_owners(member.account).await? <= 1 {
            let account = write.find_account(member.account).await?;
            let name = account.map(|account| account.name).unwrap_or_default();
            return Err(Refusal::new(Code::OnlyOwner)
                .with_text("email", user.email)
                .with_text("account", name));
        }
        members::take_out(&mut write, &member).await?;
        accounts.push(member.account);
    }
    if write.remove_operator(user.id).await? && write.count_operators().await? == 0 {
        return Err(Refusal::new(Code::LastOperator).with_text("email", user.email));
    }
    write.erase_user(&user).await?;
    for account in &accounts {
        let entry = entry(Event::UserErased { memberships_ended: None }, user.id);
        write.audit(&AuditEntry { account: Some(*account), ..entry }).await?;
    }
    let erased = Event::UserErased { memberships_ended: Some(accounts.len()) };
    app.commit_with_receipt(write, entry(erased, user.id)).await?;
    Ok(user.id)
}
