//! `/account` of the management API: the account of the management key.

use crate::{
    AppState,
    door::api::{
        ApiError, Etagged, IfMatch, Request,
        body::json_bodies,
        etag::etag_of,
        names::{ModeName, StateName},
        principal::By,
    },
    names,
    principal::Caller,
};
use axum::extract::State;
use keydesk_model::Plan;
use keydesk_store::Account;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The account of the management key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountObject {
    /// The account number, which the endpoint URL contains.
    #[schema(example = "385403")]
    number: String,
    name: String,
    state: StateName,
    /// The URL that API requests of the account are sent to.
    endpoint_url: String,
    /// Whether all members must have two-factor authentication.
    requires_two_factor: bool,
}

impl AccountObject {
    fn new(app: &AppState, account: &Account) -> Self {
        Self {
            number: account.number.to_string(),
            name: account.name.clone(),
            state: StateName(account.state),
            endpoint_url: app.settings.endpoint_url(account.number),
            requires_two_factor: account.requires_two_factor,
        }
    }

    fn etagged(self) -> Etagged<Self> {
        Etagged { etag: etag_of(&self), object: self }
    }
}

/// Reads the account of the management key.
#[utoipa::path(get, path = "/account", operation_id = "read_account", tag = "Account",
    responses((status = 200, body = AccountObject, description = "The account.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_account(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Etagged<AccountObject> {
    AccountObject::new(&app, &caller.account).etagged()
}

/// A change of the account (a merge patch, RFC 7396). An absent field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme Ltd"}))]
pub(crate) struct AccountPatch {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
}

json_bodies!(AccountPatch);

/// Renames the account.
#[utoipa::path(patch, path = "/account", operation_id = "update_account", tag = "Account",
    request_body(content = AccountPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AccountObject, description = "The account as it is now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn update_account(
    State(app): State<AppState>,
    request: Request<Caller, AccountPatch>,
) -> Result<Etagged<AccountObject>, ApiError> {
    let caller = &request.caller;
    let mut object = AccountObject::new(&app, &caller.account);
    if request.if_match != IfMatch::Absent {
        request.if_match.check(&etag_of(&object))?;
    }
    if let Some(name) = &request.body.name {
        object.name = names::rename_account(&app, caller, name).await?;
    }
    Ok(object.etagged())
}

/// The limits that an operator sets for accounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanObject {
    name: String,
    /// The rate limit of all tokens of an account together, such as `600/m`.
    rate_limit: Option<String>,
    /// The rate limit of each token.
    token_rate_limit: Option<String>,
    /// The requests in a calendar month (UTC).
    monthly_quota: Option<u64>,
    mode: ModeName,
}

impl From<&Plan> for PlanObject {
    fn from(plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            rate_limit: plan.rate.map(|rate| rate.to_string()),
            token_rate_limit: plan.token_rate.map(|rate| rate.to_string()),
            monthly_quota: plan.monthly_quota,
            mode: ModeName(plan.mode),
        }
    }
}
