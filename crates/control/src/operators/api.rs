//! `/accounts` of the management API, for operators.

use super::{
    find_account, invite_owner, list_accounts, list_clients_beyond_plan, list_clients_of_account,
    open_account, rename_account, set_plan, set_state,
};
use crate::{
    AppState,
    consequences::api::{Consequences, check, consequences},
    door::api::{
        Answer, ApiError, ApiPath, ApiQuery, Etagged, IfMatch, Instant, Position, Request,
        body::json_bodies,
        etag::etag_of,
        names::StateName,
        page::{PageParams, list_schemas, read_text},
        principal::By,
        request::once,
    },
    principal::{Administrator, Operator},
    receipts::api::IssuedReceipt,
    refusal::At as _,
};
use axum::{extract::State, http::StatusCode, response::Response};
use keydesk_model::{AccountName, AccountNumber, AccountState};
use keydesk_store::AccountOverview;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An account, as operators see it. Its `ETag` covers everything but the counts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ManagedAccount)]
pub(crate) struct ManagedObject {
    #[schema(example = "385403")]
    number: String,
    name: String,
    state: StateName,
    state_since: Option<Instant>,
    /// The name of its plan. Empty for the default plan.
    plan: String,
    endpoint_url: String,
    members: i64,
    active_api_tokens: i64,
    /// The requests of this month (UTC), if the plan has a quota.
    requests_this_month: i64,
}

impl ManagedObject {
    fn new(app: &AppState, found: AccountOverview) -> Self {
        let account = found.account;
        Self {
            number: account.number.to_string(),
            endpoint_url: app.settings.endpoint_url(account.number),
            state: StateName(account.state),
            state_since: account.state_since.map(Instant),
            members: found.members,
            active_api_tokens: found.api_tokens,
            requests_this_month: found.requests,
            name: account.name,
            plan: account.plan,
        }
    }

    fn etagged(self) -> Etagged<Self> {
        let (members, active_api_tokens, requests_this_month) = (0, 0, 0);
        let still = Self { members, active_api_tokens, requests_this_month, ..self.clone() };
        Etagged { etag: etag_of(&still), object: self }
    }
}

list_schemas! { ManagedAccountList of ManagedObject }

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountFilterParams {
    /// A part of the name or number.
    #[serde(default)]
    #[param(required = false, max_length = 100)]
    text: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct AccountNumberParam {
    /// The number of an account.
    #[param(example = "385403")]
    number: String,
}

/// Lists the accounts by number.
#[utoipa::path(get, path = "/accounts", operation_id = "list_accounts", tag = "Accounts", params(PageParams, AccountFilterParams),
    responses((status = 200, body = ManagedAccountList, description = "A page of accounts.")))]
pub(crate) async fn list_managed_accounts(
    State(app): State<AppState>,
    By(operator): By<Operator>,
    position: Position<AccountFilterParams>,
) -> Result<Response, ApiError> {
    let (text, after) = (read_text(&position.filter.text)?, position.after()?);
    let (found, has_more) = list_accounts(&app, &operator, (text, after), position.limit).await?;
    let next = found.last().filter(|_| has_more).map(|last| last.account.number);
    let items: Vec<_> = found.into_iter().map(|found| ManagedObject::new(&app, found)).collect();
    Ok(position.respond(&app, (items, next)))
}

async fn read(
    app: &AppState,
    operator: &Operator,
    number: AccountNumber,
) -> Result<ManagedObject, ApiError> {
    Ok(ManagedObject::new(app, find_account(app, operator, number).await?.found))
}

/// Reads an account.
#[utoipa::path(get, path = "/accounts/{number}", operation_id = "read_managed_account", tag = "Accounts", params(AccountNumberParam),
    responses((status = 200, body = ManagedObject, description = "The account.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_managed_account(
    State(app): State<AppState>,
    By(operator): By<Operator>,
    ApiPath(number): ApiPath<AccountNumber>,
) -> Result<Etagged<ManagedObject>, ApiError> {
    Ok(read(&app, &operator, number).await?.etagged())
}

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount, example = json!({"name": "Acme", "owner": "ann@acme.example"}))]
pub(crate) struct AccountBody {
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// The email address of the first owner, who is invited.
    owner: String,
}

