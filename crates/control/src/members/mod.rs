//! Members: invitations, roles, logouts, and removal, with the permission checks for them.

pub(crate) mod console;
mod invitations;

use crate::{
    AppState,
    mail::Message,
    one_time::codes,
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
    throttling::attempts::{self, Sender},
    tokens::{self, ObservedClient},
};
use keydesk_model::{
    AttemptKind, Email, Event, InvitationId, MemberId, Permission, RevocationReason, Role,
    Timestamp,
    audit::{EmailAndRole, Ended, RoleDetail},
};
use keydesk_store::{
    Invitation, Member, NewInvitation, Page, PageSearch, Read, StoreError, Undelivered, Write,
};
use std::time::Duration;

pub(crate) const INVITATION_LASTS: Duration = Duration::from_hours(168);
/// The maximum number of open invitations per account.
const MOST_INVITATIONS: usize = 200;

/// Pending invitations, each with what is known of its mail if it has not been delivered.
pub(crate) type PendingInvitations = Vec<(Invitation, Option<Undelivered>)>;

/// Returns a page of the members, and the pending invitations.
pub(crate) async fn list(
    app: &AppState,
    caller: &Caller,
    search: &PageSearch,
) -> Result<(Page<Member>, PendingInvitations), Refusal> {
    caller.permit(Permission::SeeMembers)?;
    let mut read = app.store.read().await?;
    let members = read.search_members(caller.account.id, search).await?;
    let invitations = if caller.may(Permission::ManageMembers) {
        let invitations = read.list_invitations(caller.account.id, app.now()).await?;
        let undelivered = read.list_undelivered(caller.account.id).await?;
        let with_fate = |invitation: Invitation| {
            let id = invitation.id;
            (invitation, undelivered.iter().find(|mail| mail.invitation == id).cloned())
        };
        invitations.into_iter().map(with_fate).collect()
    } else {
        Vec::new()
    };
    Ok((members, invitations))
}

/// Invites an email address with a role, by a mailed link that works once and expires after a week.
pub(crate) async fn invite(
    app: &AppState,
    caller: &Caller,
    email: &str,
    role: Role,
) -> Result<(), Refusal> {
    caller.permit(Permission::ManageMembers)?;
    if !app.mailer.can_send() {
        return Err(Code::EmailNotConfigured.into());
    }
    let email: Email = email.parse()?;
    let sender = Sender::User(caller.user.id);
    if !attempts::may_send(app, AttemptKind::Link, &email, sender).await? {
        return Err(Code::TooManyEmails.into());
    }
    let (mut write, caller) = caller.begin(app, Permission::ManageMembers).await?;
    let known = write.find_user_by_email(&email).await?;
    if let Some(user) = &known
        && write.find_member_of(caller.account.id, user.id).await?.is_some()
    {
        return Err(Refusal::new(Code::AlreadyMember).with_text("email", email).at("email"));
    }
    let open = write.list_invitations(caller.account.id, app.now()).await?;
    // The invitation replaces an earlier one to the same address.
    let earlier = open.iter().find(|invitation| invitation.email == email);
    if role == Role::Owner || earlier.is_some_and(|earlier| earlier.role == Role::Owner) {
        caller.permit(Permission::ManageOwners)?;
    }
    if open.len() >= MOST_INVITATIONS {
        return Err(Refusal::new(Code::TooManyInvitations).with_count("most", MOST_INVITATIONS));
    }
    let (code, code_hash) = codes::generate(&app.entropy);
    let id = InvitationId::generate(write.now(), &app.entropy);
    let expires_at = write.now().plus(INVITATION_LASTS);
    let (account, invited_by) = (caller.account.id, caller.member.id);
    let new = NewInvitation {
        id,
        account,
        email: email.clone(),
        role,
        code_hash,
        invited_by: Some(invited_by),
        expires_at,
    };
    write.add_invitation(&new).await?;
    let after = EmailAndRole { email: email.to_string(), role };
    write.commit(caller.entry(Event::MemberInvited { after }, id)).await?;
    let link = format!("{}/invitation/{}", app.settings.console_url, code.as_str());
    let language = known.and_then(|user| user.language);
    let api = app.openapi.title().await;
    let message = Message::to(language, || {
        Message::invitation((&caller.account.name, &caller.user.name), role, &api, &link)
    })
    .of_invitation(id);
    app.send_mail(&email, message);
    Ok(())
}

