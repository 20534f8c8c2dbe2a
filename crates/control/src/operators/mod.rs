//! Operators: people who administer the instance. They open accounts, give them plans, suspend, close and
//! restore them, and never see a token. Here is decided what may be done to an account.

pub(crate) mod console;
pub(crate) mod instance;
mod open;

pub(crate) use open::{invite_owner, open_account};

use crate::AppState;
use crate::accounts;
use crate::door::caller::{Authenticated, admit};
use crate::door::layout::{Nav, PageLayout};
use crate::factors;
use crate::door::language::label;
use crate::mail::Message;
use crate::door::page_for;
use crate::passwords::{Password, PasswordError, TooBusy};
use crate::door::problem::Problem;
use crate::receipts::Issued;
use crate::sessions;
use crate::door::language::text;
use crate::tokens;
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use keydesk_model::{
    AccountId, AccountNumber, AccountState, Actor, Email, EmailError, Event, Month, Origin, Plan,
    RevocationReason, Role, Timestamp, TokenNameError, UserId,
};
use keydesk_store::{
    Account, AuditEntry, Member, NewUser, Session, Sso, Store, StoreError, User, Write,
};

/// A user with a session who is an operator now.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub user: User,
    pub session: Session,
    /// Whether they belong to an account as well.
    pub is_member: bool,
    /// The operator's configuration asks for a second factor, and they have none.
    pub must_add_factor: bool,
    pub origin: Origin,
}

impl Operator {
    pub fn entry(&self, event: Event, account: AccountId, detail: serde_json::Value) -> AuditEntry {
        AuditEntry { account: Some(account), ..self.own_entry(event, account.to_string(), detail) }
    }
}

impl Authenticated for Operator {
    fn user(&self) -> &User {
        &self.user
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn own_entry(&self, event: Event, target: String, detail: serde_json::Value) -> AuditEntry {
        let actor = Actor::Operator { user: Some(self.user.id) };
        AuditEntry { event, actor, origin: self.origin.clone(), account: None, target, detail }
    }

    fn chrome(&self, title: impl Into<String>, nav: Nav) -> PageLayout {
        PageLayout::of_operator(self, title, nav)
    }
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let origin = crate::door::caller::origin(parts);
        let found = sessions::find_user(app, &parts.headers, &origin).await;
        let Some((session, user)) = found.map_err(IntoResponse::into_response)? else {
            return Err(crate::door::caller::to_log_in(parts));
        };
        let looked_up = async {
            let mut read = app.store.read().await?;
            let is_member = !read.list_accounts_of(user.id, session.created_at).await?.is_empty();
            let is_required = app.settings.users.require_two_factor;
            let must_add_factor = is_required && !factors::has_one(&mut read, user.id).await?;
            Ok::<_, StoreError>((read.is_operator(user.id).await?, is_member, must_add_factor))
        };
        let (is_operator, is_member, must_add_factor) =
            looked_up.await.map_err(|error| Problem::from(error).into_response())?;
        if !is_operator {
            return Err(no_operator().into_response());
        }
        page_for::check_user(parts, &user)?;
        admit(must_add_factor, parts)?;
        Ok(Self { user, session, is_member, must_add_factor, origin })
    }
}

fn no_operator() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, text("operators-only"), text("operators-only-why"))
}

/// A write transaction for an operator, who is looked up anew in it.
pub(crate) async fn write_as(app: &AppState, operator: &Operator) -> Result<Write, Problem> {
    let mut write = app.store.write(app.now()).await?;
    if !write.is_session_open(operator.session.id).await?
        || !write.is_operator(operator.user.id).await?
    {
        return Err(no_operator());
    }
    Ok(write)
}

/// An account as an operator sees it: nothing of its tokens but how many there are.
#[derive(Debug)]
pub(crate) struct Overview {
    pub account: Account,
    pub plan: Option<Plan>,
    pub requests_this_month: i64,
    pub members: usize,
    pub api_tokens: i64,
    /// That waits for the operator, or was confirmed.
    pub sso: Option<Sso>,
}

