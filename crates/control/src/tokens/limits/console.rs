//! `/tokens/{id}/limits`: a token's limits, the suggested limits, and the form that sets them; `/tokens/violation`: the
//! violations.

use super::{
    LimitsReview, limit_api_token, list_clients_beyond, list_violated, review_limits, saved_notice,
};
use crate::{
    AppState,
    api_docs::ScopeOffer,
    consequences::console::Question,
    door::{
        language::text,
        layout::{Nav, PageLayout, done, page, page_with},
        problem::{Problem, detail},
        reauth::ReauthForm,
        when::When,
    },
    operations::list_scope_offers,
    principal::Caller,
    refusal::Code,
    tokens::console::scope_words,
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{
    IpAllowlist, Mode, Permission, Scope, ScopeSet, Timestamp, TokenId, TokenLimits, TokenState,
    Violation,
};
use keydesk_store::{OperationUse, ViolationRow};
use serde::Deserialize;

/// The form input as sent, so that nothing is lost after an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LimitsForm {
    scope: Vec<String>,
    ip_allowlist: String,
    mode: String,
}

struct UseRow {
    operation: String,
    client: String,
    requests: i64,
    last_request: When,
}

struct ViolationView {
    token: TokenId,
    token_name: String,
    is_api_token: bool,
    client: String,
    operation: String,
    why: String,
    was_rejected: bool,
    requests: i64,
    /// The number of rejected requests, if only some were rejected.
    rejected: Option<i64>,
    last_request: When,
}

impl ViolationView {
    fn new(seen: ViolationRow, now: Timestamp) -> Self {
        Self {
            why: why(&seen),
            was_rejected: seen.rejected > 0,
            token: seen.token,
            token_name: seen.token_name,
            is_api_token: seen.is_api_token,
            client: seen.client,
            operation: seen.operation,
            requests: seen.requests,
            rejected: Some(seen.rejected).filter(|rejected| (1..seen.requests).contains(rejected)),
            last_request: When::past(seen.last_used_at, now),
        }
    }
}

#[derive(Template)]
#[template(path = "tokens/limits.html")]
struct LimitsPage {
    chrome: PageLayout,
    id: TokenId,
    name: String,
    masked: String,
    scopes: Vec<String>,
    ip_allowlist: Vec<String>,
    observed: Option<(Vec<String>, Vec<String>)>,
    form: LimitsForm,
    offers: Vec<ScopeOffer>,
    scope_error: Option<String>,
    ip_allowlist_error: Option<String>,
    uses: Vec<UseRow>,
    violations: Vec<ViolationView>,
    smallest: Option<(Vec<String>, Vec<String>)>,
    is_filled: bool,
    /// Says whether the form contains a change that another page proposed.
    is_widened: bool,
    may_manage: bool,
}

impl LimitsPage {
    fn has(&self, scope: &str) -> bool {
        self.form.scope.iter().any(|held| held == scope)
    }

    /// Returns the scopes of the form that the document doesn't offer.
    fn other_scopes(&self) -> impl Iterator<Item = &String> {
        let is_offered = |scope: &str| self.offers.iter().any(|offer| offer.scope == scope);
        self.form.scope.iter().filter(move |scope| *scope != "*" && !is_offered(scope))
    }
}

