//! Operators: users who administer the instance. They open accounts, assign plans, suspend, close, and restore
//! accounts, and never see a token. This module checks which changes to an account are permitted.

pub(crate) mod api;
pub(crate) mod console;
pub(crate) mod instance;
mod open;
mod plan;
pub(crate) mod usage;

pub(crate) use open::{invite_owner, open_account};
pub use plan::set_plan_at_server;
pub(crate) use plan::{list_clients_beyond_plan, set_plan};

use crate::{
    AppState, accounts,
    mail::{Message, members_with},
    passwords::Password,
    principal::{Administrator, Operator},
    receipts::Issued,
    refusal::{At as _, Code, Refusal, Value},
    tokens::{self, ObservedClient},
};
use keydesk_model::{
    AccountId, AccountName, AccountNumber, AccountState, Actor, Email, Event, Month,
    OperatorPermission, Origin, RevocationReason, Role, Timestamp, UserId,
    audit::{AccountStateDetail, NameDetail},
};
use keydesk_store::{AccountOverview, AccountSearch, AuditEntry, NewUser, Sso, Store, StoreError};

/// An account as shown to operators, who see only the number of its tokens.
#[derive(Debug)]
pub(crate) struct Overview {
    pub found: AccountOverview,
    /// The single sign-on settings, pending or approved.
    pub sso: Option<Sso>,
}

/// Returns a page of the accounts whose name or number contains `text`, and whether more follow.
pub(crate) async fn list_accounts(
    app: &AppState,
    operator: &Operator,
    (text, after): (&str, Option<AccountNumber>),
    limit: u32,
) -> Result<(Vec<AccountOverview>, bool), Refusal> {
    operator.permit(OperatorPermission::SeeAccounts)?;
    let now = app.now();
    let search = AccountSearch { text: text.to_owned(), after, limit: limit + 1 };
    let mut read = app.store.read().await?;
    let mut found = read.search_accounts(&search, (now, Month::of(now))).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    Ok((found, has_more))
}

pub(crate) async fn find_account(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
) -> Result<Overview, Refusal> {
    operator.permit(OperatorPermission::SeeAccounts)?;
    let now = app.now();
    let mut read = app.store.read().await?;
    let account = read.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    let members = read.list_members(account.id).await?.len();
    Ok(Overview {
        sso: read.find_sso(account.id).await?,
        found: AccountOverview {
            members: i64::try_from(members).unwrap_or(i64::MAX),
            api_tokens: read.count_live_api_tokens(account.id, now).await?,
            requests: read.count_requests(account.number, Month::of(now)).await?,
            account,
        },
    })
}

/// Returns the number of the account with an ID as text.
pub(crate) async fn find_number(
    app: &AppState,
    operator: &Operator,
    id: &str,
) -> Result<AccountNumber, Refusal> {
    operator.permit(OperatorPermission::SeeAccounts)?;
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let found = app.store.read().await?.find_account(id).await?;
    Ok(found.ok_or(Code::NotFound)?.number)
}

/// Returns the clients that used any token of an account in the last 30 days, at most 1,000.
pub(crate) async fn list_clients_of_account(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
) -> Result<Vec<ObservedClient>, Refusal> {
    operator.permit(OperatorPermission::SeeAccounts)?;
    let account = app.store.read().await?.find_account_by_number(number).await?;
    let account = account.ok_or(Code::NotFound)?;
    Ok(tokens::list_clients_of_account(app, account.id).await?)
}

/// Renames an account.
pub(crate) async fn rename_account(
    app: &AppState,
    operator: &Operator,
    (number, name): (AccountNumber, &str),
) -> Result<(), Refusal> {
    let name = name.parse::<AccountName>().at("name")?;
    let administrator = Administrator::Operator(operator);
    let mut write =
        administrator.begin((&app.store, app.now()), OperatorPermission::ManageAccounts).await?;
    let account = write.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    write.rename_account(account.id, name.as_str()).await?;
    let (before, after) = (NameDetail::of(&account.name), NameDetail::of(name.as_str()));
    write.commit(administrator.entry(Event::AccountRenamed { before, after }, account.id)).await?;
    Ok(())
}

/// Returns the address of an account's newest pending invitation.
pub(crate) async fn find_invited(
    app: &AppState,
    operator: &Operator,
    account: AccountId,
) -> Result<Option<Email>, Refusal> {
    operator.permit(OperatorPermission::SeeAccounts)?;
    let waiting = app.store.read().await?.list_invitations(account, app.now()).await?;
    Ok(waiting.into_iter().next().map(|invitation| invitation.email))
}

