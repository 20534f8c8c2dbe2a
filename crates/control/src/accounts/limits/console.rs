//! `/limits`: the account's plan, its remaining quota, and the IP allowlist of its tokens.

use super::{
    AccountReview, cors_form::CorsForm, limit_account, list_clients_outside, review_account,
};
use crate::{
    AppState,
    consequences::console::Question,
    door::{
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::{Problem, detail},
        reauth::ReauthForm,
        when::When,
    },
    principal::Caller,
    refusal::{Code, Refusal},
    tokens::limits::{console::networks, saved_notice},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{IpAllowlist, Mode, Month, Permission, Plan, Timestamp};
use keydesk_store::Token;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountLimitsForm {
    ip_allowlist: String,
    mode: String,
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
            text("limits-rate")
                .count("n", u64::from(rate.requests()))
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
    chrome: PageLayout,
    plan: Option<PlanRow>,
    requests: i64,
    /// The used share of the monthly quota, in percent.
    used: Option<i64>,
    resets_in_days: u64,
    /// What the month will need, and the day on which the quota is used up before its end.
    forecast: Option<(u64, Option<When>)>,
    ip_allowlist: Vec<String>,
    observed: Option<Vec<String>>,
    seen: Vec<String>,
    form: AccountLimitsForm,
    error: Option<String>,
    may_limit: bool,
    max_life: String,
    requires_expiry: bool,
    expiry_is_tried: bool,
    over: Vec<OverRow>,
    unfamiliar_use: &'static str,
    /// The CORS form, if the operator allows accounts to set their own policy.
    cors: Option<CorsForm>,
    cors_error: Option<String>,
}

/// A live token that the expiration policies would have rejected.
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

fn forecast(review: &AccountReview, now: Timestamp) -> Option<(u64, Option<When>)> {
    let quota = review.plan.as_ref()?.monthly_quota?;
    let requests = u64::try_from(review.requests_this_month).unwrap_or_default();
    let forecast = Month::forecast(now, requests, quota)?;
    Some((forecast.requests, forecast.exhausted_at.map(|at| When::future(at, now))))
}

fn limits_page(
    app: &AppState,
    caller: &Caller,
    review: AccountReview,
    form: AccountLimitsForm,
    error: Option<String>,
) -> AccountLimitsPage {
    let most = review.plan.as_ref().and_then(|plan| plan.monthly_quota);
    let most = most.and_then(|most| i64::try_from(most).ok());
    // An account without a policy starts in observe mode.
    let has_policy = review.account.max_lifetime_days.is_some() || review.account.requires_expiry;
    AccountLimitsPage {
        chrome: PageLayout::of(caller, text("limits-title"), Nav::Tokens),
        forecast: forecast(&review, app.now()),
        used: most.map(|most| (review.requests_this_month.saturating_mul(100) / most).min(100)),
        plan: review.plan.map(PlanRow::new),
        requests: review.requests_this_month,
        resets_in_days: Month::left(app.now()).as_secs().div_ceil(86_400),
        ip_allowlist: networks(&review.account.ip_allowlist),
        observed: review.account.observed.as_ref().map(networks),
        seen: review.seen.as_ref().map(networks).unwrap_or_default(),
        max_life: review.account.max_lifetime_days.map(|days| days.to_string()).unwrap_or_default(),
        requires_expiry: review.account.requires_expiry,
        expiry_is_tried: review.account.expiry_mode == Mode::Observe || !has_policy,
        over: review.over_expiry.into_iter().map(|token| OverRow::new(token, app.now())).collect(),
        unfamiliar_use: review.account.unfamiliar_use.as_str(),
        cors: app.settings.has_account_cors.then(|| CorsForm::of(review.account.cors.as_ref())),
        cors_error: None,
        form,
        error,
        may_limit: caller.may(Permission::LimitAccount),
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let review = review_account(&app, &caller).await?;
    let account = &review.account;
    let shown = account.observed.as_ref().unwrap_or(&account.ip_allowlist);
    // A form that shows enforced limits keeps them enforced.
    let is_enforced = account.observed.is_none() && !account.ip_allowlist.is_empty();
    let mode = if is_enforced { "enforce" } else { "observe" }.to_owned();
    let ip_allowlist = networks(shown).join("\n");
    let form = AccountLimitsForm { ip_allowlist, mode };
    let mut shown = limits_page(&app, &caller, review, form, None);
    shown.chrome = shown.chrome.with_notice(&query);
    Ok(page(&shown))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ExpiryForm {
    max_lifetime_days: String,
    required: Option<String>,
    mode: String,
}

pub(crate) async fn limit_expiry(
    State(app): State<AppState>,
    fresh: ReauthForm<ExpiryForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    let days = Some(form.max_lifetime_days.trim()).filter(|text| !text.is_empty());
    let days = days.map(|text| text.parse::<u16>().ok().filter(|days| (1..=36_500).contains(days)));
    let Some(days) = days.map_or(Some(None), |days| days.map(Some)) else {
        return Err(Refusal::new(Code::InvalidLifetime).at("max_lifetime_days").into());
    };
    let mode = form.mode.parse().unwrap_or_default();
    let notice = if mode == Mode::Enforce { "lifetime_saved" } else { "lifetime_observed" };
    super::limit_expiry(&app, &caller, days, form.required.is_some(), mode).await?;
    Ok(done("/limits", notice, None).into_response())
}

pub(crate) async fn limit(
    State(app): State<AppState>,
    fresh: ReauthForm<AccountLimitsForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, sent } = fresh;
    match form.ip_allowlist.parse::<IpAllowlist>() {
        Ok(ip_allowlist) => {
            let mode = form.mode.parse().unwrap_or_default();
            if mode == Mode::Enforce {
                let clients = list_clients_outside(&app, &caller, &ip_allowlist).await?;
                let question = || Question {
                    chrome: PageLayout::of(&caller, text("limits-edit-allowlist"), Nav::Tokens),
                    lead: text("limits-consequences").to_string(),
                    button: text("limits-save-allowlist").to_string(),
                    back: "/limits".to_owned(),
                };
                if let Some(asks) = sent.ask(clients, question) {
                    return Ok(asks);
                }
            }
            limit_account(&app, &caller, ip_allowlist, mode).await?;
            Ok(done("/limits", saved_notice(mode), None).into_response())
        }
        Err(error) => {
            let review = review_account(&app, &caller).await?;
            let shown = limits_page(&app, &caller, review, form, Some(detail(&error.into())));
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UnfamiliarUseForm {
    unfamiliar_use: String,
}

pub(crate) async fn set_unfamiliar_use(
    State(app): State<AppState>,
    fresh: ReauthForm<UnfamiliarUseForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    super::set_unfamiliar_use(&app, &caller, &form.unfamiliar_use).await?;
    Ok(done("/limits", "unfamiliar_use_saved", None).into_response())
}

pub(crate) async fn set_cors(
    State(app): State<AppState>,
    fresh: ReauthForm<CorsForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    match form.read() {
        Ok(policy) => {
            super::set_cors(&app, &caller, policy).await?;
            Ok(done("/limits", "cors_set", None).into_response())
        }
        Err(error) => {
            let review = review_account(&app, &caller).await?;
            let kept = AccountLimitsForm::default();
            let mut shown = limits_page(&app, &caller, review, kept, None);
            (shown.cors, shown.cors_error) = (Some(form), Some(detail(&error)));
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}
