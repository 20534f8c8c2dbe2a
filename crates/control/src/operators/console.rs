//! `/operator`: the instance's accounts.

use super::{
    Operator, Overview, find_account, invite_owner, list_accounts, open_account, set_plan,
    set_state,
};
use crate::{
    Desk,
    caller::Authenticated,
    chrome::{Chrome, Done, Nav, done, page, page_with},
    freshness::{FreshForm, Nothing},
    mail::send_test_mail,
    problem::Problem,
    say,
    when::When,
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{AccountNumber, AccountState, Timestamp};
use serde::Deserialize;

struct Row {
    number: AccountNumber,
    name: String,
    state: &'static str,
    since: Option<When>,
    plan: String,
    /// None: without a month's quota they are not counted.
    calls: Option<i64>,
    /// How much of the month's calls is used, in hundredths.
    used: Option<i64>,
    members: usize,
    api_tokens: i64,
}

impl Row {
    fn new(overview: Overview, now: Timestamp) -> Self {
        let Overview { account, plan, calls_this_month: calls, members, api_tokens, .. } = overview;
        let most = plan.as_ref().and_then(|plan| plan.monthly_quota);
        let most = most.and_then(|most| i64::try_from(most).ok()).filter(|most| *most > 0);
        Self {
            number: account.number,
            name: account.name,
            state: account.state.as_str(),
            since: account.state_since.map(|at| When::past(at, now)),
            plan: plan.map(|plan| plan.name).unwrap_or_default(),
            calls: most.map(|_| calls),
            used: most.map(|most| (calls.saturating_mul(100) / most).min(100)),
            members,
            api_tokens,
        }
    }
}

#[derive(Template)]
#[template(path = "operators/list.html")]
struct ListPage {
    chrome: Chrome,
    accounts: Vec<Row>,
    form: OpenForm,
    error: Option<String>,
    can_send: bool,
    /// The operator's own, for a test mail.
    email: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OpenForm {
    name: String,
    owner: String,
}

async fn list_page(
    desk: &Desk,
    operator: &Operator,
    form: OpenForm,
    error: Option<String>,
) -> Result<ListPage, Problem> {
    let now = desk.now();
    let accounts = list_accounts(desk, operator).await?;
    Ok(ListPage {
        chrome: operator.chrome(say("operator-title"), Nav::Operator),
        accounts: accounts.into_iter().map(|overview| Row::new(overview, now)).collect(),
        form,
        error,
        can_send: desk.mailer.can_send(),
        email: operator.person.email.to_string(),
    })
}

pub(crate) async fn list(
    State(desk): State<Desk>,
    operator: Operator,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let mut shown = list_page(&desk, &operator, OpenForm::default(), None).await?;
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

pub(crate) async fn open(
    State(desk): State<Desk>,
    fresh: FreshForm<OpenForm, Operator>,
) -> Result<Response, Problem> {
    let FreshForm { caller: operator, form } = fresh;
    match open_account(&desk, &operator, &form.name, &form.owner).await? {
        Ok(number) => {
            Ok(done(&format!("/operator/accounts/{number}"), "account_invited", None)
                .into_response())
        }
        Err(error) => {
            let shown = list_page(&desk, &operator, form, Some(error.to_string())).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

#[derive(Template)]
#[template(path = "operators/show.html")]
struct AccountPage {
    chrome: Chrome,
    row: Row,
    /// Which owner can be invited: the `first`, `another`, or none.
    invites: &'static str,
    /// Names of plans, and the chosen one.
    plans: Vec<String>,
    own_plan: String,
    default_plan: String,
    may_suspend: bool,
    may_close: bool,
    may_restore: bool,
    /// When nothing brings a closed account back any more.
    gone_at: Option<When>,
    endpoint_url: String,
    /// Whom an owner's invitation waits for, in an account that nobody has entered yet.
    invited: Option<String>,
    error: Option<String>,
    /// Issuer, domain, and whether it was confirmed.
    sign_on: Option<(String, String, bool)>,
}

fn number_in(path: &str) -> Result<AccountNumber, Problem> {
    path.parse().map_err(|_| Problem::not_found())
}

pub(crate) async fn show(
    State(desk): State<Desk>,
    operator: Operator,
    Path(number): Path<String>,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    Ok(page(&account_page(&desk, &operator, &number, &query).await?))
}

async fn account_page(
    desk: &Desk,
    operator: &Operator,
    number: &str,
    query: &Done,
) -> Result<AccountPage, Problem> {
    let overview = find_account(desk, operator, number_in(number)?).await?;
    let mut read = desk.store.read().await?;
    let waiting = read.list_invitations(overview.account.id, desk.now()).await?;
    drop(read);
    let (now, account) = (desk.now(), overview.account.clone());
    let may = |next| account.state.may_become(next);
    let closed_at = account.state_since.filter(|_| account.state == AccountState::Closed);
    let plans = &desk.settings.plans;
    Ok(AccountPage {
        invites: match (account.state, overview.members) {
            (AccountState::Open, 0) => "first",
            (AccountState::Open, _) if desk.mailer.can_send() => "another",
            _ => "",
        },
        chrome: operator
            .chrome(&account.name, Nav::Operator)
            .with_receipts_at(format!("/operator/accounts/{}/receipts", account.number))
            .with_notice(query),
        invited: waiting.first().map(|invitation| invitation.email.to_string()),
        error: None,
        plans: plans.all.iter().map(|plan| plan.name.clone()).collect(),
        default_plan: plans.default.clone().unwrap_or_default(),
        may_suspend: may(AccountState::Suspended),
        may_close: may(AccountState::Closed),
        may_restore: may(AccountState::Open),
        gone_at: closed_at.map(|at| When::future(at.plus(AccountState::GRACE), now)),
        endpoint_url: desk.settings.endpoint_url(account.number),
        own_plan: account.plan,
        sign_on: overview.sign_on.clone().map(|sign_on| {
            let domains = sign_on.domain_names().join(" ");
            let is_confirmed = sign_on.is_confirmed();
            (sign_on.issuer, domains, is_confirmed)
        }),
        row: Row::new(overview, now),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OwnerForm {
    owner: String,
}

pub(crate) async fn invite_again(
    State(desk): State<Desk>,
    Path(number): Path<String>,
    fresh: FreshForm<OwnerForm, Operator>,
) -> Result<Response, Problem> {
    let FreshForm { caller: operator, form } = fresh;
    match invite_owner(&desk, &operator, number_in(&number)?, &form.owner).await? {
        Ok(()) => {
            Ok(done(&format!("/operator/accounts/{number}"), "invited", None).into_response())
        }
        Err(error) => {
            let shown = account_page(&desk, &operator, &number, &Done::default()).await?;
            let error = Some(error.to_string());
            let shown = AccountPage { invited: Some(form.owner), error, ..shown };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

async fn change(
    desk: &Desk,
    operator: &Operator,
    number: &str,
    next: AccountState,
    told: &str,
) -> Result<Response, Problem> {
    let number = number_in(number)?;
    let receipt = set_state(desk, operator, number, next).await?;
    Ok(done(&format!("/operator/accounts/{number}"), told, receipt.as_ref()).into_response())
}

#[derive(Template)]
#[template(path = "operators/end.html")]
struct EndPage {
    chrome: Chrome,
    row: Row,
    closes: bool,
    /// When its tokens would end for good, were it closed now.
    gone_at: When,
}

async fn end_page(
    desk: &Desk,
    operator: &Operator,
    number: &str,
    closes: bool,
) -> Result<Response, Problem> {
    let overview = find_account(desk, operator, number_in(number)?).await?;
    let now = desk.now();
    let next = if closes { AccountState::Closed } else { AccountState::Suspended };
    if !overview.account.state.may_become(next) {
        return Err(Problem::not_found());
    }
    let title = say(if closes { "operator-close-it" } else { "operator-suspend-it" });
    Ok(page(&EndPage {
        chrome: operator.chrome(title, Nav::Operator),
        row: Row::new(overview, now),
        closes,
        gone_at: When::future(now.plus(AccountState::GRACE), now),
    }))
}

pub(crate) async fn suspend_page(
    State(desk): State<Desk>,
    operator: Operator,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    end_page(&desk, &operator, &number, false).await
}

pub(crate) async fn close_page(
    State(desk): State<Desk>,
    operator: Operator,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    end_page(&desk, &operator, &number, true).await
}

pub(crate) async fn suspend(
    State(desk): State<Desk>,
    Path(number): Path<String>,
    fresh: FreshForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    change(&desk, &fresh.caller, &number, AccountState::Suspended, "account_suspended").await
}

pub(crate) async fn close(
    State(desk): State<Desk>,
    Path(number): Path<String>,
    fresh: FreshForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    change(&desk, &fresh.caller, &number, AccountState::Closed, "account_closed").await
}

pub(crate) async fn restore(
    State(desk): State<Desk>,
    Path(number): Path<String>,
    fresh: FreshForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    change(&desk, &fresh.caller, &number, AccountState::Open, "account_restored").await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlanForm {
    plan: String,
}

pub(crate) async fn plan(
    State(desk): State<Desk>,
    Path(number): Path<String>,
    fresh: FreshForm<PlanForm, Operator>,
) -> Result<Response, Problem> {
    let FreshForm { caller: operator, form } = fresh;
    let number = number_in(&number)?;
    set_plan(&desk, &operator, number, &form.plan).await?;
    Ok(done(&format!("/operator/accounts/{number}"), "plan_set", None).into_response())
}

/// Sends the operator a mail while they wait, and says what the mail server says to it.
pub(crate) async fn send_test(
    State(desk): State<Desk>,
    fresh: FreshForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    match send_test_mail(&desk, fresh.caller.person.email.as_str()).await {
        Ok(()) => Ok(done("/operator", "mail_test_sent", None).into_response()),
        Err(error) => {
            Err(Problem::invalid(error.to_string()).leading_to("/operator", say("go-to-accounts")))
        }
    }
}
