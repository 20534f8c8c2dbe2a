//! Errors of the management API as problems (RFC 9457), in English: refusals of use cases, and errors in the request
//! itself.

use crate::{
    Settings,
    door::{
        language::in_language,
        problem::{detail, title},
    },
    refusal::{Code, Kind, Refusal},
};
use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use keydesk_model::Language;
use serde_json::{Value, json};

macro_rules! request_codes {
    ($($name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// The code of an error in a request that no use case sees.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum RequestCode { $($name,)* }

        impl RequestCode {
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

request_codes! {
    MissingManagementKey = "missing_management_key", UNAUTHORIZED, "Send a management key";
    HttpsRequired = "https_required", FORBIDDEN, "HTTPS is required";
    Misdirected = "misdirected", MISDIRECTED_REQUEST, "This isn’t the console’s address";
    AccountKeyRequired = "account_key_required", FORBIDDEN, "A key of an account is required";
    InstanceKeyRequired = "instance_key_required", FORBIDDEN, "A key of the instance is required";
    InvalidJson = "invalid_json", BAD_REQUEST, "The body isn’t valid JSON";
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "A parameter isn’t valid";
    InvalidHeader = "invalid_header", BAD_REQUEST, "A header isn’t valid";
    InvalidField = "invalid_field", UNPROCESSABLE_ENTITY, "A field isn’t valid";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Send the body as JSON";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This method isn’t supported here";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "Something has changed";
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, "Say what may stop working";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key belongs to another request";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
}

/// An error in the request itself.
#[derive(Debug)]
pub(crate) struct RequestError {
    code: RequestCode,
    detail: String,
    /// The place in the body, as a JSON pointer.
    pointer: Option<String>,
    /// The name of a parameter or header.
    parameter: Option<&'static str>,
    retry_after: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum ApiError {
    Refusal(Refusal),
    Request(Box<RequestError>),
}

impl ApiError {
    pub fn new(code: RequestCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (pointer, parameter, retry_after) = (None, None, None);
        Self::Request(Box::new(RequestError { code, detail, pointer, parameter, retry_after }))
    }

    fn change(mut self, change: impl FnOnce(&mut RequestError)) -> Self {
        if let Self::Request(error) = &mut self {
            change(error);
        }
        self
    }

    pub fn at(self, pointer: String) -> Self {
        self.change(|error| error.pointer = Some(pointer))
    }

    pub fn in_parameter(self, name: &'static str) -> Self {
        self.change(|error| error.parameter = Some(name))
    }

    pub fn retry_after(self, seconds: u64) -> Self {
        self.change(|error| error.retry_after = Some(seconds))
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refusal(refusal) => refusal.code().as_str(),
            Self::Request(error) => error.code.as_str(),
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refusal(refusal) => status(refusal.code()),
            Self::Request(error) => error.code.status(),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Refusal(refusal) if refusal.code() == Code::NotFound => "Not found".to_owned(),
            Self::Refusal(refusal) => in_language(Language::English, || title(refusal.code())),
            Self::Request(error) => error.code.title().to_owned(),
        }
    }

    fn detail(&self) -> String {
        match self {
            // The console's text is about a page.
            Self::Refusal(refusal) if refusal.code() == Code::NotFound => {
                "There is no such path or object, or the object belongs to another account."
                    .to_owned()
            }
            Self::Refusal(refusal) => in_language(Language::English, || detail(refusal)),
            Self::Request(error) => error.detail.clone(),
        }
    }

    /// Returns the places in the request that the error is about.
    fn errors(&self) -> Vec<Value> {
        let (code, detail) = (self.code(), self.detail());
        let at = |name: &str, place: String| json!({ name: place, "code": code, "detail": detail });
        match self {
            Self::Refusal(refusal) => refusal
                .field()
                .map(|field| at("pointer", format!("/{}", in_body(field))))
                .into_iter()
                .collect(),
            Self::Request(error) => {
                let pointer = error.pointer.clone().map(|pointer| at("pointer", pointer));
                pointer
                    .or(error.parameter.map(|name| at("parameter", name.to_owned())))
                    .into_iter()
                    .collect()
            }
        }
    }

    /// Returns the seconds after which the request may succeed.
    fn wait(&self) -> Option<u64> {
        match self {
            Self::Refusal(refusal) => {
                let default = (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(5);
                refusal.wait().map(|wait| wait.as_secs().max(1)).or(default)
            }
            Self::Request(error) => error.retry_after,
        }
    }

    /// Returns the challenge for a client whose key isn't enough (RFC 6750).
    fn challenge(&self) -> Option<String> {
        let realm = "Bearer realm=\"keydesk management\"";
        match self.code() {
            "missing_management_key" => Some(realm.to_owned()),
            "invalid_management_key" => Some(format!("{realm}, error=\"invalid_token\"")),
            "scope_required" => {
                let Self::Refusal(refusal) = self else { return None };
                let scope = refusal.values().iter().find_map(|(name, value)| match value {
                    crate::refusal::Value::Text(scope) if *name == "scope" => Some(scope),
                    _ => None,
                })?;
                Some(format!("{realm}, error=\"insufficient_scope\", scope=\"{scope}\""))
            }
            _ => None,
        }
    }

    /// Returns the response. `request_id` lets the operator find the request in the log.
    pub fn into_response(self, settings: &Settings, request_id: &str) -> Response {
        if let Self::Refusal(refusal) = &self
            && let Some(cause) = refusal.cause()
        {
            let error = cause as &dyn std::error::Error;
            tracing::error!(error, request_id, "a request to the management API failed");
        }
        let status = self.status();
        let problem = json!({
            "type": format!("{}/management-api/errors#{}", settings.console_url, self.code()),
            "title": self.title(),
            "status": status.as_u16(),
            "detail": self.detail(),
            "code": self.code(),
            "errors": self.errors(),
            "request_id": request_id,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, kind, Json(problem)).into_response();
        // `Json` sets its own.
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut put = |name: HeaderName, value: Option<String>| {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        };
        put(header::RETRY_AFTER, self.wait().map(|wait| wait.to_string()));
        put(header::WWW_AUTHENTICATE, self.challenge());
        response
    }
}

/// Returns the name in request bodies of a use case's field.
fn in_body(field: &'static str) -> &'static str {
    match field {
        "scope" => "scopes",
        "expires" => "expires_at",
        field => field,
    }
}

fn status(code: Code) -> StatusCode {
    match (code, code.kind()) {
        (Code::InvalidManagementKey, _) => StatusCode::UNAUTHORIZED,
        (Code::WrongAccountState, _) => StatusCode::CONFLICT,
        (
            Code::InvalidCursor
            | Code::InvalidDate
            | Code::InvalidExportFormat
            | Code::InvalidInstant
            | Code::InvalidUsageRange,
            _,
        ) => StatusCode::BAD_REQUEST,
        (_, Kind::NotFound) => StatusCode::NOT_FOUND,
        (_, Kind::NotPermitted) => StatusCode::FORBIDDEN,
        (_, Kind::Invalid | Kind::Gone) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, Kind::Conflict) => StatusCode::CONFLICT,
        (_, Kind::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        (_, Kind::Busy | Kind::Unsettled) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Kind::Broken) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl<E: Into<Refusal>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::Refusal(error.into())
    }
}

/// An error as the response of a handler, which the guard turns into a problem: only it knows the settings.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response
            .extensions_mut()
            .insert(Pending(std::sync::Arc::new(std::sync::Mutex::new(Some(self)))));
        response
    }
}

/// An error that is not rendered yet.
#[derive(Clone)]
pub(crate) struct Pending(std::sync::Arc<std::sync::Mutex<Option<ApiError>>>);

impl Pending {
    pub fn take(&self) -> Option<ApiError> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_requests_and_of_use_cases_differ() {
        for code in RequestCode::ALL {
            assert!(Code::ALL.iter().all(|other| other.as_str() != code.as_str()), "{code:?}");
            let same = RequestCode::ALL.iter().filter(|other| other.as_str() == code.as_str());
            assert_eq!(same.count(), 1, "{code:?}");
        }
    }
}
