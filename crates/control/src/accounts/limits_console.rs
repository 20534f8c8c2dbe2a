//! `/limits`: the account's plan and what is left of it, and where its tokens may be used from.

use super::{
    cors_form::CorsForm,
    limits::{AccountReview, limit_account, review_account},
};
use crate::{
    Desk, Told as _,
    caller::Caller,
    chrome::{Chrome, Done, Nav, done, page, page_with},
    freshness::FreshForm,
    problem::Problem,
    say,
    tokens::{limits::Start, limits_console::networks},
    when::When,
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{AddressList, Mode, Month, Plan, Right, Timestamp};
use keydesk_store::Token;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountLimitsForm {
    addresses: String,
    start: String,
}

struct PlanRow {
    name: String,
    account: Option<String>,
    token: Option<String>,
    month: Option<u64>,
    is_observed: bool,
}

impl PlanRow {
    fn new(plan: Plan) -> Self {
        let rate = |rate: keydesk_model::Rate| {
            say("limits-rate")
                .count("n", u64::from(rate.calls()))
                .count("seconds", rate.span().as_secs())
                .to_string()
        };
        Self {
            name: plan.name,
            account: plan.rate.map(rate),
            token: plan.token_rate.map(rate),
            month: plan.monthly_quota,
            is_observed: plan.mode == Mode::Observe,
        }
    }
}

#[derive(Template)]
#[template(path = "accounts/limits.html")]
struct AccountLimitsPage {
    chrome: Chrome,
    plan: Option<PlanRow>,
    calls: i64,
    /// How much of the month's calls is used, in hundredths.
    used: Option<i64>,
    resets_in_days: u64,
    addresses: Vec<String>,
    trial: Option<Vec<String>>,
    seen: Vec<String>,
    form: AccountLimitsForm,
    error: Option<String>,
    may_limit: bool,
    max_life: String,
    requires_expiry: bool,
    expiry_is_tried: bool,
    over: Vec<OverRow>,
    /// Where the operator allows it.
    cors: Option<CorsForm>,
    cors_error: Option<String>,
}

/// A live token that the policies on life would have refused.
struct OverRow {
    id: String,
    name: String,
    made: When,
    ends: Option<When>,
    last_used: Option<When>,
    last_used_by: Option<String>,
}

impl OverRow {
    fn new(token: Token, now: Timestamp) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            made: When::past(token.created_at, now),
            ends: token.expires_at.map(|at| When::future(at, now)),
            last_used: token.last_used_at.map(|at| When::past(at, now)),
            last_used_by: token.last_used_by,
        }
    }
}

fn limits_page(
    desk: &Desk,
    caller: &Caller,
    review: AccountReview,
    form: AccountLimitsForm,
    error: Option<String>,
) -> AccountLimitsPage {
    let most = review.plan.as_ref().and_then(|plan| plan.monthly_quota);
    let most = most.and_then(|most| i64::try_from(most).ok());
    // A first policy is tried first.
    let has_policy = review.account.max_life_days.is_some() || review.account.requires_expiry;
    AccountLimitsPage {
        chrome: Chrome::of(caller, say("limits-title"), Nav::Tokens),
        used: most.map(|most| (review.calls_this_month.saturating_mul(100) / most).min(100)),
        plan: review.plan.map(PlanRow::new),
        calls: review.calls_this_month,
        resets_in_days: Month::left(desk.now()).as_secs().div_ceil(86_400),
        addresses: networks(&review.account.addresses),
        trial: review.account.trial.as_ref().map(networks),
        seen: review.seen.as_ref().map(networks).unwrap_or_default(),
        max_life: review.account.max_life_days.map(|days| days.to_string()).unwrap_or_default(),
        requires_expiry: review.account.requires_expiry,
        expiry_is_tried: review.account.expiry_mode == Mode::Observe || !has_policy,
        over: review.over_expiry.into_iter().map(|token| OverRow::new(token, desk.now())).collect(),
        cors: desk.settings.has_account_cors.then(|| CorsForm::of(review.account.cors.as_ref())),
        cors_error: None,
        form,
        error,
        may_limit: caller.member.role.may(Right::LimitAccount),
    }
}

pub(crate) async fn show(
    State(desk): State<Desk>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let review = review_account(&desk, &caller).await?;
    let account = &review.account;
    let shown = account.trial.as_ref().unwrap_or(&account.addresses);
    let (addresses, start) = (networks(shown).join("\n"), "try".to_owned());
    let form = AccountLimitsForm { addresses, start };
    let mut shown = limits_page(&desk, &caller, review, form, None);
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExpiryForm {
    max_days: String,
    required: Option<String>,
    start: String,
}

pub(crate) async fn limit_expiry(
    State(desk): State<Desk>,
    fresh: FreshForm<ExpiryForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    caller.permit(Right::LimitAccount)?;
    let days = Some(form.max_days.trim()).filter(|text| !text.is_empty());
    let days = days.map(|text| text.parse::<u16>().ok().filter(|days| (1..=36_500).contains(days)));
    let Some(days) = days.map_or(Some(None), |days| days.map(Some)) else {
        let error = say("limits-life-wrong");
        return Err(Problem::invalid(error));
    };
    let (start, _) = Start::chosen(&form.start);
    let told = if start == Start::Now { "expiry_limited" } else { "expiry_on_trial" };
    super::limits::limit_expiry(&desk, &caller, days, form.required.is_some(), start).await?;
    Ok(done("/limits", told, None).into_response())
}

pub(crate) async fn limit(
    State(desk): State<Desk>,
    fresh: FreshForm<AccountLimitsForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    caller.permit(Right::LimitAccount)?;
    match form.addresses.parse::<AddressList>() {
        Ok(addresses) => {
            let (start, told) = Start::chosen(&form.start);
            limit_account(&desk, &caller, addresses, start).await?;
            Ok(done("/limits", told, None).into_response())
        }
        Err(error) => {
            let review = review_account(&desk, &caller).await?;
            let shown = limits_page(&desk, &caller, review, form, Some(error.told()));
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

pub(crate) async fn set_cors(
    State(desk): State<Desk>,
    fresh: FreshForm<CorsForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    caller.permit(Right::LimitAccount)?;
    match form.read() {
        Ok(policy) => {
            super::limits::set_cors(&desk, &caller, policy).await?;
            Ok(done("/limits", "cors_set", None).into_response())
        }
        Err(error) => {
            let review = review_account(&desk, &caller).await?;
            let kept = AccountLimitsForm::default();
            let mut shown = limits_page(&desk, &caller, review, kept, None);
            (shown.cors, shown.cors_error) = (Some(form), Some(error));
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}