pub(crate) async fn list_accounts(app: &AppState, _: &Operator) -> Result<Vec<Overview>, Problem> {
    let mut read = app.store.read().await?;
    let mut overviews = Vec::new();
    for account in read.list_accounts().await? {
        overviews.push(overview(app, &mut read, account).await?);
    }
    Ok(overviews)
}

pub(crate) async fn find_account(
    app: &AppState,
    _: &Operator,
    number: AccountNumber,
) -> Result<Overview, Problem> {
    let mut read = app.store.read().await?;
    let account = read.find_account_by_number(number).await?.ok_or_else(Problem::not_found)?;
    overview(app, &mut read, account).await
}

async fn overview(
    app: &AppState,
    read: &mut keydesk_store::Read,
    account: Account,
) -> Result<Overview, Problem> {
    let now = app.now();
    Ok(Overview {
        plan: app.settings.plans.of(&account.plan).cloned(),
        requests_this_month: read.count_requests(account.number, Month::of(now)).await?,
        members: read.list_members(account.id).await?.len(),
        api_tokens: read.count_live_api_tokens(account.id, now).await?,
        sso: read.find_sso(account.id).await?,
        account,
    })
}

/// Suspends, closes or restores an account. Its tokens are rejected, or served again, by every gateway that
/// the receipt names.
pub(crate) async fn set_state(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
    next: AccountState,
) -> Result<Option<Issued>, Problem> {
    // Closing sets the time for what cannot be undone: nobody knows it while clocks disagree.
    let clock = app.nodes.clock.as_ref().filter(|_| next == AccountState::Closed);
    if let Some(wrong) = clock.and_then(|clock| clock.certain().err()) {
        return Err(Problem::wrong_clock(wrong));
    }
    let mut write = write_as(app, operator).await?;
    let found = write.find_account_by_number(number).await?;
    let mut account = found.ok_or_else(Problem::not_found)?;
    let before = account.state;
    if !before.may_become(next) {
        let [now, wanted] = [before, next].map(|state| label("state", state.as_str()));
        let detail = text("wrong-state").with("now", now).with("wanted", wanted);
        return Err(Problem::invalid(detail).redirect_to("/operator", text("go-to-accounts")));
    }
    write.set_account_state(&mut account, next).await?;
    let event = match next {
        AccountState::Suspended => Event::AccountSuspended,
        AccountState::Closed => Event::AccountClosed,
        _ => Event::AccountRestored,
    };
    let detail = serde_json::json!({ "before": { "state": before }, "after": { "state": next } });
    let entry = operator.entry(event, account.id, detail);
    let owners = owners_of(&mut write, account.id).await?;
    // A receipt says who rejects: of a restored account nobody does.
    let receipt = if next == AccountState::Active {
        write.commit(entry).await?;
        None
    } else {
        app.commit_with_receipt(write, entry).await?
    };
    for owner in owners {
        let message = Message::to(owner.language, || Message::account_state(&account.name, next));
        app.send_mail(&owner.email, message);
    }
    Ok(receipt)
}

async fn owners_of(write: &mut Write, account: AccountId) -> Result<Vec<Member>, StoreError> {
    let members = write.list_members(account).await?.into_iter();
    Ok(members.filter(|member| member.role == Role::Owner).collect())
}

/// Gives an account one of the configured plans; an empty name is the default one's.
pub(crate) async fn set_plan(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
    plan: &str,
) -> Result<(), Problem> {
    let is_known = app.settings.plans.all.iter().any(|known| known.name == plan);
    if !is_known && !plan.is_empty() {
        return Err(Problem::invalid(text("no-such-plan")));
    }
    let mut write = write_as(app, operator).await?;
    let account = write.find_account_by_number(number).await?.ok_or_else(Problem::not_found)?;
    let entry = accounts::give_plan(&mut write, account, plan, |account, detail| {
        operator.entry(Event::AccountLimited, account, detail)
    });
    let entry = entry.await?;
    write.commit(entry).await?;
    Ok(())
}

