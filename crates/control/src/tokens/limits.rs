//! What a token may do and where it may be used from: seen beside what it was used for lately, proposed as
//! small as that allows, tried first where wished, then in force.

use super::{find_api_token, find_live_api_token};
use crate::{AppState, UserMessage as _, caller::Caller, operations::LATELY, problem::Problem, text};
use keydesk_model::{Event, IpAllowlist, TokenLimits, Violation, Permission, RuleTable, ScopeSet, TokenId};
use keydesk_store::{ViolationRow, OperationUse, Token};

/// A token's limits and all that speaks for others.
#[derive(Debug)]
pub(crate) struct LimitsReview {
    pub token: Token,
    /// What it was used for in the last 30 days.
    pub uses: Vec<OperationUse>,
    pub objected: Vec<ViolationRow>,
    /// The smallest limits with which all that passed would have passed. None: it was not used.
    pub smallest_scopes: Option<ScopeSet>,
    pub smallest_addresses: Option<IpAllowlist>,
}

/// Limits that are to hold, or only to be tried beside those that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Try,
    Now,
}

impl Start {
    /// What a form chose, and what its page says when that is done.
    pub fn chosen(text: &str) -> (Self, &'static str) {
        match text {
            "now" => (Self::Now, "limits_enforced"),
            _ => (Self::Try, "limits_on_observed"),
        }
    }
}

pub(crate) async fn review_limits(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<LimitsReview, Problem> {
    let token = find_api_token(app, caller, id).await?;
    let since = app.now().minus(LATELY);
    let mut read = app.store.read().await?;
    let uses = read.list_operation_use_of(id, since).await?;
    let objected = read.list_objected(caller.account.id, since).await?;
    let addresses = read.list_addresses_of(id, since).await?;
    let rules = read.find_rules().await?.unwrap_or_default().live.rules;
    // What was refused is not what it is used for.
    let passed = || uses.iter().filter(|seen| seen.calls > seen.refused);
    let smallest_scopes =
        RuleTable::new(&rules).smallest_scopes(passed().map(|seen| seen.operation.as_str()));
    let smallest_scopes = match smallest_scopes {
        // Calls for which there is no rule need a token for everything.
        None => Some(ScopeSet::everything()),
        Some(scopes) => Some(scopes).filter(|scopes| !scopes.is_empty()),
    };
    let smallest_addresses = addresses.join(" ").parse::<IpAllowlist>().ok();
    Ok(LimitsReview {
        token,
        objected: objected.into_iter().filter(|seen| seen.token == id).collect(),
        smallest_scopes,
        smallest_addresses: smallest_addresses
            .map(|list| list.proposed())
            .filter(|list| !list.is_empty()),
        uses,
    })
}

/// Sets a token's limits. What is tried is dropped when others come into force.
pub(crate) async fn limit_api_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    wanted: TokenLimits,
    start: Start,
) -> Result<(), Problem> {
    let (mut write, caller) = app.write_as(caller).await?;
    caller.permit(Permission::ManageTokens)?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    wanted.scopes.check_size().map_err(|error| Problem::invalid(error.user_message()))?;
    if wanted.scopes.is_empty() {
        return Err(Problem::invalid(text("scope-needed")));
    }
    let holds = TokenLimits { scopes: token.scopes, addresses: token.addresses };
    let (grant, observed) = match start {
        Start::Now => (&wanted, None),
        Start::Try => (&holds, Some(&wanted)),
    };
    write.limit_token(id, grant, observed).await?;
    let detail = serde_json::json!({
        "before": { "limits": holds, "observed": token.observed },
        "after": { "limits": grant, "observed": observed },
    });
    write.commit(caller.entry(Event::TokenLimited, id, detail)).await?;
    Ok(())
}

/// What limits objected to in the account in the last 30 days.
pub(crate) async fn list_objected(app: &AppState, caller: &Caller) -> Result<Vec<ViolationRow>, Problem> {
    caller.permit(Permission::SeeTokens)?;
    let since = app.now().minus(LATELY);
    Ok(app.store.read().await?.list_objected(caller.account.id, since).await?)
}

/// What an violation means to the reader of a list.
pub(crate) fn why(objected: &ViolationRow) -> String {
    text(match (objected.violation, objected.refused > 0) {
        (Violation::Scope, true) => "violation-scope",
        (Violation::Scope, false) => "violation-scope-observed",
        (Violation::ObservedScope, _) => "violation-observed-scope",
        (Violation::Address, _) => "violation-ip",
        (Violation::ObservedIpAddress, _) => "violation-observed-ip",
        (Violation::Rate, true) => "violation-rate",
        (Violation::Rate, false) => "violation-rate-observed",
        (Violation::Quota, true) => "violation-quota",
        (Violation::PreviousSecret, _) => "violation-previous-secret",
        (Violation::Quota, false) => "violation-quota-observed",
    })
    .to_string()
}
