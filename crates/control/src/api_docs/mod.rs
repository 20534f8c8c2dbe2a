//! The API Docs page: endpoint URL, bearer token, a first request, and the API reference.

mod agents;
mod collection;
pub(crate) mod console;
mod merge;
mod openapi;
mod reference;
mod served;
mod snippets;
mod source;
mod versions;

pub use openapi::DocumentError;
pub(crate) use openapi::ScopeOffer;
pub use source::OpenApiSource;
pub use versions::record_api_version;

use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::Permission;
use serde_json::Value;
use std::sync::Arc;

/// Returns the endpoint URL of the caller's account.
pub(crate) fn find_endpoint_url(app: &AppState, caller: &Caller) -> Result<String, Refusal> {
    caller.permit(Permission::UseApiDocs)?;
    Ok(app.settings.endpoint_url(caller.account.number))
}

/// Returns the API's OpenAPI document.
pub(crate) async fn find_document(app: &AppState, caller: &Caller) -> Result<Arc<Value>, Refusal> {
    caller.permit(Permission::UseApiDocs)?;
    Ok(app.openapi.document().await.ok_or(Code::ReferenceUnavailable)?)
}