/// Returns an open invitation of the caller's account that the caller is permitted to send.
async fn find_open(
    read: &mut Read,
    (caller, now): (&Caller, Timestamp),
    id: InvitationId,
) -> Result<Invitation, Refusal> {
    caller.permit(Permission::ManageMembers)?;
    let open = read.list_invitations(caller.account.id, now).await?;
    let found = open.into_iter().find(|invitation| invitation.id == id);
    let invitation = found.ok_or(Code::NotFound)?;
    if invitation.role == Role::Owner {
        caller.permit(Permission::ManageOwners)?;
    }
    Ok(invitation)
}

/// Sends an invitation again with a new link for another week; the previous link stops working.
pub(crate) async fn resend(
    app: &AppState,
    caller: &Caller,
    id: InvitationId,
) -> Result<(), Refusal> {
    let invitation = find_open(&mut app.store.read().await?, (caller, app.now()), id).await?;
    let sender = Sender::User(caller.user.id);
    if !attempts::may_send(app, AttemptKind::Link, &invitation.email, sender).await? {
        return Err(Code::TooManyEmails.into());
    }
    let (code, code_hash) = codes::generate(&app.entropy);
    let (mut write, caller) = caller.begin_as_member(app).await?;
    let invitation = find_open(&mut write, (&caller, app.now()), id).await?;
    let (account, email, role) = (caller.account.id, invitation.email, invitation.role);
    let new = NewInvitation {
        id: InvitationId::generate(write.now(), &app.entropy),
        account,
        email: email.clone(),
        role,
        code_hash,
        invited_by: Some(caller.member.id),
        expires_at: write.now().plus(INVITATION_LASTS),
    };
    let known = write.find_user_by_email(&email).await?;
    // The invitation replaces the earlier one to the same address.
    write.add_invitation(&new).await?;
    let after = EmailAndRole { email: email.to_string(), role };
    write.commit(caller.entry(Event::MemberInvitationResent { after }, new.id)).await?;
    let link = format!("{}/invitation/{}", app.settings.console_url, code.as_str());
    let language = known.and_then(|user| user.language);
    let api = app.openapi.title().await;
    let message = Message::to(language, || {
        Message::invitation((&caller.account.name, &caller.user.name), role, &api, &link)
    })
    .of_invitation(new.id);
    app.send_mail(&email, message);
    Ok(())
}

pub(crate) async fn withdraw(
    app: &AppState,
    caller: &Caller,
    id: InvitationId,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin_as_member(app).await?;
    find_open(&mut write, (&caller, app.now()), id).await?;
    if !write.close_invitation(caller.account.id, id).await? {
        return Err(Code::NotFound.into());
    }
    write.commit(caller.entry(Event::MemberInvitationRevoked {}, id)).await?;
    Ok(())
}

/// Returns a member whom the caller can remove or log out, and the clients that would stop working.
pub(crate) async fn prepare_end(
    app: &AppState,
    caller: &Caller,
    id: MemberId,
) -> Result<(Member, Vec<ObservedClient>), Refusal> {
    let member = find_manageable(&mut app.store.read().await?, caller, id).await?;
    let clients = tokens::list_clients_of_member(app, &member).await?;
    Ok((member, clients))
}

