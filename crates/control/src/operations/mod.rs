//! Operation rules, read from the OpenAPI document and the configuration. Changed rules are applied only after the
//! operator has seen which requests they would newly reject.

use crate::{AppState, api_docs::ScopeOffer};
use keydesk_model::{
    Actor, Clock, Event, LiveRules, Mode, Operation, Origin, PathMatching, RuleTable, Rules,
    ScopeSet, Timestamp, Unlisted, audit::RulesStatus,
};
use keydesk_store::{AuditEntry, OperationUse, Read, Store, StoreError, StoredRules, Write};
use std::time::Duration;

/// The time span of the requests that are checked against changed rules.
pub(crate) const LATELY: Duration = Duration::from_hours(720);

/// The sources of the rules.
#[derive(Clone, Debug, Default)]
pub struct RuleSource {
    /// The rules from the configuration, which take precedence over the document's.
    pub own: Vec<Operation>,
    pub unlisted: Unlisted,
    pub paths: PathMatching,
}

/// Recent requests that were permitted and would be rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewlyRejected {
    pub token_name: String,
    pub client: String,
    pub operation: String,
    pub requests: i64,
}

/// The result of synchronizing a changed document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Synced {
    /// The rules have not changed.
    Same,
    InForce,
    /// The rules would reject current requests, and wait for the operator's approval.
    Pending(Vec<NewlyRejected>),
}

#[derive(Debug, thiserror::Error)]
pub enum OperationsError {
    #[error("there are no rules yet: no document and no [[operation]] has been read")]
    None,
    #[error("nothing is waiting to be put in force")]
    NothingPending,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RuleSource {
    /// Returns the document's rules, preceded by the configuration's.
    pub fn with(&self, document: Vec<Operation>) -> Rules {
        let (unlisted, paths) = (self.unlisted, self.paths);
        let mut rules = Rules { operations: self.own.clone(), unlisted, paths };
        for operation in document {
            rules.operations.push(operation);
            // The configuration already has a rule for the same requests.
            if rules.check().is_err() {
                rules.operations.pop();
            }
        }
        rules
    }
}

/// Applies changed rules. They take effect immediately in observe mode, or if they would reject no recent request;
/// otherwise they wait for approval.
pub async fn sync_rules(store: &Store, clock: &Clock, rules: Rules) -> Result<Synced, StoreError> {
    let mut write = store.write(clock.now()).await?;
    let Some(StoredRules { live, pending }) = write.find_rules().await? else {
        let first = LiveRules { rules, mode: Mode::Observe };
        put_in_force(write, &first, Actor::Node).await?;
        return Ok(Synced::InForce);
    };
    if live.rules == rules {
        if pending.is_some() {
            write.set_pending_rules(None).await?;
            write.commit(entry(Actor::Node, changed(RulesStatus::Withdrawn, None))).await?;
        }
        return Ok(Synced::Same);
    }
    let next = LiveRules { rules, mode: live.mode };
    let rejected = newly_rejected(&mut write, &live, &next, clock.now()).await?;
    if rejected.is_empty() {
        put_in_force(write, &next, Actor::Node).await?;
        return Ok(Synced::InForce);
    }
    if pending.as_ref() != Some(&next.rules) {
        write.set_pending_rules(Some(&next.rules)).await?;
        let pending = changed(RulesStatus::Pending, Some(&next));
        write.commit(entry(Actor::Node, pending)).await?;
    }
    Ok(Synced::Pending(rejected))
}

/// Puts the pending rules in force, with the operator's approval.
pub async fn apply_pending_rules(store: &Store, clock: &Clock) -> Result<(), OperationsError> {
    let mut write = store.write(clock.now()).await?;
    let stored = write.find_rules().await?.ok_or(OperationsError::None)?;
    let rules = stored.pending.ok_or(OperationsError::NothingPending)?;
    let next = LiveRules { rules, mode: stored.live.mode };
    Ok(put_in_force(write, &next, Actor::Operator { user: None }).await?)
}

/// Sets whether the rules are enforced or only observed.
pub async fn set_rules_mode(
    store: &Store,
    clock: &Clock,
    mode: Mode,
) -> Result<(), OperationsError> {
    let mut write = store.write(clock.now()).await?;
    let stored = write.find_rules().await?.ok_or(OperationsError::None)?;
    // Rules that wait because they would reject requests need not wait if nothing is rejected.
    let (pending, rules) = (stored.pending, stored.live.rules);
    let (rules, waits) = match (mode, pending) {
        (Mode::Observe, Some(pending)) => (pending, None),
        (_, pending) => (rules, pending),
    };
    let next = LiveRules { rules, mode };
    write.set_rules(&next).await?;
    write.set_pending_rules(waits.as_ref()).await?;
    let in_force = changed(RulesStatus::InForce, Some(&next));
    write.commit(entry(Actor::Operator { user: None }, in_force)).await?;
    Ok(())
}

async fn put_in_force(mut write: Write, live: &LiveRules, actor: Actor) -> Result<(), StoreError> {
    write.set_rules(live).await?;
    let in_force = changed(RulesStatus::InForce, Some(live));
    write.commit(entry(actor, in_force)).await.map(|_| ())
}

fn changed(status: RulesStatus, live: Option<&LiveRules>) -> Event {
    Event::OperationsChanged {
        status,
        mode: live.map(|live| live.mode),
        unlisted: live.map(|live| live.rules.unlisted),
        operations: live.map(|live| live.rules.operations.len()),
    }
}

fn entry(actor: Actor, event: Event) -> AuditEntry {
    AuditEntry {
        event,
        actor,
        origin: Origin::default(),
        account: None,
        target: "operations".to_owned(),
    }
}

/// Returns the recent requests that `live` permits and `next` would reject.
pub async fn newly_rejected(
    read: &mut Read,
    live: &LiveRules,
    next: &LiveRules,
    now: Timestamp,
) -> Result<Vec<NewlyRejected>, StoreError> {
    if next.mode == Mode::Observe {
        return Ok(Vec::new());
    }
    let (before, after) = (RuleTable::new(&live.rules), RuleTable::new(&next.rules));
    let passes = |table: &RuleTable, name: &str, held: &ScopeSet| {
        table.allows_named(name, held).unwrap_or_else(|| table.allows(None, held))
    };
    let is_new = |seen: &OperationUse| {
        let went_through =
            live.mode == Mode::Observe || passes(&before, &seen.operation, &seen.scopes);
        went_through && !passes(&after, &seen.operation, &seen.scopes)
    };
    let uses = read.list_operation_use(now.minus(LATELY)).await?;
    let rejected = uses.into_iter().filter(is_new).map(|seen| NewlyRejected {
        token_name: seen.token_name,
        client: seen.client,
        operation: seen.operation,
        requests: seen.requests,
    });
    Ok(rejected.collect())
}

/// Returns whether scopes are only observed, so that a token without the required scope is still accepted.
pub(crate) async fn are_scopes_observed(app: &AppState) -> Result<bool, StoreError> {
    let stored = app.store.read().await?.find_rules().await?;
    Ok(stored.is_some_and(|stored| stored.live.mode == Mode::Observe))
}

/// Returns the scopes that a token can have: those that rules require, with the operations that each permits.
pub(crate) async fn list_scope_offers(app: &AppState) -> Result<Vec<ScopeOffer>, StoreError> {
    let stored = app.store.read().await?.find_rules().await?.unwrap_or_default();
    Ok(app.openapi.offers(&stored.live.rules).await)
}
