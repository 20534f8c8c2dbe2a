//! Members: invited, given a role, logged out, removed. Here is decided who may.

pub(crate) mod console;

use crate::{
    Desk, accounts,
    attempts::{self, HeldError, Sender, Tries},
    caller::{Caller, Visitor},
    codes,
    factors::{self, Proof},
    mail::Message,
    passwords::{Password, PasswordError, TooBusy},
    problem::Problem,
    receipts::Issued,
    sessions::{self, Entered, News, visitor_entry},
    tokens,
};
use keydesk_model::{
    Action, Actor, AttemptKind, Email, EmailError, EndCause, InvitationId, MemberId, PersonId,
    Right, Role, Timestamp, TokenNameError,
};
use keydesk_store::{
    AuditEntry, Invitation, Member, NewInvitation, NewPerson, Person, Read, StoreError, Write,
};
use std::time::Duration;

pub(crate) const INVITATION_LASTS: Duration = Duration::from_hours(168);
/// How many open invitations an account may have.
const MOST_INVITATIONS: usize = 200;

#[derive(Debug, thiserror::Error)]
pub(crate) enum MemberError {
    #[error(transparent)]
    Email(#[from] EmailError),
    #[error("{0} belongs to this account already")]
    AlreadyMember(Email),
    #[error("this Keydesk cannot send mail yet; ask its operator to configure [mail]")]
    NoMail,
    #[error("this account has {MOST_INVITATIONS} open invitations; withdraw some first")]
    TooManyInvitations,
    #[error("this address has got several mails within the hour; try again later")]
    TooOften,
    #[error("an account needs an owner; make someone else owner first")]
    LastOwner,
    #[error("to leave yourself out, ask another owner or administrator")]
    Yourself,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Store(error) => error.into(),
            error => Self::invalid(error.to_string()).leading_to("/members", "Go to Members"),
        }
    }
}

pub(crate) async fn list(
    desk: &Desk,
    caller: &Caller,
) -> Result<(Vec<Member>, Vec<Invitation>), Problem> {
    caller.permit(Right::SeeMembers)?;
    let mut read = desk.store.read().await?;
    let members = read.list_members(caller.account.id).await?;
    let invitations = if caller.member.role.may(Right::ManageMembers) {
        read.list_invitations(caller.account.id, desk.now()).await?
    } else {
        Vec::new()
    };
    Ok((members, invitations))
}

/// Invites an address with a role: a link by mail, good once, for a week.
pub(crate) async fn invite(
    desk: &Desk,
    caller: &Caller,
    email: &str,
    role: Role,
) -> Result<(), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageMembers)?;
    if role == Role::Owner {
        caller.permit(Right::ManageOwners)?;
    }
    if !desk.mailer.can_send() {
        return Err(MemberError::NoMail.into());
    }
    let email: Email = email.parse().map_err(MemberError::from)?;
    if let Some(person) = write.find_person_by_email(&email).await?
        && write.find_member_of(caller.account.id, person.id).await?.is_some()
    {
        return Err(MemberError::AlreadyMember(email).into());
    }
    if write.list_invitations(caller.account.id, desk.now()).await?.len() >= MOST_INVITATIONS {
        return Err(MemberError::TooManyInvitations.into());
    }
    let (code, code_hash) = codes::generate(&desk.entropy);
    let id = InvitationId::generate(write.now(), &desk.entropy);
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
    let detail = serde_json::json!({ "after": { "email": email.as_str(), "role": role } });
    write.commit(caller.entry(Action::InviteMember, id, detail)).await?;
    let link = format!("{}/invitation/{}", desk.settings.console_url, code.as_str());
    let message = Message::invitation(&caller.account.name, &caller.person.name, role, &link);
    desk.mailer.send(&email, message, desk.now());
    Ok(())
}

/// An open invitation of the caller's account, which the caller may send.
async fn find_open(
    read: &mut Read,
    (caller, now): (&Caller, Timestamp),
    id: InvitationId,
) -> Result<Invitation, Problem> {
    caller.permit(Right::ManageMembers)?;
    let open = read.list_invitations(caller.account.id, now).await?;
    let found = open.into_iter().find(|invitation| invitation.id == id);
    let invitation = found.ok_or_else(Problem::not_found)?;
    if invitation.role == Role::Owner {
        caller.permit(Right::ManageOwners)?;
    }
    Ok(invitation)
}