/// Returns the owners and administrators, whom other members can ask.
pub(crate) async fn list_administrators(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<Member>, Refusal> {
    let members = app.store.read().await?.list_members(caller.account.id).await?;
    Ok(members.into_iter().filter(|member| member.role >= Role::Administrator).collect())
}

/// Returns another member of the caller's account whom the caller may change. Only owners may change owners.
async fn find_manageable(
    read: &mut Read,
    caller: &Caller,
    id: MemberId,
) -> Result<Member, Refusal> {
    caller.permit(Permission::ManageMembers)?;
    let member = read.find_member(caller.account.id, id).await?.ok_or(Code::NotFound)?;
    if member.role == Role::Owner {
        caller.permit(Permission::ManageOwners)?;
    }
    Ok(member)
}

async fn keep_an_owner(write: &mut Write, member: &Member) -> Result<(), Refusal> {
    if member.role == Role::Owner && write.count_owners(member.account).await? <= 1 {
        return Err(Code::LastOwner.into());
    }
    Ok(())
}

/// Changes a member's role; the bearer token is revoked if the new role has none.
pub(crate) async fn change_role(
    app: &AppState,
    caller: &Caller,
    id: MemberId,
    role: Role,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin_as_member(app).await?;
    let member = find_manageable(&mut write, &caller, id).await?;
    if role == Role::Owner {
        caller.permit(Permission::ManageOwners)?;
    } else {
        keep_an_owner(&mut write, &member).await?;
    }
    let closed = apply_role(app, &mut write, &member, role).await?;
    let changed = Event::MemberRoleChanged {
        before: RoleDetail { role: member.role },
        after: RoleDetail { role },
        invitations_closed: Some(closed),
    };
    let entry = caller.entry(changed, id);
    Ok(app.commit_with_receipt(write, entry).await?)
}

/// Applies a role to a member and issues or revokes their bearer token accordingly. Closes the invitations that they
/// could not send in the new role, and returns how many.
pub(crate) async fn apply_role(
    app: &AppState,
    write: &mut Write,
    member: &Member,
    role: Role,
) -> Result<u64, StoreError> {
    let id = member.id;
    write.set_role(id, role).await?;
    let closed = if !role.may(Permission::ManageMembers) {
        write.close_invitations_of(id).await?
    } else if !role.may(Permission::ManageOwners) {
        write.close_owner_invitations_of(id).await?
    } else {
        0
    };
    if !role.may(Permission::ManageSso) {
        write.remove_pending_sso_of(id).await?;
    }
    match (member.role.may(Permission::UseApiDocs), role.may(Permission::UseApiDocs)) {
        (true, false) => tokens::end_bearer_token(write, id, RevocationReason::RoleChanged).await?,
        (false, true) => {
            tokens::issue_bearer_token(app, write, member.account, id, &member.name).await?;
        }
        _ => {}
    }
    Ok(closed)
}

/// Removes a member and revokes their bearer token in this account permanently in the same transaction.
pub(crate) async fn remove(
    app: &AppState,
    caller: &Caller,
    id: MemberId,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin_as_member(app).await?;
    let member = find_manageable(&mut write, &caller, id).await?;
    if member.id == caller.member.id {
        return Err(Code::CannotRemoveYourself.into());
    }
    keep_an_owner(&mut write, &member).await?;
    let closed = take_out(&mut write, &member).await?;
    let before = EmailAndRole { email: member.email.to_string(), role: member.role };
    let entry = caller.entry(Event::MemberRemoved { before, invitations_closed: closed }, id);
    let receipt = app.commit_with_receipt(write, entry).await?;
    let message = Message::to(member.language, || Message::removed(&caller.account.name));
    app.send_mail(&member.email, message);
    Ok(receipt)
}

/// Ends a membership and everything that depends on it, and returns the number of closed invitations.
pub(crate) async fn take_out(write: &mut Write, member: &Member) -> Result<u64, StoreError> {
    let id = member.id;
    tokens::end_bearer_token(write, id, RevocationReason::MemberRemoved).await?;
    write.remove_member(id).await?;
    write.end_sessions_in(member.user, member.account).await?;
    // Nothing that the member leaves behind may let them, or users they invited, back in.
    let closed = write.close_invitations_of(id).await?
        + write.close_invitations_to(member.account, member.user).await?;
    write.remove_pending_sso_of(id).await?;
    Ok(closed)
}

/// Ends the caller's own membership.
pub(crate) async fn leave(app: &AppState, caller: &Caller) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin_as_member(app).await?;
    keep_an_owner(&mut write, &caller.member).await?;
    let closed = take_out(&mut write, &caller.member).await?;
    let before = EmailAndRole { email: caller.user.email.to_string(), role: caller.member.role };
    let left = Event::MemberLeft { before, invitations_closed: closed };
    let entry = caller.entry(left, caller.member.id);
    Ok(app.commit_with_receipt(write, entry).await?)
}

/// Logs a member out of all their sessions in this account and replaces their bearer token here. The user's sessions
/// and tokens in other accounts don't belong to this account, so they remain.
pub(crate) async fn log_out(
    app: &AppState,
    caller: &Caller,
    id: MemberId,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin_as_member(app).await?;
    let member = find_manageable(&mut write, &caller, id).await?;
    let sessions = write.end_sessions_in(member.user, member.account).await?;
    // A session that is in another account stays there, but can't switch to this account anymore.
    write.require_new_log_in(id).await?;
    let cause = RevocationReason::LoggedOutOfAllSessions;
    let replaced = tokens::replace_bearer_token(app, &mut write, id, cause).await?;
    // An attacker in the member's session may have sent them.
    let closed = write.close_invitations_of(id).await?;
    let ended = Ended {
        sessions_ended: sessions,
        bearer_tokens_replaced: usize::from(replaced),
        invitations_closed: closed,
    };
    let entry = caller.entry(Event::MemberLoggedOutOfAllSessions { ended }, id);
    let receipt = app.commit_with_receipt(write, entry).await?;
    let (by, account) = (&caller.user.name, &caller.account.name);
    let message = Message::to(member.language, || {
        Message::logged_out(by, account, &app.settings.console_url)
    });
    app.send_mail(&member.email, message);
    Ok(receipt)
}
