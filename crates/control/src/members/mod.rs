//! Members: invitations, roles, logouts, and removal, with the permission checks for them.

pub(crate) mod api;
pub(crate) mod console;
pub(crate) mod invitations;
pub(crate) mod selection;

pub(crate) use invitations::{INVITATION_LASTS, PendingInvitations, invite};

use crate::{
    AppState,
    mail::Message,
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
    tokens::{self, ObservedClient},
};
use keydesk_model::{
    Event, MemberId, Permission, RevocationReason, Role,
    audit::{EmailAndRole, Ended, RoleDetail},
};
use keydesk_store::{Domain, Member, Page, PageSearch, Read, StoreError, Write};

/// Returns a page of the members, and the pending invitations.
pub(crate) async fn list(
    app: &AppState,
    caller: &Caller,
    selection: &selection::Selection,
) -> Result<(selection::Selected, PendingInvitations), Refusal> {
    let members = selection::select(app, caller, selection).await?;
    let invitations = if caller.may(Permission::ManageMembers) {
        invitations::list_open(app, caller).await?
    } else {
        Vec::new()
    };
    Ok((members, invitations))
}

/// Returns a page of the members, oldest first.
pub(crate) async fn search(
    app: &AppState,
    caller: &Caller,
    search: &PageSearch,
) -> Result<Page<Member>, Refusal> {
    caller.permit(Permission::SeeMembers)?;
    Ok(app.store.read().await?.search_members(caller.account.id, search).await?)
}

pub(crate) async fn find(app: &AppState, caller: &Caller, id: MemberId) -> Result<Member, Refusal> {
    caller.permit(Permission::SeeMembers)?;
    let found = app.store.read().await?.find_member(caller.account.id, id).await?;
    Ok(found.ok_or(Code::NotFound)?)
}

/// How members of an account log in.
pub(crate) struct LoginRules {
    pub requires_two_factor: bool,
    /// The domains with single sign-on, or `None` if the caller can't change them.
    pub sso_domains: Option<Vec<Domain>>,
}

pub(crate) async fn find_login_rules(
    app: &AppState,
    caller: &Caller,
) -> Result<LoginRules, Refusal> {
    caller.permit(Permission::LimitAccount)?;
    let sso_domains = if caller.may(Permission::ManageSso) {
        let found = app.store.read().await?.find_sso(caller.account.id).await?;
        Some(found.map(|sso| sso.domains).unwrap_or_default())
    } else {
        None
    };
    Ok(LoginRules { requires_two_factor: caller.account.requires_two_factor, sso_domains })
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

/// Returns whether a member with the role has no bearer token.
pub(crate) fn has_no_bearer_token(role: Role) -> bool {
    !role.may(Permission::UseApiDocs)
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
    let message = Message::to(member.language, || Message::removed(&caller.account.name));
    app.add_mail(&mut write, &member.email, message).await?;
    Ok(app.commit_with_receipt(write, entry).await?)
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
    write.revoke_management_keys_of(id).await?;
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
    let (by, account) = (&caller.user.name, &caller.account.name);
    let message = Message::to(member.language, || {
        Message::logged_out(by, account, &app.settings.console_url)
    });
    app.add_mail(&mut write, &member.email, message).await?;
    Ok(app.commit_with_receipt(write, entry).await?)
}