/// Sends an invitation again, with a new link for another week: the old one is dead.
pub(crate) async fn resend(desk: &Desk, caller: &Caller, id: InvitationId) -> Result<(), Problem> {
    let invitation = find_open(&mut desk.store.read().await?, (caller, desk.now()), id).await?;
    let sender = Sender::Person(caller.person.id);
    if !attempts::may_send(desk, AttemptKind::Link, &invitation.email, sender).await? {
        return Err(MemberError::TooOften.into());
    }
    let (code, code_hash) = codes::generate(&desk.entropy);
    let (mut write, caller) = desk.write_as(caller).await?;
    let invitation = find_open(&mut write, (&caller, desk.now()), id).await?;
    let (account, email, role) = (caller.account.id, invitation.email, invitation.role);
    let new = NewInvitation {
        id: InvitationId::generate(write.now(), &desk.entropy),
        account,
        email: email.clone(),
        role,
        code_hash,
        invited_by: Some(caller.member.id),
        expires_at: write.now().plus(INVITATION_LASTS),
    };
    // It takes the place of the earlier one to the same address.
    write.add_invitation(&new).await?;
    let detail = serde_json::json!({ "after": { "email": email.as_str(), "role": role } });
    write.commit(caller.entry(Action::ResendInvitation, new.id, detail)).await?;
    let link = format!("{}/invitation/{}", desk.settings.console_url, code.as_str());
    let message = Message::invitation(&caller.account.name, &caller.person.name, role, &link);
    desk.mailer.send(&email, message, desk.now());
    Ok(())
}

pub(crate) async fn withdraw(
    desk: &Desk,
    caller: &Caller,
    id: InvitationId,
) -> Result<(), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageMembers)?;
    if !write.close_invitation(caller.account.id, id).await? {
        return Err(Problem::not_found());
    }
    write.commit(caller.entry(Action::WithdrawInvitation, id, serde_json::json!({}))).await?;
    Ok(())
}

/// Another member of the caller's account, whom the caller may change. Owners are touched by
/// owners only.
async fn find_manageable(
    write: &mut Write,
    caller: &Caller,
    id: MemberId,
) -> Result<Member, Problem> {
    caller.permit(Right::ManageMembers)?;
    let member = write.find_member(caller.account.id, id).await?.ok_or_else(Problem::not_found)?;
    if member.role == Role::Owner {
        caller.permit(Right::ManageOwners)?;
    }
    Ok(member)
}

async fn keep_an_owner(write: &mut Write, member: &Member) -> Result<(), Problem> {
    if member.role == Role::Owner && write.count_owners(member.account).await? <= 1 {
        return Err(MemberError::LastOwner.into());
    }
    Ok(())
}

/// Changes a member's role; with a role that has none, the bearer token ends.
pub(crate) async fn change_role(
    desk: &Desk,
    caller: &Caller,
    id: MemberId,
    role: Role,
) -> Result<Option<Issued>, Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    let member = find_manageable(&mut write, &caller, id).await?;
    if role == Role::Owner {
        caller.permit(Right::ManageOwners)?;
    } else {
        keep_an_owner(&mut write, &member).await?;
    }
    apply_role(desk, &mut write, &member, role).await?;
    let detail =
        serde_json::json!({ "before": { "role": member.role }, "after": { "role": role } });
    let entry = caller.entry(Action::ChangeRole, id, detail);
    Ok(desk.commit_with_receipt(write, entry).await?)
}

/// Gives a member a role, and the bearer token that goes with it, or none.
pub(crate) async fn apply_role(
    desk: &Desk,
    write: &mut Write,
    member: &Member,
    role: Role,
) -> Result<(), StoreError> {
    let id = member.id;
    write.set_role(id, role).await?;
    match (member.role.may(Right::UseApiDocs), role.may(Right::UseApiDocs)) {
        (true, false) => tokens::end_bearer_token(write, id, EndCause::RoleChanged).await,
        (false, true) => {
            tokens::issue_bearer_token(desk, write, member.account, id, &member.name).await
        }
        _ => Ok(()),
    }
}

