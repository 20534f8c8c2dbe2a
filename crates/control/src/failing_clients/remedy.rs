//! What a member can do about a rejected request: the actions that would let the client's next request through.

use super::FailingClient;
use crate::{
    AppState, members::has_no_bearer_token, principal::Caller, refusal::Refusal,
    tokens::is_restorable,
};
use keydesk_model::{
    LoggedRequest, MemberId, Permission, RevocationReason, RuleTable, TokenId, TokenOwner,
    TokenState,
};
use keydesk_store::Token;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Undo the revocation of the token.
    Restore(TokenId),
    /// Create a token with the same name, scopes, and IP allowlist.
    Replace(TokenId),
    /// Give the client the current secret, or a new one.
    UpdateSecret(TokenId),
    /// Add a scope to the token.
    AddScope(TokenId, String),
    /// Add the network to the IP allowlist of the token.
    AllowNetwork(TokenId, String),
    /// Change the IP allowlist of the account.
    ChangeAccountLimits,
    /// The plan permits no more requests.
    SeePlan,
    /// The caller has a new bearer token.
    UseNewBearerToken,
    /// Another member has a new bearer token.
    AskMember(String),
    /// Create an API token for each client of the member's bearer token.
    MoveToApiTokens(MemberId),
    /// The member has no bearer token any more.
    CreateToken,
    /// The client sends no token, or not as it must.
    SendToken,
    /// The client sends something that isn't a token of this account.
    CheckToken,
    /// The client sends the token to the URL of another account.
    CorrectUrl,
    /// The token was in a URL, where others may have seen it.
    RotateExposed(TokenId),
    /// The request itself is at fault, whatever its token is.
    ChangeRequest(String),
    /// The API has no such operation, or no rule covers it.
    SeeReference,
    AskProvider,
}

/// A rejected request, or several that are alike.
pub(crate) struct Rejected<'a> {
    token: Option<TokenId>,
    code: &'a str,
    operation: &'a str,
    /// The network or IP address that it came from.
    network: &'a str,
}

impl<'a> From<&'a FailingClient> for Rejected<'a> {
    fn from(failing: &'a FailingClient) -> Self {
        let group = &failing.group;
        Self {
            token: group.token,
            code: &group.code,
            operation: &group.operation,
            network: &group.network,
        }
    }
}

impl<'a> From<&'a LoggedRequest> for Rejected<'a> {
    fn from(request: &'a LoggedRequest) -> Self {
        Self {
            token: request.token,
            code: &request.code,
            operation: &request.operation,
            network: &request.client_ip,
        }
    }
}

/// Returns what a member can do, the quickest first.
pub(crate) async fn list_remedies(
    app: &AppState,
    caller: &Caller,
    rejected: Rejected<'_>,
) -> Result<Vec<Remedy>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let token = match rejected.token {
        Some(id) => app.store.read().await?.find_token(caller.account.id, id).await?,
        None => None,
    };
    let Some(token) = token else { return Ok(of_code(rejected.code)) };
    let now = app.now();
    Ok(match rejected.code {
        "insufficient_scope" if token.token_owner == TokenOwner::Account => {
            add_scope(app, &token, rejected.operation).await?
        }
        "ip_not_allowed" => allow(&token, rejected.network),
        "rate_limited" | "quota_exceeded" => vec![Remedy::SeePlan],
        "token_in_query" if token.token_owner == TokenOwner::Account => {
            vec![Remedy::SendToken, Remedy::RotateExposed(token.id)]
        }
        code if !is_about_validity(code) => of_code(code),
        _ => match token.token_owner {
            TokenOwner::Member(member) => of_member(app, caller, member).await?,
            TokenOwner::Account => match token.state(now) {
                // It was rejected because of a secret that no longer works, or before it was restored.
                TokenState::Active => vec![Remedy::UpdateSecret(token.id)],
                _ if is_restorable(&token, now) => {
                    vec![Remedy::Restore(token.id), Remedy::Replace(token.id)]
                }
                TokenState::Revoked(revocation)
                    if revocation.reason == RevocationReason::AccountClosed =>
                {
                    vec![Remedy::AskProvider]
                }
                TokenState::Revoked(_) | TokenState::Expired(_) => vec![Remedy::Replace(token.id)],
            },
        },
    })
}

/// Returns whether a request with this code was rejected because its token or secret wasn't valid.
fn is_about_validity(code: &str) -> bool {
    matches!(
        code,
        "token_expired"
            | "token_rotated"
            | "token_revoked"
            | "token_leaked"
            | "password_changed"
            | "password_reset"
            | "logged_out_of_all_sessions"
            | "member_removed"
            | "role_changed"
            | "account_closed"
            | "already_rotated"
    )
}

/// Returns what helps whatever the token is.
fn of_code(code: &str) -> Vec<Remedy> {
    vec![match code {
        "missing_token"
        | "empty_token"
        | "missing_bearer_scheme"
        | "unsupported_auth_scheme"
        | "duplicate_bearer_scheme"
        | "duplicate_authorization"
        | "malformed_authorization"
        | "masked_token"
        | "unexpanded_variable"
        | "token_in_query" => Remedy::SendToken,
        "malformed_token" | "unknown_token" => Remedy::CheckToken,
        "account_mismatch" => Remedy::CorrectUrl,
        "account_suspended" | "account_closed" => Remedy::AskProvider,
        "no_route" | "unknown_endpoint" => Remedy::SeeReference,
        code => Remedy::ChangeRequest(code.to_owned()),
    }]
}

/// An operation without a rule requires full access; it may not exist at all.
async fn add_scope(app: &AppState, token: &Token, operation: &str) -> Result<Vec<Remedy>, Refusal> {
    let rules = app.store.read().await?.find_rules().await?.unwrap_or_default().live.rules;
    let scopes = RuleTable::new(&rules).suggested_scopes([operation].into_iter());
    let scopes = scopes.map(|scopes| scopes.to_string()).filter(|scopes| !scopes.is_empty());
    Ok(match scopes {
        Some(scopes) => vec![Remedy::AddScope(token.id, scopes)],
        None => vec![Remedy::SeeReference, Remedy::AddScope(token.id, "*".to_owned())],
    })
}

/// Both the token's own list and the account's can be the reason: only the network is known, not the list.
fn allow(token: &Token, network: &str) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if token.token_owner == TokenOwner::Account && !token.ip_allowlist.is_empty() {
        remedies.push(Remedy::AllowNetwork(token.id, network.to_owned()));
    }
    remedies.push(Remedy::ChangeAccountLimits);
    remedies
}

/// Returns what helps the clients of a member's bearer token.
async fn of_member(
    app: &AppState,
    caller: &Caller,
    member: MemberId,
) -> Result<Vec<Remedy>, Refusal> {
    let found = app.store.read().await?.find_member(caller.account.id, member).await?;
    let Some(member) = found.filter(|member| !has_no_bearer_token(member.role)) else {
        return Ok(vec![Remedy::CreateToken]);
    };
    let first = if member.id == caller.member.id {
        Remedy::UseNewBearerToken
    } else {
        Remedy::AskMember(member.name)
    };
    Ok(vec![first, Remedy::MoveToApiTokens(member.id)])
}
