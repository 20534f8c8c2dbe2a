//! Entity tags and preconditions (RFC 9110 section 13.1.1).

use super::{ApiError, RequestCode};
use axum::{
    Json,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Returns the strong entity tag of a value: a digest of its JSON.
pub(crate) fn etag_of(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    format!("\"{}\"", hex::encode(&Sha256::digest(json)[..16]))
}

/// An object as the response, with its entity tag.
pub(crate) struct Etagged<T> {
    pub object: T,
    pub etag: String,
}

impl<T: Serialize> IntoResponse for Etagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.object).into_response();
        if let Ok(etag) = HeaderValue::try_from(self.etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

/// The condition of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// The request has none.
    Absent,
    /// `*`: whatever the object is.
    Any,
    Tags(Vec<String>),
}

/// Reads `If-Match`.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<IfMatch, ApiError> {
    let mut tags = Vec::new();
    let mut is_present = false;
    for value in headers.get_all(header::IF_MATCH) {
        is_present = true;
        let text = value.to_str().map_err(|_| invalid())?.trim();
        if text == "*" {
            return Ok(IfMatch::Any);
        }
        tags.extend(tags_in(text).ok_or_else(invalid)?);
    }
    Ok(if is_present { IfMatch::Tags(tags) } else { IfMatch::Absent })
}

/// Returns the entity tags of a list: strings in double quotes, which may contain commas.
fn tags_in(list: &str) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    let mut rest = list.trim_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let strong = rest.strip_prefix("W/").unwrap_or(rest);
        let end = strong.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = rest.split_at(rest.len() - strong.len() + end);
        tags.push(tag.to_owned());
        let after = after.trim_start();
        rest = after.trim_start_matches([' ', '\t', ',']);
        if !rest.is_empty() && !after.starts_with(',') {
            return None;
        }
    }
    (!tags.is_empty()).then_some(tags)
}

fn invalid() -> ApiError {
    let detail = "If-Match must be * or entity tags in double quotes, as in an ETag header.";
    ApiError::new(RequestCode::InvalidHeader, detail).in_parameter("If-Match")
}

impl IfMatch {
    /// Returns whether an object with this entity tag satisfies the condition. Weak tags never do.
    pub fn admits(&self, etag: &str) -> bool {
        match self {
            Self::Absent | Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| tag == etag),
        }
    }

    /// Checks a condition on the object that a request changes.
    pub fn check(&self, etag: &str) -> Result<(), ApiError> {
        if self.admits(etag) {
            return Ok(());
        }
        let detail = "The object has changed since you read it. Read it again, then repeat the request with its ETag.";
        Err(ApiError::new(RequestCode::PreconditionFailed, detail).in_parameter("If-Match"))
    }

    /// Checks the condition of a request that makes clients stop working: it must name what may stop.
    pub fn check_consequences(
        &self,
        etag: &str,
        changed: impl FnOnce() -> String,
    ) -> Result<(), ApiError> {
        if *self == Self::Absent {
            let detail = "Read the consequences of this request first, then send their ETag in If-Match. \
                 Send If-Match: * if any client may stop working.";
            let error = ApiError::new(RequestCode::PreconditionRequired, detail);
            return Err(error.in_parameter("If-Match"));
        }
        if self.admits(etag) {
            return Ok(());
        }
        let error = ApiError::new(RequestCode::PreconditionFailed, changed());
        Err(error.in_parameter("If-Match"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Option<IfMatch> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, HeaderValue::from_static(value));
        }
        if_match(&headers).ok()
    }

    #[test]
    fn conditions_are_read_as_they_are_written() {
        let tags =
            |tags: &[&str]| Some(IfMatch::Tags(tags.iter().map(|tag| (*tag).to_owned()).collect()));
        assert_eq!(read(&[]), Some(IfMatch::Absent));
        assert_eq!(read(&["*"]), Some(IfMatch::Any));
        assert_eq!(read(&["\"a\""]), tags(&["\"a\""]));
        assert_eq!(read(&["\"a\", \"b\"", "W/\"c\""]), tags(&["\"a\"", "\"b\"", "W/\"c\""]));
        assert_eq!(read(&["abc"]), None);
        assert_eq!(read(&["\""]), None);
    }

    #[test]
    fn a_weak_tag_never_matches() {
        let condition = read(&["W/\"a\""]).expect("a condition");
        assert!(
            !condition.admits("\"a\"") && read(&["\"a\""]).expect("a condition").admits("\"a\"")
        );
    }
}
