//! The door for programs: JSON with problems by RFC 9457, management keys, preconditions, pages, and repeatable requests.
//! It decides nothing: each handler in a feature's `api.rs` calls the use case that the console calls.

pub(crate) mod body;
pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod etag;
pub(crate) mod guard;
pub(crate) mod names;
mod older;
pub(crate) mod page;
pub(crate) mod principal;
pub(crate) mod request;

pub(crate) use body::Body;
pub(crate) use error::{ApiError, RequestCode};
pub(crate) use etag::{Etagged, IfMatch, if_match};
pub(crate) use names::Instant;
pub(crate) use page::Position;
pub(crate) use principal::{ApiPath, ApiPaths, ApiQuery};
pub(crate) use request::{Answer, Request};

pub(crate) use crate::settings::API_PATH as BASE;

/// Returns whether the path is in the management API, whose guard authenticates the request.
pub(crate) fn contains(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
