//! Read-only views of the instance for operators: plans, operation rules, operators, and gateways. They are set in the
//! configuration and on the server's command line.

pub(crate) mod console;

use crate::{AppState, ListedNode, list_nodes, principal::Operator, refusal::Refusal};
use keydesk_model::{Plan, Timestamp};
use keydesk_store::StoredRules;

/// Returns the plans, and the name of the default plan for accounts without a plan of their own.
pub(crate) fn plans<'a>(app: &'a AppState, _: &Operator) -> (&'a [Plan], Option<&'a str>) {
    (&app.settings.plans.all, app.settings.plans.default.as_deref())
}

pub(crate) async fn rules(app: &AppState, _: &Operator) -> Result<Option<StoredRules>, Refusal> {
    Ok(app.store.read().await?.find_rules().await?)
}

pub(crate) async fn operators(
    app: &AppState,
    _: &Operator,
) -> Result<Vec<keydesk_store::Operator>, Refusal> {
    Ok(app.store.read().await?.list_operators().await?)
}

pub(crate) async fn gateways(
    app: &AppState,
    _: &Operator,
) -> Result<(Vec<ListedNode>, Timestamp), Refusal> {
    Ok(list_nodes(&app.store, app.now()).await?)
}
