//! Requests that change something: the principal, the body, the precondition, and the `Idempotency-Key`, with which a
//! client can repeat the request without repeating its effect.
//!
//! What a request changed is recorded in the transaction that changes it. A repetition is answered from that record with
//! the object as it is now, and never shows a secret. A refused request changes nothing, so it is tried again.

use super::{
    ApiError, Body, IfMatch, RequestCode, if_match,
    principal::{ApiPrincipal, principal_of},
};
use crate::{
    AppState, management_keys::find_finished_request, principal::Credential, refusal::Code,
};
use axum::{
    Json,
    body::{Bytes, to_bytes},
    extract::{FromRequest, OriginalUri, Request as HttpRequest},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use keydesk_model::IdempotentRequest;
use keydesk_store::FinishedRequest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The maximum size of a body.
const LARGEST: usize = 64 * 1024;
/// The maximum length of an `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

pub(crate) struct Request<C, T = ()> {
    pub caller: C,
    pub body: T,
    pub if_match: IfMatch,
    idempotent: Option<IdempotentRequest>,
}

impl<C: ApiPrincipal, T: Body> FromRequest<AppState> for Request<C, T> {
    type Rejection = ApiError;

    async fn from_request(request: HttpRequest, _: &AppState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let mut caller: C = principal_of(&parts)?;
        let if_match = if_match(&parts.headers)?;
        let bytes = to_bytes(body, LARGEST).await.map_err(|_| {
            let detail = format!("A body has at most {} KiB.", LARGEST / 1024);
            ApiError::new(RequestCode::BodyTooLarge, detail)
        })?;
        let path =
            parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.0.path());
        let idempotent = match caller.credential_mut() {
            Credential::Key(credential) if parts.method == Method::POST => {
                let key = credential.key.id.to_string();
                credential.request = idempotent_request(&parts.headers, (&key, path, &bytes))?;
                credential.request
            }
            _ => None,
        };
        let body = T::read(&parts.headers, &bytes)?;
        Ok(Self { caller, body, if_match, idempotent })
    }
}

/// Returns the request that an `Idempotency-Key` names: a quoted string, or bare as other APIs accept it.
fn idempotent_request(
    headers: &HeaderMap,
    (client, path, body): (&str, &str, &Bytes),
) -> Result<Option<IdempotentRequest>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_valid = (1..=LONGEST_KEY).contains(&bare.len())
        && bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if !is_valid || values.next().is_some() {
        let detail = format!(
            "{IDEMPOTENCY_KEY} must be 1 to {LONGEST_KEY} visible ASCII characters without blanks, such as a UUID."
        );
        let error = ApiError::new(RequestCode::InvalidHeader, detail);
        return Err(error.in_parameter(IDEMPOTENCY_KEY));
    }
    let digest = |parts: [&[u8]; 3]| -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    };
    Ok(Some(IdempotentRequest {
        key: digest([b"idempotency key", client.as_bytes(), bare.as_bytes()]),
        fingerprint: digest([b"request", path.as_bytes(), body]),
    }))
}

impl<C, T> Request<C, T> {
    /// Returns what the request changed when it was made before.
    pub async fn finished(&self, app: &AppState) -> Result<Option<FinishedRequest>, ApiError> {
        let Some(request) = self.idempotent else { return Ok(None) };
        let found = find_finished_request(app, request).await?;
        if found.as_ref().is_some_and(|found| found.fingerprint != request.fingerprint) {
            let detail = "Use a new key for each request. The same key is only for repeating the same request.";
            let error = ApiError::new(RequestCode::IdempotencyKeyReused, detail);
            return Err(error.in_parameter(IDEMPOTENCY_KEY));
        }
        Ok(found)
    }

    /// Returns what the same request changed that was carried out while this one was on its way.
    pub async fn finished_meanwhile(
        &self,
        app: &AppState,
        error: &ApiError,
    ) -> Result<Option<FinishedRequest>, ApiError> {
        match error {
            ApiError::Refusal(refusal)
                if matches!(refusal.code(), Code::RequestRepeated | Code::Conflict) =>
            {
                self.finished(app).await
            }
            _ => Ok(None),
        }
    }
}

/// Carries out a request once, and answers its repetitions from what it changed.
macro_rules! once {
    ($app:ident, $request:ident, $act:block, |$done:ident| $repeat:expr) => {
        match $request.finished(&$app).await? {
            Some($done) => crate::door::api::Answer::repeated($repeat),
            None => {
                let made: Result<_, crate::door::api::ApiError> = async { $act }.await;
                match made {
                    Ok(made) => crate::door::api::Answer::new(made),
                    Err(error) => match $request.finished_meanwhile(&$app, &error).await? {
                        Some($done) => crate::door::api::Answer::repeated($repeat),
                        None => return Err(error),
                    },
                }
            }
        }
    };
}

pub(crate) use once;

/// The answer to a request that changed something.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub object: T,
    is_repeated: bool,
    location: Option<String>,
}

impl<T: Serialize> Answer<T> {
    pub fn new(object: T) -> Self {
        Self { object, is_repeated: false, location: None }
    }

    pub fn repeated(object: T) -> Self {
        Self { object, is_repeated: true, location: None }
    }

    /// Makes the answer 201 for a new object at a path.
    pub fn created_at(mut self, app: &AppState, path: &str) -> Self {
        self.location = Some(format!("{}{}{path}", app.settings.console_url, super::BASE));
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let status = if self.location.is_some() { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = (status, Json(self.object)).into_response();
        if let Some(location) = self.location.and_then(|path| HeaderValue::try_from(path).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if self.is_repeated {
            let name = HeaderName::from_static("idempotency-replayed");
            response.headers_mut().insert(name, HeaderValue::from_static("true"));
        }
        response
    }
}