/// Suspends, closes, or restores an account. Its tokens are rejected, or accepted again, by every gateway that the
/// receipt names.
pub(crate) async fn set_state(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
    next: AccountState,
) -> Result<Option<Issued>, Refusal> {
    // Closing sets the time of an irreversible step, which can't be determined while clocks disagree.
    let clock = app.nodes.clock.as_ref().filter(|_| next == AccountState::Closed);
    if let Some(wrong) = clock.and_then(|clock| clock.certain().err()) {
        return Err(wrong.into());
    }
    let mut write = Administrator::Operator(operator)
        .begin((&app.store, app.now()), OperatorPermission::ManageAccounts)
        .await?;
    let found = write.find_account_by_number(number).await?;
    let mut account = found.ok_or(Code::NotFound)?;
    let before = account.state;
    if !before.may_become(next) {
        let name = |state: AccountState| Value::Name { kind: "state", name: state.as_str() };
        let refusal = Refusal::new(Code::WrongAccountState).with("now", name(before));
        return Err(refusal.with("wanted", name(next)));
    }
    write.set_account_state(&mut account, next).await?;
    let [before, after] = [before, next].map(|state| AccountStateDetail { state });
    let event = match next {
        AccountState::Suspended => Event::AccountSuspended { before, after },
        AccountState::Closed => Event::AccountClosed { before, after },
        _ => Event::AccountRestored { before, after },
    };
    let entry = Administrator::Operator(operator).entry(event, account.id);
    let owners = members_with(&mut write, account.id, |role| role == Role::Owner).await?;
    let message = || Message::account_state(&account.name, next);
    app.add_mail_to(&mut write, &owners, message).await?;
    // A receipt names the gateways that reject, and none rejects a restored account.
    if next == AccountState::Active {
        write.commit(entry).await?;
        return Ok(None);
    }
    Ok(app.commit_with_receipt(write, entry).await?)
}

/// Purges the closed accounts whose time for restoration (`AccountState::GRACE`) has ended, by the database's clock,
/// too, and returns how many.
pub async fn forget_closed_accounts(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    let closed = store.read().await?.list_closed_before(now.minus(AccountState::GRACE)).await?;
    let mut count = 0;
    for mut account in closed {
        let mut write = store.write(now).await?;
        let due = write.database_now().minus(AccountState::GRACE);
        if account.state_since.is_none_or(|since| since > due) {
            continue;
        }
        count += 1;
        let mut ended = 0;
        // At the beginning of time, none has expired.
        for token in write.list_active_api_tokens(account.id, Timestamp::default()).await? {
            ended += u32::from(write.end_secret(token.id, RevocationReason::AccountClosed).await?);
        }
        let members = write.list_members(account.id).await?;
        for member in &members {
            tokens::end_bearer_token(&mut write, member.id, RevocationReason::AccountClosed)
                .await?;
            write.revoke_management_keys_of(member.id).await?;
            write.remove_member(member.id).await?;
        }
        // Another account may use its domain from now on.
        write.remove_sso(account.id).await?;
        write.remove_webhooks_of(account.id).await?;
        write.set_account_state(&mut account, AccountState::Purged).await?;
        let entry = AuditEntry {
            event: Event::AccountPurged {
                api_tokens_revoked: ended,
                members_removed: members.len(),
            },
            actor: Actor::Node,
            origin: Origin::default(),
            account: Some(account.id),
            target: account.id.to_string(),
        };
        write.commit(entry).await?;
    }
    Ok(count)
}

/// Whether a user is new to the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsNew {
    Yes,
    /// The user keeps their password.
    No,
}

/// Makes a user an operator; a new user gets a login with this password.
pub async fn create_operator(
    app: &AppState,
    email: &str,
    name: &str,
    password: Option<&str>,
) -> Result<IsNew, Refusal> {
    let email: Email = email.parse()?;
    let known = app.store.read().await?.find_user_by_email(&email).await?;
    let newcomer = match (&known, password) {
        (Some(_), _) => None,
        (None, None) => return Err(Refusal::new(Code::MissingPassword).with_text("email", email)),
        (None, Some(password)) => {
            let name = accounts::user_name(name, &email).at("name")?;
            let personal = [email.as_str(), email.local_part(), &name, "keydesk"];
            let chosen = Password::chosen(password, &personal)?;
            let password_hash = app.passwords.hash(chosen, &app.entropy).await?;
            let id = UserId::generate(app.now(), &app.entropy);
            Some(NewUser { id, email: email.clone(), name, password_hash })
        }
    };
    let mut write = app.store.write(app.now()).await?;
    if let Some(new) = &newcomer {
        write.add_user(new).await?;
    }
    let is_new = if known.is_some() { IsNew::No } else { IsNew::Yes };
    let user = known.map(|user| user.id).or(newcomer.map(|new| new.id));
    let Some(user) = user else {
        return Err(Refusal::new(Code::MissingPassword).with_text("email", email));
    };
    match write.add_operator(user).await {
        Err(StoreError::Conflict) => {
            return Err(Refusal::new(Code::AlreadyOperator).with_text("email", email));
        }
        added => added?,
    }
    let added = Event::OperatorAdded { is_first: false };
    write.commit(Administrator::Server.instance_entry(added, user)).await?;
    Ok(is_new)
}

/// Removes an operator's rights; their login and memberships remain.
pub async fn remove_operator(app: &AppState, email: &str) -> Result<(), Refusal> {
    let email: Email = email.parse()?;
    let mut write = app.store.write(app.now()).await?;
    let user = write.find_user_by_email(&email).await?;
    let Some(user) = user else {
        return Err(Refusal::new(Code::NotAnOperator).with_text("email", email));
    };
    if !write.remove_operator(user.id).await? {
        return Err(Refusal::new(Code::NotAnOperator).with_text("email", email));
    }
    write.revoke_management_keys_of_operator(user.id).await?;
    if write.count_operators().await? == 0 {
        return Err(Refusal::new(Code::LastOperator).with_text("email", email));
    }
    let removed = Event::OperatorRemoved {};
    write.commit(Administrator::Server.instance_entry(removed, user.id)).await?;
    Ok(())
}
