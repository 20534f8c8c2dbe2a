//! `/instance/usage` of the management API.

use super::{AccountUsage, list_account_usage};
use crate::{
    AppState,
    door::api::{ApiError, Instant, principal::By},
    principal::Operator,
};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

/// The requests of an account in the last 30 days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountUsage)]
pub(crate) struct AccountUsageObject {
    #[schema(example = "385403")]
    account: String,
    name: String,
    requests: u64,
    /// Those with a status of 400 or higher.
    errors: u64,
    /// Those with a status of 500 or higher.
    server_errors: u64,
    /// The number of requests on each day, the last one at the end.
    days: Vec<u64>,
}

impl From<AccountUsage> for AccountUsageObject {
    fn from(usage: AccountUsage) -> Self {
        Self {
            account: usage.number.to_string(),
            name: usage.name,
            requests: usage.total.requests,
            errors: usage.total.errors,
            server_errors: usage.total.server_errors,
            days: usage.days,
        }
    }
}

/// The usage of the accounts with the most requests.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstanceUsage)]
pub(crate) struct InstanceUsageObject {
    /// The first day (UTC).
    from: Instant,
    accounts: Vec<AccountUsageObject>,
}

/// Lists the 100 accounts with the most requests in the last 30 days, up to the last full hour.
#[utoipa::path(get, path = "/instance/usage", operation_id = "read_instance_usage", tag = "Instance",
    responses((status = 200, body = InstanceUsageObject, description = "The usage.")))]
pub(crate) async fn read_instance_usage(
    State(app): State<AppState>,
    By(operator): By<Operator>,
) -> Result<Json<InstanceUsageObject>, ApiError> {
    let (accounts, since) = list_account_usage(&app, &operator).await?;
    let accounts = accounts.into_iter().map(AccountUsageObject::from).collect();
    Ok(Json(InstanceUsageObject { from: Instant(since), accounts }))
}