/// Ends for good what belongs to accounts whose grace is over; how many. By the database's clock, too.
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
        for token in write.list_api_tokens(account.id, u32::MAX >> 1).await? {
            ended += u32::from(write.end_secret(token.id, RevocationReason::AccountClosed).await?);
        }
        let members = write.list_members(account.id).await?;
        for member in &members {
            tokens::end_bearer_token(&mut write, member.id, RevocationReason::AccountClosed)
                .await?;
            write.remove_member(member.id).await?;
        }
        // Another account may have its domain now.
        write.remove_sso(account.id).await?;
        write.set_account_state(&mut account, AccountState::Purged).await?;
        let entry = AuditEntry {
            event: Event::AccountPurged,
            actor: Actor::Node,
            origin: Origin::default(),
            account: Some(account.id),
            target: account.id.to_string(),
            detail: serde_json::json!({ "api_tokens_ended": ended, "members_removed": members.len() }),
        };
        write.commit(entry).await?;
    }
    Ok(count)
}

#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("E-mail: {0}")]
    Email(#[from] EmailError),
    #[error("Name: {0}")]
    Name(#[from] TokenNameError),
    #[error("Password: {0}")]
    Password(#[from] PasswordError),
    #[error("{0} is new here: give a password for them on standard input, with --password-stdin")]
    NoPassword(Email),
    #[error("{0} is an operator already")]
    IsOne(Email),
    #[error("{0} is no operator")]
    IsNone(Email),
    #[error("{0} is the last operator; create another one first")]
    Last(Email),
    #[error("too many passwords are being hashed at this moment; try again")]
    TooBusy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TooBusy> for OperatorError {
    fn from(_: TooBusy) -> Self {
        Self::TooBusy
    }
}

/// Whether somebody had no log-in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsNew {
    Yes,
    /// Their password stays as it was.
    No,
}

/// Makes someone an operator; who is new here gets a log-in with this password.
pub async fn create_operator(
    app: &AppState,
    email: &str,
    name: &str,
    password: Option<&str>,
) -> Result<IsNew, OperatorError> {
    let email: Email = email.parse()?;
    let known = app.store.read().await?.find_user_by_email(&email).await?;
    let newcomer = match (&known, password) {
        (Some(_), _) => None,
        (None, None) => return Err(OperatorError::NoPassword(email)),
        (None, Some(password)) => {
            let name = accounts::user_name(name, &email)?;
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
    let Some(user) = user else { return Err(OperatorError::NoPassword(email)) };
    match write.add_operator(user).await {
        Err(StoreError::Conflict) => return Err(OperatorError::IsOne(email)),
        added => added?,
    }
    write.commit(at_the_server(Event::OperatorAdded, user)).await?;
    Ok(is_new)
}

/// Takes an operator's rights; their log-in and memberships stay.
pub async fn remove_operator(app: &AppState, email: &str) -> Result<(), OperatorError> {
    let email: Email = email.parse()?;
    let mut write = app.store.write(app.now()).await?;
    let user = write.find_user_by_email(&email).await?;
    let Some(user) = user else { return Err(OperatorError::IsNone(email)) };
    if !write.remove_operator(user.id).await? {
        return Err(OperatorError::IsNone(email));
    }
    if write.count_operators().await? == 0 {
        return Err(OperatorError::Last(email));
    }
    write.commit(at_the_server(Event::OperatorRemoved, user.id)).await?;
    Ok(())
}

/// An act of the operator who runs a command at the server.
pub(crate) fn at_the_server(event: Event, user: UserId) -> AuditEntry {
    AuditEntry {
        event,
        actor: Actor::Operator { user: None },
        origin: Origin::default(),
        account: None,
        target: user.to_string(),
        detail: serde_json::json!({}),
    }
}
