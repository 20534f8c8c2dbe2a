//! Token limits: scopes and IP allowlists, shown with the recent usage, suggested as narrow as the usage permits,
//! optionally observed first, then enforced.

pub(crate) mod api;
pub(crate) mod console;

use super::{ObservedClient, find_live_api_token, load_api_token, prepare_end};
use crate::{
    AppState,
    api_docs::ScopeOffer,
    operations::{LATELY, list_scope_offers},
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    Event, IpAllowlist, Mode, Permission, RuleTable, ScopeSet, TokenId, TokenLimits,
    audit::LimitsDetail,
};
use keydesk_store::{OperationUse, Token, ViolationRow};

/// A token's limits, with the usage and the suggestions.
#[derive(Debug)]
pub(crate) struct LimitsReview {
    pub token: Token,
    /// The operations that it was used for in the last 30 days.
    pub uses: Vec<OperationUse>,
    pub violated: Vec<ViolationRow>,
    /// The narrowest limits that permit all accepted requests; `None` if the token was not used.
    pub suggested_scopes: Option<ScopeSet>,
    pub suggested_ip_allowlist: Option<IpAllowlist>,
}

/// Returns the notice for limits that were saved in this mode.
pub(crate) fn saved_notice(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "limits_enforced",
        Mode::Observe => "limits_observed",
    }
}

pub(crate) async fn review_limits(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<LimitsReview, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let token = load_api_token(app, caller, id).await?;
    let since = app.now().minus(LATELY);
    let mut read = app.store.read().await?;
    let uses = read.list_operation_use_of(id, since).await?;
    let violated = read.list_violated(caller.account.id, since).await?;
    let ip_allowlist = read.list_addresses_of(id, since).await?;
    let rules = read.find_rules().await?.unwrap_or_default().live.rules;
    // Rejected requests are not part of the usage.
    let passed = || uses.iter().filter(|seen| seen.requests > seen.rejected);
    let suggested_scopes =
        RuleTable::new(&rules).suggested_scopes(passed().map(|seen| seen.operation.as_str()));
    let suggested_scopes = match suggested_scopes {
        // Requests without a rule need a token with full access.
        None => Some(ScopeSet::everything()),
        Some(scopes) => Some(scopes).filter(|scopes| !scopes.is_empty()),
    };
    let suggested_ip_allowlist = ip_allowlist.join(" ").parse::<IpAllowlist>().ok();
    Ok(LimitsReview {
        token,
        violated: violated.into_iter().filter(|seen| seen.token == id).collect(),
        suggested_scopes,
        suggested_ip_allowlist: suggested_ip_allowlist
            .map(|list| list.proposed())
            .filter(|list| !list.is_empty()),
        uses,
    })
}

/// Returns the clients whose requests of the last 30 days these limits would reject.
pub(crate) async fn list_clients_beyond(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    limits: &TokenLimits,
) -> Result<Vec<ObservedClient>, Refusal> {
    let (_, clients) = prepare_end(app, caller, id).await?;
    let mut read = app.store.read().await?;
    let uses = read.list_operation_use_of(id, app.now().minus(LATELY)).await?;
    let rules = read.find_rules().await?.unwrap_or_default().live.rules;
    let rules = RuleTable::new(&rules);
    let is_beyond = |seen: &&OperationUse| {
        seen.requests > seen.rejected
            && rules.allows_named(&seen.operation, &limits.scopes) == Some(false)
    };
    let beyond: Vec<_> = uses.iter().filter(is_beyond).collect();
    let affected = |mut client: ObservedClient| {
        let is_outside =
            client.client_ip.parse().is_ok_and(|address| !limits.ip_allowlist.admits(address));
        if !is_outside {
            let of_client = beyond.iter().filter(|seen| seen.client == client.name);
            client.operations = of_client.map(|seen| seen.operation.clone()).collect();
        }
        (is_outside || !client.operations.is_empty()).then_some(client)
    };
    Ok(clients.into_iter().filter_map(affected).collect())
}

/// Sets a token's limits. Observed limits are dropped when others are enforced.
pub(crate) async fn limit_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    wanted: TokenLimits,
    mode: Mode,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    wanted.scopes.check_size()?;
    if wanted.scopes.is_empty() {
        return Err(Refusal::new(Code::MissingScope).at("scope"));
    }
    let holds = TokenLimits { scopes: token.scopes, ip_allowlist: token.ip_allowlist };
    let (grant, observed) = match mode {
        Mode::Enforce => (&wanted, None),
        Mode::Observe => (&holds, Some(&wanted)),
    };
    write.limit_token(id, grant, observed).await?;
    let after = LimitsDetail { limits: grant.clone(), observed: observed.cloned() };
    let before = LimitsDetail { limits: holds, observed: token.observed };
    write.commit(caller.entry(Event::TokenLimited { before, after }, id)).await?;
    Ok(())
}

/// Returns the account's violations of the last 30 days.
pub(crate) async fn list_violated(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<ViolationRow>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let since = app.now().minus(LATELY);
    Ok(app.store.read().await?.list_violated(caller.account.id, since).await?)
}

/// Returns the scopes that tokens of the account can have.
pub(crate) async fn list_offered_scopes(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<ScopeOffer>, Refusal> {
    caller.permit(Permission::SeeLimits)?;
    Ok(list_scope_offers(app).await?)
}