/// Removes a member: their bearer token in this account ends in the same transaction, for good.
pub(crate) async fn remove(
    desk: &Desk,
    caller: &Caller,
    id: MemberId,
) -> Result<Option<Issued>, Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    let member = find_manageable(&mut write, &caller, id).await?;
    if member.id == caller.member.id {
        return Err(MemberError::Yourself.into());
    }
    keep_an_owner(&mut write, &member).await?;
    tokens::end_bearer_token(&mut write, id, EndCause::MemberRemoved).await?;
    write.remove_member(id).await?;
    write.end_sessions_in(member.person, member.account).await?;
    let detail =
        serde_json::json!({ "before": { "email": member.email.as_str(), "role": member.role } });
    let entry = caller.entry(Action::RemoveMember, id, detail);
    let receipt = desk.commit_with_receipt(write, entry).await?;
    desk.mailer.send(&member.email, Message::removed(&caller.account.name), desk.now());
    Ok(receipt)
}

/// Logs a member out from all their sessions in this account; their bearer token here is replaced.
/// What the person has in other accounts is not this account's to end.
pub(crate) async fn log_out(
    desk: &Desk,
    caller: &Caller,
    id: MemberId,
) -> Result<Option<Issued>, Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    let member = find_manageable(&mut write, &caller, id).await?;
    let sessions = write.end_sessions_in(member.person, member.account).await?;
    let cause = EndCause::LoggedOutEverywhere;
    let replaced = tokens::replace_bearer_token(desk, &mut write, id, cause).await?;
    let detail =
        serde_json::json!({ "sessions_ended": sessions, "bearer_token_replaced": replaced });
    let entry = caller.entry(Action::LogOutEverywhere, id, detail);
    let receipt = desk.commit_with_receipt(write, entry).await?;
    let message =
        Message::logged_out(&caller.person.name, &caller.account.name, &desk.settings.console_url);
    desk.mailer.send(&member.email, message, desk.now());
    Ok(receipt)
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    #[error("This invitation is no longer good. It works once, for a week; ask for a new one.")]
    Over,
    #[error("You have an account here already. Its password is wrong.")]
    WrongPassword,
    #[error(
        "Give the code of your second factor as well; this one is not right, or was used already."
    )]
    WrongCode,
    #[error("Choose another one: {0}.")]
    Unfit(#[from] PasswordError),
    #[error("Name: {0}.")]
    Name(#[from] TokenNameError),
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error(transparent)]
    TooBusy(#[from] TooBusy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::TooBusy(_) => Self::too_busy(),
            AcceptError::Held(held) => held.into(),
            AcceptError::Store(error) => error.into(),
            error => Self::invalid(error.to_string()).leading_to("/login", "Go to the log-in"),
        }
    }
}

/// An open invitation, and whether its address has a person already.
pub(crate) async fn find_invitation(
    desk: &Desk,
    code: &str,
) -> Result<(Invitation, bool), AcceptError> {
    let mut read = desk.store.read().await?;
    let invitation =
        read.find_invitation(codes::digest(code), desk.now()).await?.ok_or(AcceptError::Over)?;
    let is_known = read.find_person_by_email(&invitation.email).await?.is_some();
    Ok((invitation, is_known))
}

/// What someone who accepts an invitation has typed.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub name: &'a str,
    pub password: &'a str,
    /// Of the second factor, for whoever has one.
    pub code: &'a str,
}

