//! `/receipts` of the management API, and the receipt in the response to a revocation.

use super::{Issued, reading};
use crate::{
    AppState,
    door::api::{
        ApiError, ApiPath, Instant, Position,
        page::{PageParams, list_schemas, read_text},
        principal::By,
    },
    principal::Caller,
};
use axum::{Json, extract::State, response::Response};
use keydesk_store::FinishedRequest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The receipt of a revocation, in the response to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuedReceipt {
    /// Its number. `null` if the change was made, but the responses of the gateways could not be recorded.
    number: Option<i64>,
    /// Whether every gateway already rejects the token.
    complete: bool,
    /// The time from which every gateway rejects the token. `null` if it isn’t known.
    effective_at: Option<Instant>,
}

impl From<Issued> for IssuedReceipt {
    fn from(issued: Issued) -> Self {
        let Issued { number, is_complete, effective_at } = issued;
        Self { number, complete: is_complete, effective_at: effective_at.map(Instant) }
    }
}

/// Returns the receipt that a request issued when it was made before.
pub(crate) async fn find_issued(
    app: &AppState,
    caller: &Caller,
    done: &FinishedRequest,
) -> Result<Option<IssuedReceipt>, ApiError> {
    let found = reading::find_of_change(app, caller, (&done.target, done.audit_seq)).await?;
    Ok(found.map(|found| IssuedReceipt {
        number: Some(found.number),
        complete: found.receipt.complete,
        effective_at: Some(Instant(found.receipt.effective_at)),
    }))
}

/// A gateway that has confirmed that it rejects the token.
#[derive(Debug, Serialize, ToSchema)]
struct ConfirmedBy {
    name: String,
    /// The time after the change in milliseconds.
    after_ms: f64,
}

/// A gateway that hasn’t confirmed, and rejects the token when its lease ends.
#[derive(Debug, Serialize, ToSchema)]
struct UnconfirmedBy {
    name: String,
    rejects_from: Instant,
}

/// A signed receipt: which gateways reject a token, and from when on the others do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(crate) struct ReceiptObject {
    number: i64,
    /// The change, named as in the audit log.
    event: String,
    /// The ID of the token, member, or user that it concerns.
    target: String,
    target_name: Option<String>,
    committed_at: Instant,
    complete: bool,
    effective_at: Instant,
    /// Whether the change survives the loss of the database server: `single`, `asynchronous`, or `synchronous`.
    durability: String,
    confirmed_by: Vec<ConfirmedBy>,
    unconfirmed_by: Vec<UnconfirmedBy>,
    /// The signed receipt, which third parties verify with the keys of `/receipt-keys`.
    jws: String,
}

impl From<reading::VerifiedReceipt> for ReceiptObject {
    fn from(found: reading::VerifiedReceipt) -> Self {
        let reading::VerifiedReceipt { number, receipt, jws, target_name } = found;
        let confirmed = receipt.confirmed.into_iter();
        let unconfirmed = receipt.unconfirmed.into_iter();
        Self {
            number,
            event: receipt.event,
            target: receipt.target,
            target_name,
            committed_at: Instant(receipt.committed_at),
            complete: receipt.complete,
            effective_at: Instant(receipt.effective_at),
            durability: receipt.durability,
            confirmed_by: confirmed
                .map(|node| ConfirmedBy { name: node.name, after_ms: node.after_ms })
                .collect(),
            unconfirmed_by: unconfirmed
                .map(|node| UnconfirmedBy {
                    name: node.name,
                    rejects_from: Instant(node.rejects_from),
                })
                .collect(),
            jws,
        }
    }
}

list_schemas! { ReceiptList of ReceiptObject }

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReceiptFilterParams {
    /// A part of the name of the token, member, or user.
    #[serde(default)]
    #[param(required = false, max_length = 100)]
    text: String,
}

/// Lists the account’s receipts, newest first.
#[utoipa::path(get, path = "/receipts", operation_id = "list_receipts", tag = "Receipts", params(PageParams, ReceiptFilterParams),
    responses((status = 200, body = ReceiptList, description = "A page of receipts.")))]
pub(crate) async fn list_receipts(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    position: Position<ReceiptFilterParams>,
) -> Result<Response, ApiError> {
    let wanted = (read_text(&position.filter.text)?, position.after()?);
    let (found, has_more) = reading::list(&app, &caller, wanted, position.limit).await?;
    let next = found.last().filter(|_| has_more).map(|last| last.number);
    let items: Vec<_> = found.into_iter().map(ReceiptObject::from).collect();
    Ok(position.respond(&app, (items, next)))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct ReceiptNumberParam {
    /// The number of a receipt.
    #[param(example = 42)]
    number: i64,
}

/// Reads a receipt.
#[utoipa::path(get, path = "/receipts/{number}", operation_id = "read_receipt", tag = "Receipts", params(ReceiptNumberParam),
    responses((status = 200, body = ReceiptObject, description = "The receipt.")))]
pub(crate) async fn read_receipt(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(number): ApiPath<i64>,
) -> Result<Json<ReceiptObject>, ApiError> {
    Ok(Json(reading::find(&app, &caller, &number.to_string()).await?.into()))
}

/// A set of public keys (JWK set, RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeySet)]
pub(crate) struct KeySetObject {
    #[schema(value_type = Vec<Object>)]
    keys: serde_json::Value,
}

/// Lists the public keys that verify receipts.
#[utoipa::path(get, path = "/receipt-keys", operation_id = "list_receipt_keys", tag = "Receipts",
    responses((status = 200, body = KeySetObject, description = "A JWK set.")))]
pub(crate) async fn list_receipt_keys(
    State(app): State<AppState>,
    By(_): By<Caller>,
) -> Result<Json<KeySetObject>, ApiError> {
    let mut set = reading::list_keys(&app).await?;
    Ok(Json(KeySetObject { keys: set["keys"].take() }))
}
