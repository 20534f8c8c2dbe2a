//! `/operator`: the instance's accounts.

use super::{
    Overview, find_account, find_invited, invite_owner, list_accounts, list_clients_beyond_plan,
    list_clients_of_account, open_account, set_plan, set_state,
};
use crate::{
    AppState,
    consequences::console::Question,
    door::{
        caller::SignedIn,
        form_error::FormError,
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        list_query::{ListQuery, PAGE},
        problem::Problem,
        reauth::{Nothing, ReauthForm},
        when::When,
    },
    mail::send_test_mail,
    principal::{Administrator, Operator},
    refusal::{Code, Kind, Refusal},
    tokens::ObservedClient,
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{AccountNumber, AccountState, Timestamp};
use keydesk_store::AccountOverview;
use serde::Deserialize;

struct Row {
    number: AccountNumber,
    name: String,
    state: &'static str,
    since: Option<When>,
    plan: String,
    /// `None` without a monthly quota, since requests are not counted then.
    requests: Option<i64>,
    /// The used share of the monthly quota, in hundredths.
    used: Option<i64>,
    members: i64,
    api_tokens: i64,
}

impl Row {
    fn new(app: &AppState, found: AccountOverview, now: Timestamp) -> Self {
        let AccountOverview { account, requests, members, api_tokens } = found;
        let plan = app.settings.plans.of(&account.plan).cloned();
        let most = plan.as_ref().and_then(|plan| plan.monthly_quota);
        let most = most.and_then(|most| i64::try_from(most).ok()).filter(|most| *most > 0);
        Self {
            number: account.number,
            name: account.name,
            state: account.state.as_str(),
            since: account.state_since.map(|at| When::past(at, now)),
            plan: plan.map(|plan| plan.name).unwrap_or_default(),
            requests: most.map(|_| requests),
            used: most.map(|most| (requests.saturating_mul(100) / most).min(100)),
            members,
            api_tokens,
        }
    }
}

#[derive(Template)]
#[template(path = "operators/list.html")]
struct ListPage {
    chrome: PageLayout,
    accounts: Vec<Row>,
    /// The text in the search field, if there is one.
    search: Option<String>,
    /// The link to the next page.
    next: Option<String>,
    form: OpenForm,
    error: FormError,
    can_send: bool,
    /// The operator's own address, for a test mail.
    email: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OpenForm {
    name: String,
    owner: String,
}

async fn list_page(
    app: &AppState,
    operator: &Operator,
    query: ListQuery,
    form: OpenForm,
    error: FormError,
) -> Result<ListPage, Problem> {
    let now = app.now();
    let wanted = query.text();
    let (accounts, has_more) =
        list_accounts(app, operator, (&wanted, query.after()?), PAGE).await?;
    let last = accounts.last().filter(|_| has_more).map(|last| last.account.number);
    let next = last.map(|last| query.next("/operator", &last));
    Ok(ListPage {
        search: query.field(next.is_some()),
        next,
        chrome: operator.chrome(text("operator-title"), Nav::Operator),
        accounts: accounts.into_iter().map(|found| Row::new(app, found, now)).collect(),
        form,
        error,
        can_send: app.mailer.can_send(),
        email: operator.user.email.to_string(),
    })
}

pub(crate) async fn list(
    State(app): State<AppState>,
    operator: Operator,
    Query(done): Query<Done>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let (form, error) = (OpenForm::default(), FormError::default());
    let mut shown = list_page(&app, &operator, query, form, error).await?;
    shown.chrome = shown.chrome.with_notice(&done);
    Ok(page(&shown))
}

pub(crate) async fn open(
    State(app): State<AppState>,
    fresh: ReauthForm<OpenForm, Operator>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: operator, form, .. } = fresh;
    match open_account(&app, &operator, &form.name, &form.owner).await {
        Ok(number) => {
            Ok(done(&format!("/operator/accounts/{number}"), "account_invited", None)
                .into_response())
        }
        Err(refusal) if refusal.kind() != Kind::Invalid => Err(refusal.into()),
        Err(refusal) => {
            let error = FormError::new(&refusal, &["name", "owner"]);
            let shown = list_page(&app, &operator, ListQuery::default(), form, error).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

#[derive(Template)]
#[template(path = "operators/show.html")]
struct AccountPage {
    chrome: PageLayout,
    row: Row,
    /// The owner who can be invited: `first`, `another`, or none.
    invites: &'static str,
    /// The names of the plans, followed by the chosen one.
    plans: Vec<String>,
    own_plan: String,
    default_plan: String,
    may_suspend: bool,
    may_close: bool,
    may_restore: bool,
    /// The time from which a closed account can't be restored.
    gone_at: Option<When>,
    endpoint_url: String,
    /// The address that the owner's invitation was sent to, in an account that has no members yet.
    invited: Option<String>,
    error: FormError,
    /// The issuer, the domain, and whether the domain was confirmed.
    sso: Option<(String, String, bool)>,
}

fn number_in(path: &str) -> Result<AccountNumber, Problem> {
    path.parse().map_err(|_| Code::NotFound.into())
}

pub(crate) async fn show(
    State(app): State<AppState>,
    operator: Operator,
    Path(number): Path<String>,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    Ok(page(&account_page(&app, &operator, &number, &query).await?))
}

async fn account_page(
    app: &AppState,
    operator: &Operator,
    number: &str,
    query: &Done,
) -> Result<AccountPage, Problem> {
    let Overview { found, sso } = find_account(app, operator, number_in(number)?).await?;
    let invited = find_invited(app, operator, found.account.id).await?;
    let (now, account) = (app.now(), found.account.clone());
    let may = |next| account.state.may_become(next);
    let closed_at = account.state_since.filter(|_| account.state == AccountState::Closed);
    let plans = &app.settings.plans;
    Ok(AccountPage {
        invites: match (account.state, found.members) {
            (AccountState::Active, 0) => "first",
            (AccountState::Active, _) if app.mailer.can_send() => "another",
            _ => "",
        },
        chrome: operator
            .chrome(&account.name, Nav::Operator)
            .with_receipts_at(format!("/operator/accounts/{}/receipts", account.number))
            .with_notice(query),
        invited: invited.map(|email| email.to_string()),
        error: FormError::default(),
        plans: plans.all.iter().map(|plan| plan.name.clone()).collect(),
        default_plan: plans.default.clone().unwrap_or_default(),
        may_suspend: may(AccountState::Suspended),
        may_close: may(AccountState::Closed),
        may_restore: may(AccountState::Active),
        gone_at: closed_at.map(|at| When::future(at.plus(AccountState::GRACE), now)),
        endpoint_url: app.settings.endpoint_url(account.number),
        own_plan: account.plan,
        sso: sso.map(|sso| {
            let domains = sso.domain_names().join(" ");
            let is_confirmed = sso.is_confirmed();
            (sso.issuer, domains, is_confirmed)
        }),
        row: Row::new(app, found, now),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OwnerForm {
    owner: String,
}

pub(crate) async fn invite_again(
    State(app): State<AppState>,
    Path(number): Path<String>,
    fresh: ReauthForm<OwnerForm, Operator>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: operator, form, .. } = fresh;
    match invite_owner(&app, &operator, number_in(&number)?, &form.owner).await {
        Ok(()) => {
            Ok(done(&format!("/operator/accounts/{number}"), "invited", None).into_response())
        }
        Err(refusal) if refusal.kind() != Kind::Invalid => Err(refusal.into()),
        Err(refusal) => {
            let shown = account_page(&app, &operator, &number, &Done::default()).await?;
            let error = FormError::new(&refusal, &["owner"]);
            let shown = AccountPage { invited: Some(form.owner), error, ..shown };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

async fn change(
    app: &AppState,
    operator: &Operator,
    number: &str,
    next: AccountState,
    notice: &str,
) -> Result<Response, Problem> {
    let number = number_in(number)?;
    let receipt = set_state(app, operator, number, next).await?;
    Ok(done(&format!("/operator/accounts/{number}"), notice, receipt.as_ref()).into_response())
}

#[derive(Template)]
#[template(path = "operators/end.html")]
struct EndPage {
    chrome: PageLayout,
    row: Row,
    closes: bool,
    /// The time at which its tokens would be revoked permanently if it were closed now.
    gone_at: When,
    clients: Vec<ObservedClient>,
}

async fn end_page(
    app: &AppState,
    operator: &Operator,
    number: &str,
    closes: bool,
) -> Result<Response, Problem> {
    let number = number_in(number)?;
    let Overview { found, .. } = find_account(app, operator, number).await?;
    let clients = list_clients_of_account(app, operator, number).await?;
    let now = app.now();
    let next = if closes { AccountState::Closed } else { AccountState::Suspended };
    if !found.account.state.may_become(next) {
        return Err(Code::NotFound.into());
    }
    let title = text(if closes { "operator-close-it" } else { "operator-suspend-it" });
    Ok(page(&EndPage {
        chrome: operator.chrome(title, Nav::Operator),
        row: Row::new(app, found, now),
        clients,
        closes,
        gone_at: When::future(now.plus(AccountState::GRACE), now),
    }))
}

pub(crate) async fn suspend_page(
    State(app): State<AppState>,
    operator: Operator,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &operator, &number, false).await
}

pub(crate) async fn close_page(
    State(app): State<AppState>,
    operator: Operator,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &operator, &number, true).await
}

pub(crate) async fn suspend(
    State(app): State<AppState>,
    Path(number): Path<String>,
    fresh: ReauthForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    change(&app, &fresh.caller, &number, AccountState::Suspended, "account_suspended").await
}

pub(crate) async fn close(
    State(app): State<AppState>,
    Path(number): Path<String>,
    fresh: ReauthForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    change(&app, &fresh.caller, &number, AccountState::Closed, "account_closed").await
}

pub(crate) async fn restore(
    State(app): State<AppState>,
    Path(number): Path<String>,
    fresh: ReauthForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    change(&app, &fresh.caller, &number, AccountState::Active, "account_restored").await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlanForm {
    plan: String,
}

pub(crate) async fn plan(
    State(app): State<AppState>,
    Path(number): Path<String>,
    fresh: ReauthForm<PlanForm, Operator>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: operator, form, sent } = fresh;
    let number = number_in(&number)?;
    let clients = list_clients_beyond_plan(&app, &operator, (number, &form.plan)).await?;
    let question = || Question {
        chrome: operator.chrome(text("operator-set-plan"), Nav::Operator),
        lead: text("operator-plan-consequences").to_string(),
        button: text("operator-set-plan").to_string(),
        back: format!("/operator/accounts/{number}"),
    };
    if let Some(asks) = sent.ask(clients, question) {
        return Ok(asks);
    }
    let store = (&app.store, app.now());
    let administrator = Administrator::Operator(&operator);
    set_plan(administrator, store, &app.settings.plans, (number, &form.plan)).await?;
    Ok(done(&format!("/operator/accounts/{number}"), "plan_changed", None).into_response())
}

/// Sends a test mail to the operator synchronously, and shows the mail server's response.
pub(crate) async fn send_test(
    State(app): State<AppState>,
    fresh: ReauthForm<Nothing, Operator>,
) -> Result<Response, Problem> {
    match send_test_mail(&app, fresh.caller.user.email.as_str()).await {
        Ok(()) => Ok(done("/operator", "mail_test_sent", None).into_response()),
        Err(error) => Err(Refusal::new(Code::TestEmailFailed).with_text("error", error).into()),
    }
}
