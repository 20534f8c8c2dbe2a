//! The API Docs page: endpoint URL, bearer token, a first call, and the API's own reference.

pub(crate) mod console;
mod merge;
mod openapi;
mod served;
mod snippets;
mod source;

pub use openapi::DocumentError;
pub(crate) use openapi::ScopeOffer;
pub use source::OpenApiSource;
