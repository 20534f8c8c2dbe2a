//! What a token may do and where it may be used from: seen beside what it was used for lately, proposed as
//! small as that allows, tried first where wished, then in force.

use super::{find_api_token, find_live_api_token};
use crate::{Desk, Told as _, caller::Caller, operations::LATELY, problem::Problem, say};
use keydesk_model::{Action, AddressList, Grant, Objection, Right, RuleTable, ScopeSet, TokenId};
use keydesk_store::{Objected, OperationUse, Token};

/// A token's limits and all that speaks for others.
#[derive(Debug)]
pub(crate) struct LimitsReview {
    pub token: Token,
    /// What it was used for in the last 30 days.
    pub uses: Vec<OperationUse>,
    pub objected: Vec<Objected>,
    /// The smallest limits with which all that passed would have passed. None: it was not used.
    pub smallest_scopes: Option<ScopeSet>,
    pub smallest_addresses: Option<AddressList>,
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
            "now" => (Self::Now, "limits_in_force"),
            _ => (Self::Try, "limits_on_trial"),
        }
    }
}

pub(crate) async fn review_limits(
    desk: &Desk,
    caller: &Caller,
    id: TokenId,
) -> Result<LimitsReview, Problem> {
    let token = find_api_token(desk, caller, id).await?;
    let since = desk.now().minus(LATELY);
    let mut read = desk.store.read().await?;
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
    let smallest_addresses = addresses.join(" ").parse::<AddressList>().ok();
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
    desk: &Desk,
    caller: &Caller,
    id: TokenId,
    wanted: Grant,
    start: Start,
) -> Result<(), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageTokens)?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    wanted.scopes.check_size().map_err(|error| Problem::invalid(error.told()))?;
    if wanted.scopes.is_empty() {
        return Err(Problem::invalid(say("scope-needed")));
    }
    let holds = Grant { scopes: token.scopes, addresses: token.addresses };
    let (grant, trial) = match start {
        Start::Now => (&wanted, None),
        Start::Try => (&holds, Some(&wanted)),
    };
    write.limit_token(id, grant, trial).await?;
    let detail = serde_json::json!({
        "before": { "limits": holds, "trial": token.trial },
        "after": { "limits": grant, "trial": trial },
    });
    write.commit(caller.entry(Action::LimitToken, id, detail)).await?;
    Ok(())
}

/// What limits objected to in the account in the last 30 days.
pub(crate) async fn list_objected(desk: &Desk, caller: &Caller) -> Result<Vec<Objected>, Problem> {
    caller.permit(Right::SeeTokens)?;
    let since = desk.now().minus(LATELY);
    Ok(desk.store.read().await?.list_objected(caller.account.id, since).await?)
}

/// What an objection means to the reader of a list.
pub(crate) fn why(objected: &Objected) -> String {
    say(match (objected.objection, objected.refused > 0) {
        (Objection::Scope, true) => "why-scope",
        (Objection::Scope, false) => "why-scope-yet",
        (Objection::TrialScope, _) => "why-trial-scope",
        (Objection::Address, _) => "why-address",
        (Objection::TrialAddress, _) => "why-trial-address",
        (Objection::Rate, true) => "why-rate",
        (Objection::Rate, false) => "why-rate-yet",
        (Objection::Quota, true) => "why-quota",
        (Objection::OldSecret, _) => "why-old-secret",
        (Objection::Quota, false) => "why-quota-yet",
    })
    .to_string()
}