pub(crate) fn networks(ip_allowlist: &IpAllowlist) -> Vec<String> {
    ip_allowlist.to_string().split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Returns the form for these limits.
fn form_of(grant: &TokenLimits) -> LimitsForm {
    LimitsForm {
        scope: grant.scopes.iter().map(ToString::to_string).collect(),
        ip_allowlist: networks(&grant.ip_allowlist).join("\n"),
        mode: "observe".to_owned(),
    }
}

/// Returns the suggested limits, if there are any.
fn smallest(review: &LimitsReview) -> Option<TokenLimits> {
    let (scopes, ip_allowlist) = (&review.suggested_scopes, &review.suggested_ip_allowlist);
    (scopes.is_some() || ip_allowlist.is_some()).then(|| TokenLimits {
        scopes: scopes.clone().unwrap_or_else(|| review.token.scopes.clone()),
        ip_allowlist: ip_allowlist.clone().unwrap_or_default(),
    })
}

async fn limits_page(
    app: &AppState,
    caller: &Caller,
    review: LimitsReview,
    form: LimitsForm,
) -> Result<LimitsPage, Problem> {
    let now = app.now();
    let proposal = smallest(&review);
    let use_row = |seen: OperationUse| UseRow {
        operation: seen.operation,
        client: seen.client,
        requests: seen.requests,
        last_request: When::past(seen.last_used_at, now),
    };
    let parts = |grant: &TokenLimits| (scope_words(&grant.scopes), networks(&grant.ip_allowlist));
    let is_live = review.token.state(now) == TokenState::Active;
    Ok(LimitsPage {
        chrome: PageLayout::of(caller, text("tokens-limits"), Nav::Tokens),
        id: review.token.id,
        scopes: scope_words(&review.token.scopes),
        ip_allowlist: networks(&review.token.ip_allowlist),
        observed: review.token.observed.as_ref().map(parts),
        name: review.token.name,
        masked: review.token.masked,
        form,
        offers: list_scope_offers(app).await?,
        scope_error: None,
        ip_allowlist_error: None,
        uses: review.uses.into_iter().map(use_row).collect(),
        violations: review.violated.into_iter().map(|seen| ViolationView::new(seen, now)).collect(),
        smallest: proposal.as_ref().map(parts),
        is_filled: false,
        is_widened: false,
        may_manage: caller.may(Permission::ManageTokens) && is_live,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LimitsQuery {
    /// `suggested` if the form starts with the suggested limits.
    with: Option<String>,
    /// Scopes and a network that the form adds to the enforced limits.
    add_scope: Option<String>,
    allow: Option<String>,
}

impl LimitsQuery {
    /// Returns the form that adds what the link names to the enforced limits.
    fn widened(&self, holds: &TokenLimits) -> Option<LimitsForm> {
        if self.add_scope.is_none() && self.allow.is_none() {
            return None;
        }
        let mut form = LimitsForm { mode: "enforce".to_owned(), ..form_of(holds) };
        let scopes = self.add_scope.iter().flat_map(|scopes| scopes.split(' '));
        form.scope.extend(scopes.map(str::to_owned));
        if let Some(network) = self.allow.as_ref().filter(|_| !form.ip_allowlist.is_empty()) {
            form.ip_allowlist.push('\n');
            form.ip_allowlist.push_str(network);
        }
        Some(form)
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(asked): Query<LimitsQuery>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let review = review_limits(&app, &caller, id).await?;
    let proposal = smallest(&review).filter(|_| asked.with.as_deref() == Some("suggested"));
    let token = &review.token;
    let holds =
        TokenLimits { scopes: token.scopes.clone(), ip_allowlist: token.ip_allowlist.clone() };
    let widened = asked.widened(&holds);
    let (is_filled, is_widened) = (proposal.is_some(), widened.is_some());
    let form = widened.unwrap_or_else(|| {
        form_of(proposal.as_ref().or(token.observed.as_ref()).unwrap_or(&holds))
    });
    let shown = limits_page(&app, &caller, review, form).await?;
    Ok(page(&LimitsPage { is_filled, is_widened, ..shown }))
}

pub(crate) async fn limit(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<LimitsForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, sent } = fresh;
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let scopes =
        form.scope.iter().map(|text| text.parse::<Scope>()).collect::<Result<ScopeSet, _>>();
    let scopes = match scopes {
        Ok(scopes) if scopes.is_empty() => Err(detail(&Code::MissingScope.into())),
        scopes => scopes.map_err(|error| detail(&error.into())),
    };
    let ip_allowlist =
        form.ip_allowlist.parse::<IpAllowlist>().map_err(|error| detail(&error.into()));
    match (scopes, ip_allowlist) {
        (Ok(scopes), Ok(ip_allowlist)) => {
            let mode = form.mode.parse().unwrap_or_default();
            let wanted = TokenLimits { scopes, ip_allowlist };
            if mode == Mode::Enforce {
                let clients = list_clients_beyond(&app, &caller, id, &wanted).await?;
                let question = || Question {
                    chrome: PageLayout::of(&caller, text("token-limits-enforce"), Nav::Tokens),
                    lead: text("limits-consequences").to_string(),
                    button: text("token-limits-set").to_string(),
                    back: format!("/tokens/{id}/limits"),
                };
                if let Some(asks) = sent.ask(clients, question) {
                    return Ok(asks);
                }
            }
            limit_api_token(&app, &caller, id, wanted, mode).await?;
            Ok(done("/tokens", saved_notice(mode), None).into_response())
        }
        (scopes, ip_allowlist) => {
            let review = review_limits(&app, &caller, id).await?;
            let shown = limits_page(&app, &caller, review, form).await?;
            let (scope_error, ip_allowlist_error) = (scopes.err(), ip_allowlist.err());
            let shown = LimitsPage { scope_error, ip_allowlist_error, ..shown };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

#[derive(Template)]
#[template(path = "tokens/violations.html")]
struct ViolationsPage {
    chrome: PageLayout,
    violations: Vec<ViolationView>,
}

pub(crate) async fn violations(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let now = app.now();
    let listed = list_violated(&app, &caller).await?;
    let violations = listed.into_iter().map(|seen| ViolationView::new(seen, now)).collect();
    let chrome = PageLayout::of(&caller, text("violations-short"), Nav::Tokens);
    Ok(page(&ViolationsPage { chrome, violations }))
}

/// Returns the name of a violation's reason.
fn why(violated: &ViolationRow) -> String {
    text(match (violated.violation, violated.rejected > 0) {
        (Violation::Scope, true) => "violation-scope",
        (Violation::Scope, false) => "violation-scope-observed",
        (Violation::ObservedScope, _) => "violation-observed-scope",
        (Violation::Address, _) => "violation-ip",
        (Violation::ObservedIpAddress, _) => "violation-observed-ip",
        (Violation::Rate, true) => "violation-rate",
        (Violation::Rate, false) => "violation-rate-observed",
        (Violation::Quota, true) => "violation-quota",
        (Violation::Revoked, _) => "violation-revoked",
        (Violation::PreviousSecret, _) => "violation-previous-secret",
        (Violation::Quota, false) => "violation-quota-observed",
    })
    .to_string()
}