/// A change of an account (a merge patch, RFC 7396). Absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme Ltd"}))]
pub(crate) struct ManagedAccountPatch {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// The name of a plan; empty for the default plan. Requires the `ETag` of the consequences in `If-Match`, or `*`.
    #[serde(default)]
    plan: Option<String>,
}

/// An invitation of an owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOwner, example = json!({"email": "ann@acme.example"}))]
pub(crate) struct OwnerBody {
    email: String,
}

json_bodies!(AccountBody, ManagedAccountPatch, OwnerBody);

/// Opens an account, and invites its first owner.
#[utoipa::path(post, path = "/accounts", operation_id = "open_account", tag = "Accounts", request_body = AccountBody,
    responses((status = 201, body = ManagedObject, description = "The account was opened.", headers(("Location" = String, description = "The account.")))))]
pub(crate) async fn open(
    State(app): State<AppState>,
    request: Request<Operator, AccountBody>,
) -> Result<Answer<ManagedObject>, ApiError> {
    let (operator, body) = (&request.caller, &request.body);
    let answer = once!(
        app,
        request,
        {
            let number = open_account(&app, operator, &body.name, &body.owner).await?;
            read(&app, operator, number).await
        },
        |done| {
            let number = super::find_number(&app, operator, &done.target).await?;
            read(&app, operator, number).await?
        }
    );
    let path = format!("/accounts/{}", answer.object.number);
    Ok(answer.created_at(&app, &path))
}

/// Renames an account, or changes its plan.
#[utoipa::path(patch, path = "/accounts/{number}", operation_id = "update_managed_account", tag = "Accounts", params(AccountNumberParam),
    request_body(content = ManagedAccountPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ManagedObject, description = "The account as it is now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn update_managed_account(
    State(app): State<AppState>,
    ApiPath(number): ApiPath<AccountNumber>,
    request: Request<Operator, ManagedAccountPatch>,
) -> Result<Etagged<ManagedObject>, ApiError> {
    let (operator, patch) = (&request.caller, &request.body);
    if let Some(plan) = &patch.plan {
        let clients = list_clients_beyond_plan(&app, operator, (number, plan)).await?;
        check(&request.if_match, &clients)?;
    } else if request.if_match != IfMatch::Absent {
        request.if_match.check(&read(&app, operator, number).await?.etagged().etag)?;
    }
    // All is read before anything changes.
    let name = patch.name.as_deref().map(str::parse::<AccountName>).transpose().at("name")?;
    if let Some(plan) = &patch.plan {
        let (store, administrator) = ((&app.store, app.now()), Administrator::Operator(operator));
        set_plan(administrator, store, &app.settings.plans, (number, plan)).await?;
    }
    if let Some(name) = &name {
        rename_account(&app, operator, (number, name.as_str())).await?;
    }
    Ok(read(&app, operator, number).await?.etagged())
}

/// The plan that the account would get.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NextPlan {
    /// The name of the plan; empty for the default plan. Without it, the account would be suspended or closed.
    #[serde(default)]
    #[param(required = false)]
    plan: Option<String>,
}

/// Lists the clients that would stop working if the account were suspended or closed, or if it got another plan.
///
/// A plan affects clients if it would reject requests of the last 30 days: by hour, so shorter bursts aren’t noticed.
#[utoipa::path(get, path = "/accounts/{number}/consequences", operation_id = "list_account_consequences", tag = "Accounts", params(AccountNumberParam, NextPlan),
    responses((status = 200, body = Consequences, description = "The clients, and an ETag that names them.", headers(("ETag" = String, description = "For If-Match of the request.")))))]
pub(crate) async fn list_account_consequences(
    State(app): State<AppState>,
    By(operator): By<Operator>,
    ApiPath(number): ApiPath<AccountNumber>,
    ApiQuery(next): ApiQuery<NextPlan>,
) -> Result<Etagged<Consequences>, ApiError> {
    Ok(consequences(match next.plan {
        Some(plan) => list_clients_beyond_plan(&app, &operator, (number, &plan)).await?,
        None => list_clients_of_account(&app, &operator, number).await?,
    }))
}

