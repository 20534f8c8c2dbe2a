//! Request bodies: JSON objects, whose errors name the place in the body.

use super::{ApiError, RequestCode};
use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// The body of a request, or of one that has none.
pub(crate) trait Body: Sized + Send {
    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, ApiError>;
}

impl Body for () {
    /// A body is not needed, but some clients always send `{}`.
    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        if bytes.is_empty() {
            return Ok(());
        }
        read_json::<Empty>(headers, bytes).map(|Empty {}| ())
    }
}

/// Reads a JSON body. A merge patch (RFC 7396) is JSON, too.
pub(crate) fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<T, ApiError> {
    if !is_json(headers) {
        let detail =
            "Set Content-Type to application/json, or to application/merge-patch+json for PATCH.";
        return Err(ApiError::new(RequestCode::UnsupportedMediaType, detail));
    }
    // Serde also reads the fields of an object from an array.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let error = ApiError::new(RequestCode::InvalidField, "The body must be an object.");
        return Err(error.at(String::new()));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (pointer, inner) = (pointer_of(error.path()), error.into_inner());
        match inner.classify() {
            serde_json::error::Category::Data => {
                ApiError::new(RequestCode::InvalidField, sentence(&inner)).at(pointer)
            }
            _ => ApiError::new(RequestCode::InvalidJson, sentence(&inner)),
        }
    })?;
    reader.end().map_err(|error| ApiError::new(RequestCode::InvalidJson, sentence(&error)))?;
    Ok(read)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/json", "application/merge-patch+json"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(kind))
}

/// Returns the place of an error in the body as a JSON pointer (RFC 6901).
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// Returns the reader's message as a sentence. The place in the text says less than the pointer.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = match error.classify() {
        serde_json::error::Category::Data => text.split(" at line ").next().unwrap_or_default(),
        _ => text.as_str(),
    };
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A field of a merge patch (RFC 7396) that can be removed.
#[derive(Clone, Debug, Default)]
pub(crate) enum Patch<T> {
    /// The field is absent and stays as it is.
    #[default]
    Keep,
    /// The field is `null`.
    Remove,
    Set(T),
}

impl<T> Patch<T> {
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Returns the value after the change, given the value before.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Remove, Self::Set))
    }
}

/// Implements [`Body`] for types that are read from JSON.
macro_rules! json_bodies {
    ($($name:ty),* $(,)?) => {$(
        impl crate::door::api::Body for $name {
            fn read(
                headers: &axum::http::HeaderMap,
                bytes: &axum::body::Bytes,
            ) -> Result<Self, crate::door::api::ApiError> {
                crate::door::api::body::read_json(headers, bytes)
            }
        }
    )*};
}

pub(crate) use json_bodies;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Example {
        name: String,
        #[serde(default)]
        scopes: Vec<u8>,
    }

    fn read(kind: &str, text: &'static str) -> Result<Example, (StatusCode, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().expect("a value"));
        read_json(&headers, &Bytes::from_static(text.as_bytes()))
            .map_err(|error| (error.status(), format!("{error:?}")))
    }

    #[test]
    fn an_error_in_the_body_names_its_place() {
        for (text, status, place) in [
            (r#"{"name": 7}"#, 422, "/name"),
            (r#"{"name": "x", "scopes": [1, "y"]}"#, 422, "/scopes/1"),
            (r#"{"name": "x", "a/b": 1}"#, 422, "/a~1b"),
            ("{}", 422, "Missing field `name`"),
            (r#" ["x"]"#, 422, "The body must be an object."),
            (r#"{"name": "x""#, 400, "EOF"),
            (r#"{"name": "x"} {"#, 400, "railing"),
            ("", 400, "EOF"),
        ] {
            let (found, error) = read("application/json", text).expect_err(text);
            assert!(found.as_u16() == status && error.contains(place), "{text}: {found} {error}");
        }
    }

    #[test]
    fn other_media_types_are_refused() {
        for kind in
            ["application/json; charset=utf-8", "application/merge-patch+json", "Application/JSON"]
        {
            assert!(read(kind, r#"{"name": "x"}"#).is_ok(), "{kind}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            assert_eq!(read(kind, "{}").expect_err(kind).0, 415);
        }
    }
}
