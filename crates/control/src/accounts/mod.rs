//! Accounts: opening the first one, and switching between those that a person belongs to.

pub(crate) mod console;
mod cors_form;
mod limits;
pub(crate) mod limits_console;
mod sign_up;
pub(crate) mod sign_up_console;

pub(crate) use limits::give_plan;
pub use limits::{PlanError, set_plan};

use crate::{
    Desk, Told as _,
    attempts::HeldError,
    caller::{Caller, Visitor},
    passwords::{Password, PasswordError, TooBusy},
    problem::Problem,
    say,
    sessions::{self, Entered},
    tokens,
};
use keydesk_model::{
    AccountId, AccountName, AccountNumber, Action, Actor, Email, EmailError, MemberId, Origin,
    PersonId, Role, TokenName, TokenNameError,
};
use keydesk_store::{AuditEntry, NewMember, NewPerson, StoreError, Write};

/// What the first account is opened with, as typed.
pub struct FirstAccount {
    pub account: String,
    /// What to call the owner; the address's local part where empty.
    pub name: String,
    pub email: String,
    pub password: String,
}

impl std::fmt::Debug for FirstAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FirstAccount({:?})", self.account)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenAccountError {
    #[error("{}", say("wrong-account-name").with("why", .0.told()))]
    Account(TokenNameError),
    #[error("{}", say("wrong-name").with("why", .0.told()))]
    Name(TokenNameError),
    #[error("{}", say("wrong-email").with("why", .0.told()))]
    Email(EmailError),
    #[error("{}", say("wrong-password").with("why", .0))]
    Password(PasswordError),
    #[error("{}", say("sign-up-over"))]
    LinkOver,
    #[error("{}", say("account-exists"))]
    Exists,
    #[error("{}", say("hashing-busy"))]
    TooBusy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TooBusy> for OpenAccountError {
    fn from(_: TooBusy) -> Self {
        Self::TooBusy
    }
}

/// A new person has no earlier login to be limited by.
impl From<HeldError> for OpenAccountError {
    fn from(error: HeldError) -> Self {
        match error {
            HeldError::Store(error) => Self::Store(error),
            HeldError::Wait(_)
            | HeldError::LogIns(_)
            | HeldError::SignOns(_)
            | HeldError::Locked => Self::TooBusy,
        }
    }
}

/// Opens the first account with its owner; refuses where there is one. Returns its number.
pub async fn open_first_account(
    desk: &Desk,
    request: &FirstAccount,
    actor: Actor,
    origin: &Origin,
) -> Result<AccountNumber, OpenAccountError> {
    Ok(open(desk, request, Opening { actor, origin, visitor: None, sign_up: None }).await?.0)
}

/// By whom an account is opened.
struct Opening<'a> {
    actor: Actor,
    origin: &'a Origin,
    /// Who is to be logged in.
    visitor: Option<&'a Visitor>,
    /// The code of a sign-up. None: it is the first account, and the only one to be opened so.
    sign_up: Option<[u8; 32]>,
}

/// Opens it and, for someone at the console, logs them in.
async fn open(
    desk: &Desk,
    request: &FirstAccount,
    opening: Opening<'_>,
) -> Result<(AccountNumber, Option<Entered>), OpenAccountError> {
    let name: AccountName = request.account.parse().map_err(OpenAccountError::Account)?;
    let email: Email = request.email.parse().map_err(OpenAccountError::Email)?;
    let person_name = person_name(&request.name, &email).map_err(OpenAccountError::Name)?;
    let personal = [name.as_str(), email.as_str(), email.local_part(), &person_name, "keydesk"];
    let password =
        Password::chosen(&request.password, &personal).map_err(OpenAccountError::Password)?;
    let password_hash = desk.passwords.hash(password, &desk.entropy).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let Opening { actor, origin, visitor, sign_up } = opening;
    let may_open = match sign_up {
        Some(code) if !write.close_sign_up(code).await? => return Err(OpenAccountError::LinkOver),
        Some(_) => true,
        None => write.count_accounts().await? == 0,
    };
    if !may_open {
        return Err(OpenAccountError::Exists);
    }
    let now = write.now();
    let account = AccountId::generate(now, &desk.entropy);
    let number = add_account(desk, &mut write, account, &name).await?;
    let person = PersonId::generate(now, &desk.entropy);
    write
        .add_person(&NewPerson { id: person, email, name: person_name.clone(), password_hash })
        .await?;
    let member = join(desk, &mut write, (account, person), Role::Owner, &person_name).await?;
    let secret = match visitor {
        Some(visitor) => {
            Some(sessions::open_session(desk, &mut write, person, Some(account), visitor).await?)
        }
        None => None,
    };
    // Who sets the instance up administers it, too.
    if sign_up.is_none() && write.count_operators().await? == 0 {
        write.add_operator(person).await?;
        let detail = serde_json::json!({ "setup": true });
        write
            .audit(&AuditEntry {
                action: Action::AddOperator,
                actor: actor.clone(),
                origin: origin.clone(),
                account: None,
                target: person.to_string(),
                detail,
            })
            .await?;
    }
    let entry = AuditEntry {
        action: Action::OpenAccount,
        actor,
        origin: origin.clone(),
        account: Some(account),
        target: account.to_string(),
        detail: serde_json::json!({ "after": { "name": name.as_str(), "number": number.to_string(), "owner": member } }),
    };
    write.commit(entry).await?;
    Ok((number, secret))
}

/// Tries random numbers until one is free.
pub(crate) async fn add_account(
    desk: &Desk,
    write: &mut Write,
    id: AccountId,
    name: &AccountName,
) -> Result<AccountNumber, StoreError> {
    for _ in 0..100 {
        let number = AccountNumber::from_random(u32::from_le_bytes(desk.entropy.bytes()));
        match write.add_account(id, number, name).await {
            Err(StoreError::Conflict) => {}
            added => return added.map(|()| number),
        }
    }
    Err(StoreError::Conflict)
}

/// What to call someone: as they say, or as their address begins.
pub(crate) fn person_name(typed: &str, email: &Email) -> Result<String, TokenNameError> {
    let typed = if typed.trim().is_empty() { email.local_part() } else { typed };
    typed.parse::<TokenName>().map(|name| name.to_string())
}

/// Makes a person a member, with a bearer token where the role has one.
pub(crate) async fn join(
    desk: &Desk,
    write: &mut Write,
    (account, person): (AccountId, PersonId),
    role: Role,
    name: &str,
) -> Result<MemberId, StoreError> {
    let id = MemberId::generate(write.now(), &desk.entropy);
    write.add_member(NewMember { id, account, person, role }).await?;
    // Another invitation would let them in again, whatever becomes of this membership.
    write.close_invitations_to(account, person).await?;
    if role.may(keydesk_model::Right::UseApiDocs) {
        tokens::issue_bearer_token(desk, write, account, id, name).await?;
    }
    Ok(id)
}

/// Moves the caller's session to another of their accounts.
pub(crate) async fn switch(desk: &Desk, caller: &Caller, to: AccountId) -> Result<(), Problem> {
    if !caller.accounts.iter().any(|account| account.id == to) {
        return Err(Problem::not_found());
    }
    let (mut write, caller) = desk.write_as(caller).await?;
    write.set_session_account(caller.session.id, to).await?;
    write.commit(caller.entry(Action::SwitchAccount, to, serde_json::json!({}))).await?;
    Ok(())
}
