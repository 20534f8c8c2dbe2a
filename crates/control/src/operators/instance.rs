//! What an operator sees of the instance: plans, the operations' rules, operators, gateways. It is set in the
//! configuration and at the server's command line.

use super::Operator;
use crate::{Desk, ListedNode, list_nodes, problem::Problem};
use keydesk_model::{Plan, Timestamp};
use keydesk_store::StoredRules;

/// The plans, and the name of the one that accounts without a plan of their own have.
pub(crate) fn plans<'a>(desk: &'a Desk, _: &Operator) -> (&'a [Plan], Option<&'a str>) {
    (&desk.settings.plans.all, desk.settings.plans.default.as_deref())
}

pub(crate) async fn rules(desk: &Desk, _: &Operator) -> Result<Option<StoredRules>, Problem> {
    Ok(desk.store.read().await?.find_rules().await?)
}

pub(crate) async fn operators(
    desk: &Desk,
    _: &Operator,
) -> Result<Vec<keydesk_store::Operator>, Problem> {
    Ok(desk.store.read().await?.list_operators().await?)
}

pub(crate) async fn gateways(
    desk: &Desk,
    _: &Operator,
) -> Result<(Vec<ListedNode>, Timestamp), Problem> {
    Ok(list_nodes(&desk.store, desk.now()).await?)
}
