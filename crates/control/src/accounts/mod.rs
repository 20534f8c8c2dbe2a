//! Accounts: creating the first one, and switching between the accounts of a user.

pub(crate) mod api;
pub(crate) mod console;
pub(crate) mod console_links;
pub(crate) mod limits;
pub(crate) mod sign_up;

use crate::{
    AppState,
    passwords::Password,
    principal::{AnonymousUser, Caller},
    refusal::{At as _, Code, Refusal},
    sessions::{self, NewLogin},
    tokens,
};
use keydesk_model::{
    AccountId, AccountName, AccountNumber, Actor, Email, Event, MemberId, Origin, Role, TokenName,
    TokenNameError, UserId, audit::NewAccount,
};
use keydesk_store::{AuditEntry, NewMember, NewUser, StoreError, Write};
use std::sync::PoisonError;

pub(crate) async fn has_any(app: &AppState) -> Result<bool, Refusal> {
    Ok(app.store.read().await?.count_accounts().await? > 0)
}

/// Checks that the code of the setup link can create the first account now.
pub(crate) async fn check_setup(app: &AppState, code: &str) -> Result<(), Refusal> {
    let accepts = {
        let setup = app.setup.lock().unwrap_or_else(PoisonError::into_inner);
        setup.as_ref().is_some_and(|setup| setup.accepts(code, app.now()))
    };
    if accepts && !has_any(app).await? { Ok(()) } else { Err(Code::SetupExpired.into()) }
}

/// Invalidates the setup link after its use.
pub(crate) fn end_setup(app: &AppState) {
    *app.setup.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// The form values with which the first account is created.
pub struct FirstAccount {
    pub account: String,
    /// The owner's name. If empty, the local part of the email address is used.
    pub name: String,
    pub email: String,
    pub password: String,
}

impl std::fmt::Debug for FirstAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FirstAccount({:?})", self.account)
    }
}

/// Creates the first account with its owner and returns its number. Fails if an account exists.
pub async fn open_first_account(
    app: &AppState,
    request: &FirstAccount,
    actor: Actor,
    origin: &Origin,
) -> Result<AccountNumber, Refusal> {
    Ok(open(app, request, Opening { actor, origin, visitor: None, sign_up: None }).await?.0)
}

/// The circumstances in which an account is created.
struct Opening<'a> {
    actor: Actor,
    origin: &'a Origin,
    /// The browser to log in.
    visitor: Option<&'a AnonymousUser>,
    /// The code of a sign-up, or `None` for the first account, the only one created without a code.
    sign_up: Option<[u8; 32]>,
}

/// Creates the account and logs its owner in if `visitor` is set.
async fn open(
    app: &AppState,
    request: &FirstAccount,
    opening: Opening<'_>,
) -> Result<(AccountNumber, Option<NewLogin>), Refusal> {
    let name: AccountName = request.account.parse::<AccountName>().at("account")?;
    let email: Email = request.email.parse()?;
    let user_name = user_name(&request.name, &email).at("name")?;
    let personal = [name.as_str(), email.as_str(), email.local_part(), &user_name, "keydesk"];
    let password = Password::chosen(&request.password, &personal)?;
    let password_hash = app.passwords.hash(password, &app.entropy).await?;
    let mut write = app.store.write(app.now()).await?;
    let Opening { actor, origin, visitor, sign_up } = opening;
    let may_open = match sign_up {
        Some(code) if !write.close_sign_up(code).await? => return Err(Code::SignUpExpired.into()),
        Some(_) => true,
        None => write.count_accounts().await? == 0,
    };
    if !may_open {
        return Err(Code::AccountExists.into());
    }
    let now = write.now();
    let account = AccountId::generate(now, &app.entropy);
    let number = add_account(app, &mut write, account, &name).await?;
    let user = UserId::generate(now, &app.entropy);
    write.add_user(&NewUser { id: user, email, name: user_name.clone(), password_hash }).await?;
    let member = join(app, &mut write, (account, user), Role::Owner, &user_name).await?;
    let secret = match visitor {
        Some(visitor) => {
            Some(sessions::open_session(app, &mut write, user, Some(account), visitor).await?)
        }
        None => None,
    };
    // The user who sets up the instance also becomes an operator.
    if sign_up.is_none() && write.count_operators().await? == 0 {
        write.add_operator(user).await?;
        write
            .audit(&AuditEntry {
                event: Event::OperatorAdded { is_first: true },
                actor: actor.clone(),
                origin: origin.clone(),
                account: None,
                target: user.to_string(),
            })
            .await?;
    }
    let after = NewAccount {
        name: name.to_string(),
        number: number.to_string(),
        owner: Some(member),
        owner_invited: None,
    };
    let entry = AuditEntry {
        event: Event::AccountCreated { after },
        actor,
        origin: origin.clone(),
        account: Some(account),
        target: account.to_string(),
    };
    write.commit(entry).await?;
    Ok((number, secret))
}

/// Tries random numbers until one is unused.
pub(crate) async fn add_account(
    app: &AppState,
    write: &mut Write,
    id: AccountId,
    name: &AccountName,
) -> Result<AccountNumber, StoreError> {
    for _ in 0..100 {
        let number = AccountNumber::from_random(u32::from_le_bytes(app.entropy.bytes()));
        match write.add_account(id, number, name).await {
            Err(StoreError::Conflict) => {}
            added => return added.map(|()| number),
        }
    }
    Err(StoreError::Conflict)
}

/// Returns the name of a user: the entered one, or the local part of the email address if it is empty.
pub(crate) fn user_name(typed: &str, email: &Email) -> Result<String, TokenNameError> {
    let typed = if typed.trim().is_empty() { email.local_part() } else { typed };
    typed.parse::<TokenName>().map(|name| name.to_string())
}

/// Makes a user a member, with a bearer token if the role permits one.
pub(crate) async fn join(
    app: &AppState,
    write: &mut Write,
    (account, user): (AccountId, UserId),
    role: Role,
    name: &str,
) -> Result<MemberId, StoreError> {
    let id = MemberId::generate(write.now(), &app.entropy);
    write.add_member(NewMember { id, account, user, role }).await?;
    // Another open invitation would let the user rejoin after this membership ends.
    write.close_invitations_to(account, user).await?;
    if role.may(keydesk_model::Permission::UseApiDocs) {
        tokens::issue_bearer_token(app, write, account, id, name).await?;
    }
    Ok(id)
}

/// Switches the caller's session to another of their accounts.
pub(crate) async fn switch(app: &AppState, caller: &Caller, to: AccountId) -> Result<(), Refusal> {
    if !caller.accounts.iter().any(|account| account.id == to) {
        return Err(Code::NotFound.into());
    }
    let (mut write, caller) = caller.begin_as_member(app).await?;
    write.set_session_account(caller.session()?.id, to).await?;
    write.commit(caller.entry(Event::SessionAccountSwitched {}, to)).await?;
    Ok(())
}
