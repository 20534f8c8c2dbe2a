//! Invitations: sending, resending, revoking, and accepting them.

pub(crate) mod accept;
pub(crate) mod api;
pub(crate) mod console;

use crate::{
    AppState,
    mail::{Link, Message},
    principal::Caller,
    refusal::{Code, Refusal},
    throttling::attempts::{self, Sender},
};
use keydesk_model::{
    AttemptKind, Email, Event, InvitationId, LinkKind, Permission, Role, Timestamp,
    audit::EmailAndRole,
};
use keydesk_store::{Invitation, NewInvitation, Read, StoreError, Undelivered, Write};
use std::time::Duration;

pub(crate) const INVITATION_LASTS: Duration = Duration::from_hours(168);

/// The maximum number of open invitations per account.
const MOST_INVITATIONS: usize = 200;

/// Pending invitations, each with what is known of its mail if it has not been delivered.
pub(crate) type PendingInvitations = Vec<(Invitation, Option<Undelivered>)>;

/// Returns the open invitations.
pub(crate) async fn list_open(
    app: &AppState,
    caller: &Caller,
) -> Result<PendingInvitations, Refusal> {
    caller.permit(Permission::ManageMembers)?;
    let mut read = app.store.read().await?;
    let invitations = read.list_invitations(caller.account.id, app.now()).await?;
    let undelivered = read.list_undelivered(caller.account.id).await?;
    let with_fate = |invitation: Invitation| {
        let id = invitation.id;
        (invitation, undelivered.iter().find(|mail| mail.invitation == id).cloned())
    };
    Ok(invitations.into_iter().map(with_fate).collect())
}

/// Invites an email address with a role, by a mailed link that works once and expires after a week.
pub(crate) async fn invite(
    app: &AppState,
    caller: &Caller,
    email: &str,
    role: Role,
) -> Result<InvitationId, Refusal> {
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
    let earlier = open.iter().find(|invitation| invitation.email == email);
    if role == Role::Owner || earlier.is_some_and(|earlier| earlier.role == Role::Owner) {
        caller.permit(Permission::ManageOwners)?;
    }
    if open.len() >= MOST_INVITATIONS {
        return Err(Refusal::new(Code::TooManyInvitations).with_count("most", MOST_INVITATIONS));
    }
    let id = add_invitation(app, &mut write, &caller, (&email, role)).await?;
    let after = EmailAndRole { email: email.to_string(), role };
    write.commit(caller.entry(Event::MemberInvited { after }, id)).await?;
    Ok(id)
}

/// Adds an invitation, which replaces an earlier one to the same address, with its email.
async fn add_invitation(
    app: &AppState,
    write: &mut Write,
    caller: &Caller,
    (email, role): (&Email, Role),
) -> Result<InvitationId, StoreError> {
    let link = Link::new(LinkKind::Invitation, INVITATION_LASTS, &app.entropy);
    let id = InvitationId::generate(write.now(), &app.entropy);
    let new = NewInvitation {
        id,
        account: caller.account.id,
        email: email.clone(),
        role,
        code_hash: link.code_hash,
        invited_by: Some(caller.member.id),
        expires_at: write.now().plus(INVITATION_LASTS),
    };
    write.add_invitation(&new).await?;
    let known = write.find_user_by_email(email).await?;
    let api = app.openapi.title().await;
    let url = link.url(&app.settings.console_url);
    let message = Message::to(known.and_then(|user| user.language), || {
        Message::invitation((&caller.account.name, &caller.user.name), role, &api, &url)
    });
    app.add_mail(write, email, message.with_link(link).of_invitation(id)).await?;
    Ok(id)
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
) -> Result<InvitationId, Refusal> {
    let invitation = find_open(&mut app.store.read().await?, (caller, app.now()), id).await?;
    let sender = Sender::User(caller.user.id);
    if !attempts::may_send(app, AttemptKind::Link, &invitation.email, sender).await? {
        return Err(Code::TooManyEmails.into());
    }
    let (mut write, caller) = caller.begin_as_member(app).await?;
    let Invitation { email, role, .. } = find_open(&mut write, (&caller, app.now()), id).await?;
    let new = add_invitation(app, &mut write, &caller, (&email, role)).await?;
    let after = EmailAndRole { email: email.to_string(), role };
    write.commit(caller.entry(Event::MemberInvitationResent { after }, new)).await?;
    Ok(new)
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
