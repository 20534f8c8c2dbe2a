//! Read-only views of the instance for operators: plans, operation rules, operators, and gateways. They are set in the
//! configuration and on the server's command line.

pub(crate) mod api;
pub(crate) mod console;

use crate::{AppState, ListedNode, list_nodes, principal::Operator, refusal::Refusal};
use keydesk_model::{OperatorPermission, Plan, Timestamp};
use keydesk_store::StoredRules;

/// Returns the plans, and the name of the default plan for accounts without a plan of their own.
pub(crate) fn plans<'a>(
    app: &'a AppState,
    operator: &Operator,
) -> Result<(&'a [Plan], Option<&'a str>), Refusal> {
    operator.permit(OperatorPermission::SeeInstance)?;
    Ok((&app.settings.plans.all, app.settings.plans.default.as_deref()))
}

pub(crate) async fn rules(
    app: &AppState,
    operator: &Operator,
) -> Result<Option<StoredRules>, Refusal> {
    operator.permit(OperatorPermission::SeeInstance)?;
    Ok(app.store.read().await?.find_rules().await?)
}

pub(crate) async fn operators(
    app: &AppState,
    operator: &Operator,
) -> Result<Vec<keydesk_store::Operator>, Refusal> {
    operator.permit(OperatorPermission::SeeInstance)?;
    Ok(app.store.read().await?.list_operators().await?)
}

pub(crate) async fn gateways(
    app: &AppState,
    operator: &Operator,
) -> Result<(Vec<ListedNode>, Timestamp), Refusal> {
    operator.permit(OperatorPermission::SeeInstance)?;
    Ok(list_nodes(&app.store, app.now()).await?)
}