/// An account whose state has changed, with the receipt for its tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedAccount {
    account: ManagedObject,
    receipt: Option<IssuedReceipt>,
}

async fn change(
    app: AppState,
    number: AccountNumber,
    (request, next): (Request<Operator>, AccountState),
) -> Result<Answer<ChangedAccount>, ApiError> {
    let operator = &request.caller;
    Ok(once!(
        app,
        request,
        {
            // Nothing stops working when an account is restored.
            if next != AccountState::Active {
                check(&request.if_match, &list_clients_of_account(&app, operator, number).await?)?;
            }
            let receipt = set_state(&app, operator, number, next).await?;
            let account = read(&app, operator, number).await?;
            Ok(ChangedAccount { account, receipt: receipt.map(IssuedReceipt::from) })
        },
        |_done| ChangedAccount { account: read(&app, operator, number).await?, receipt: None }
    ))
}

/// Suspends an account: its tokens are rejected until it is restored.
///
/// Requires the `ETag` of the consequences in `If-Match`, or `*`.
#[utoipa::path(post, path = "/accounts/{number}/suspensions", operation_id = "suspend_account", tag = "Accounts", params(AccountNumberParam),
    responses((status = 200, body = ChangedAccount, description = "The account was suspended.")))]
pub(crate) async fn suspend(
    State(app): State<AppState>,
    ApiPath(number): ApiPath<AccountNumber>,
    request: Request<Operator>,
) -> Result<Answer<ChangedAccount>, ApiError> {
    change(app, number, (request, AccountState::Suspended)).await
}

/// Closes an account. It can be restored for 30 days; then its tokens are revoked permanently.
///
/// Requires the `ETag` of the consequences in `If-Match`, or `*`.
#[utoipa::path(post, path = "/accounts/{number}/closures", operation_id = "close_account", tag = "Accounts", params(AccountNumberParam),
    responses((status = 200, body = ChangedAccount, description = "The account was closed.")))]
pub(crate) async fn close(
    State(app): State<AppState>,
    ApiPath(number): ApiPath<AccountNumber>,
    request: Request<Operator>,
) -> Result<Answer<ChangedAccount>, ApiError> {
    change(app, number, (request, AccountState::Closed)).await
}

/// Restores an account that is suspended or closed: its tokens are accepted again.
#[utoipa::path(post, path = "/accounts/{number}/restorations", operation_id = "restore_account", tag = "Accounts", params(AccountNumberParam),
    responses((status = 200, body = ChangedAccount, description = "The account was restored.")))]
pub(crate) async fn restore(
    State(app): State<AppState>,
    ApiPath(number): ApiPath<AccountNumber>,
    request: Request<Operator>,
) -> Result<Answer<ChangedAccount>, ApiError> {
    change(app, number, (request, AccountState::Active)).await
}

/// Invites an owner of an account. While the account has no members, the invitation replaces earlier ones.
#[utoipa::path(post, path = "/accounts/{number}/owner-invitations", operation_id = "invite_owner", tag = "Accounts", params(AccountNumberParam),
    request_body = OwnerBody, responses((status = 204, description = "The invitation was sent.")))]
pub(crate) async fn invite(
    State(app): State<AppState>,
    ApiPath(number): ApiPath<AccountNumber>,
    request: Request<Operator, OwnerBody>,
) -> Result<StatusCode, ApiError> {
    let operator = &request.caller;
    let _: Answer<()> = once!(
        app,
        request,
        {
            let invited = invite_owner(&app, operator, number, &request.body.email).await;
            invited.map_err(|refusal| {
                let is_about_address = refusal.field() == Some("owner");
                ApiError::from(if is_about_address { refusal.renamed("email") } else { refusal })
            })
        },
        |_done| ()
    );
    Ok(StatusCode::NO_CONTENT)
}
