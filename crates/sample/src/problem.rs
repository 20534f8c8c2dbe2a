//! The sample API's rejections, as problem details (RFC 9457).

use axum::{
    Json,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

#[derive(Debug)]
pub(crate) enum Problem {
    NotThroughGateway,
    InsufficientScope(String),
    NotFound(&'static str),
    Invalid(&'static str),
    Storage,
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the sample API's storage failed");
        Self::Storage
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, detail) = match self {
            Self::NotThroughGateway => (
                StatusCode::UNAUTHORIZED,
                "The sample API answers only through the gateway",
                "Call it at your endpoint URL, with your token.".to_owned(),
            ),
            Self::InsufficientScope(scope) => (
                StatusCode::FORBIDDEN,
                "The token may not do this",
                format!("Use a token with the scope {scope}."),
            ),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", what.to_owned()),
            Self::Invalid(what) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "The request cannot be carried out",
                what.to_owned(),
            ),
            Self::Storage => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The sample API's storage failed",
                "Try again; look at the folder where Keydesk keeps its data.".to_owned(),
            ),
        };
        let body =
            serde_json::json!({ "title": title, "status": status.as_u16(), "detail": detail });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body).0.to_string())
            .into_response()
    }
}

pub(crate) async fn no_such_path(uri: Uri) -> Problem {
    let _ = uri;
    Problem::NotFound("The sample API has /api/v1/contacts and /api/v1/contacts/{id}/messages.")
}