/// Accepts an invitation: whoever is known gives their password, whoever is new chooses one.
pub(crate) async fn accept(
    desk: &Desk,
    code: &str,
    typed: Typed<'_>,
    visitor: Visitor,
) -> Result<Entered, AcceptError> {
    let Typed { name, password, code: factor } = typed;
    let (digest, now) = (codes::digest(code), desk.now());
    let mut read = desk.store.read().await?;
    let invitation = read.find_invitation(digest, now).await?.ok_or(AcceptError::Over)?;
    let known = read.find_person_by_email(&invitation.email).await?;
    drop(read);
    let (mut write, proof, newcomer) = if let Some(person) = &known {
        let (write, proof) = prove(desk, person, (password, factor), &visitor).await?;
        (write, proof, None)
    } else {
        let newcomer = newcomer(desk, &invitation, name, password).await?;
        (desk.store.write(desk.now()).await?, None, Some(newcomer))
    };
    // The account may have been closed meanwhile, or the invitation withdrawn.
    let invitation = write.find_invitation(digest, now).await?.ok_or(AcceptError::Over)?;
    if !write.close_invitation(invitation.account, invitation.id).await? {
        return Err(AcceptError::Over);
    }
    let news = match &known {
        Some(person) => Some(News::of(&mut write, person, proof).await?),
        None => None,
    };
    let (person, name) = add_or_find(&mut write, known.as_ref(), newcomer).await?;
    let target = (invitation.account, person);
    // Someone may have been let in by another way meanwhile; then there is nothing to join.
    let member = match write.find_member_of(target.0, target.1).await? {
        Some(member) => member.id,
        None => accounts::join(desk, &mut write, target, invitation.role, &name).await?,
    };
    let entered =
        sessions::open_session(desk, &mut write, person, Some(invitation.account), &visitor)
            .await?;
    let entry = AuditEntry {
        action: Action::AcceptInvitation,
        actor: Actor::Person { person, member: Some(member) },
        origin: visitor.origin.clone(),
        account: Some(invitation.account),
        target: member.to_string(),
        detail: serde_json::json!({
            "after": { "role": invitation.role },
            "second_factor": proof.map(Proof::as_str),
        }),
    };
    write.commit(entry).await?;
    if let Some(news) = news {
        news.send(desk, &entered, &visitor.origin);
    }
    Ok(entered)
}

/// A write transaction for somebody known who has given the password, and the second factor where they have one.
/// Every wrong one counts, and is in the audit log, as at the log-in.
async fn prove(
    desk: &Desk,
    person: &Person,
    (password, factor): (&str, &str),
    visitor: &Visitor,
) -> Result<(Write, Option<Proof>), AcceptError> {
    let tries = Tries::Email { typed: person.email.as_str(), device: visitor.device };
    let attempt = attempts::begin(desk, tries, &visitor.origin).await?;
    let stored = Some(person.password_hash.as_str());
    if !desk.passwords.verify(Password::typed(password), stored).await? {
        let write = desk.store.write(desk.now()).await?;
        write.commit(visitor_entry(Action::LogInRefused, "", visitor.origin.clone())).await?;
        return Err(AcceptError::WrongPassword);
    }
    if !factors::has_one(&mut desk.store.read().await?, person.id).await? {
        let mut write = desk.store.write(desk.now()).await?;
        // It may have come meanwhile.
        if factors::has_one(&mut write, person.id).await? {
            return Err(AcceptError::WrongCode);
        }
        attempt.succeeded(&mut write).await?;
        return Ok((write, None));
    }
    let guess = attempts::begin(desk, Tries::Factor(person.id), &visitor.origin).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let Some(proof) = factors::take(desk, &mut write, person.id, factor).await? else {
        let target = person.id.to_string();
        let mut entry = visitor_entry(Action::LogInRefused, &target, visitor.origin.clone());
        entry.detail = serde_json::json!({ "second_factor": "wrong" });
        write.commit(entry).await?;
        return Err(AcceptError::WrongCode);
    };
    attempt.succeeded(&mut write).await?;
    guess.succeeded(&mut write).await?;
    Ok((write, Some(proof)))
}

async fn newcomer(
    desk: &Desk,
    invitation: &Invitation,
    name: &str,
    password: &str,
) -> Result<NewPerson, AcceptError> {
    let email = invitation.email.clone();
    let name = accounts::person_name(name, &email)?;
    let personal =
        [invitation.account_name.as_str(), email.as_str(), email.local_part(), &name, "keydesk"];
    let password_hash =
        desk.passwords.hash(Password::chosen(password, &personal)?, &desk.entropy).await?;
    Ok(NewPerson { id: PersonId::generate(desk.now(), &desk.entropy), email, name, password_hash })
}

async fn add_or_find(
    write: &mut Write,
    known: Option<&Person>,
    newcomer: Option<NewPerson>,
) -> Result<(PersonId, String), AcceptError> {
    match (known, newcomer) {
        (Some(person), _) => {
            let current = write.find_person(person.id).await?.ok_or(AcceptError::Over)?;
            if current.version != person.version {
                return Err(AcceptError::WrongPassword);
            }
            Ok((person.id, person.name.clone()))
        }
        (None, Some(new)) => {
            write.add_person(&new).await?;
            Ok((new.id, new.name))
        }
        (None, None) => Err(AcceptError::Over),
    }
}
