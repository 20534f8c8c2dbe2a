//! The API Docs page: endpoint URL, bearer token, a first request, and the API reference.

mod agents;
mod collection;
pub(crate) mod console;
mod merge;
mod openapi;
mod served;
mod snippets;
mod source;

pub use openapi::DocumentError;
pub(crate) use openapi::ScopeOffer;
pub use source::OpenApiSource;

use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::Permission;
use serde_json::Value;
use std::sync::Arc;

/// Returns the API's OpenAPI document.
pub(crate) async fn find_document(app: &AppState, caller: &Caller) -> Result<Arc<Value>, Refusal> {
    caller.permit(Permission::UseApiDocs)?;
    Ok(app.openapi.document().await.ok_or(Code::ReferenceUnavailable)?)
}
