//! What a member can do about a failing client: the actions that would let its next request through.

use super::FailingClient;
use crate::{AppState, principal::Caller, refusal::Refusal, tokens::is_restorable};
use keydesk_model::{Permission, RevocationReason, RuleTable, TokenId, TokenOwner, TokenState};
use keydesk_store::Token;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Undo the revocation of the token.
    Restore(TokenId),
    /// Create a token with the same name, scopes, and IP allowlist.
    Replace(TokenId),
    /// Add a scope to the token.
    AddScope(TokenId, String),
    /// Add the network to the IP allowlist of the token.
    AllowNetwork(TokenId, String),
    /// Change the IP allowlist of the account.
    ChangeAccountLimits,
    /// The plan permits no more requests.
    SeePlan,
    /// The member whose token it is has a new bearer token.
    UseNewBearerToken,
    /// Copy endpoint URL and token from *API Docs*.
    CheckCredentials,
    /// The operation doesn't exist, or is closed for every token.
    SeeReference,
    AskProvider,
}

/// Returns what a member can do, the quickest first.
pub(crate) async fn list_remedies(
    app: &AppState,
    caller: &Caller,
    failing: &FailingClient,
) -> Result<Vec<Remedy>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let mut read = app.store.read().await?;
    let token = match failing.group.token {
        Some(id) => read.find_token(caller.account.id, id).await?,
        None => None,
    };
    let rules = read.find_rules().await?.unwrap_or_default().live.rules;
    let scope = RuleTable::new(&rules).suggested_scopes([&*failing.group.operation].into_iter());
    let scope = scope.map(|scopes| scopes.to_string()).filter(|scopes| !scopes.is_empty());
    let now = app.now();
    let Some(token) = token else { return Ok(without_token(&failing.group.code)) };
    let remedies = match failing.group.code.as_str() {
        "insufficient_scope" if token.token_owner == TokenOwner::Account => {
            // An operation without a rule requires full access.
            vec![Remedy::AddScope(token.id, scope.unwrap_or_else(|| "*".to_owned()))]
        }
        "ip_not_allowed" => allow(&token, &failing.group.network),
        "rate_limited" | "quota_exceeded" => vec![Remedy::SeePlan],
        _ if token.state(now) == TokenState::Active => vec![Remedy::CheckCredentials],
        _ if token.token_owner != TokenOwner::Account => vec![Remedy::UseNewBearerToken],
        _ if is_restorable(&token, now) => {
            vec![Remedy::Restore(token.id), Remedy::Replace(token.id)]
        }
        _ => match token.state(now) {
            TokenState::Revoked(revocation)
                if revocation.reason == RevocationReason::AccountClosed =>
            {
                vec![Remedy::AskProvider]
            }
            _ => vec![Remedy::Replace(token.id)],
        },
    };
    Ok(remedies)
}

/// Both the token's own list and the account's can be the reason: only the network is known, not the IP address.
fn allow(token: &Token, network: &str) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if token.token_owner == TokenOwner::Account && !token.ip_allowlist.is_empty() {
        remedies.push(Remedy::AllowNetwork(token.id, network.to_owned()));
    }
    remedies.push(Remedy::ChangeAccountLimits);
    remedies
}

fn without_token(code: &str) -> Vec<Remedy> {
    match code {
        "account_suspended" | "account_closed" => vec![Remedy::AskProvider],
        "no_route" | "unknown_endpoint" => vec![Remedy::SeeReference],
        _ => vec![Remedy::CheckCredentials],
    }
}
