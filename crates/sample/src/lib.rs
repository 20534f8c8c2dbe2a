//! A small contacts-and-messages API for trying out Keydesk. Uses no Keydesk crate, so that the gateway's headers are
//! its only information about a client.

mod caller;
mod contacts;
mod messages;
mod problem;
mod store;

use axum::{
    Router,
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use std::{io, path::Path};
use store::SampleStore;

/// The OpenAPI document of the API, as an API provider would write it.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Returns the API on its own SQLite file.
pub async fn router(database: &Path) -> Result<Router, sqlx::Error> {
    let store = SampleStore::open(database).await?;
    Ok(Router::new()
        .route("/openapi.json", get(openapi))
        .route("/api/v1/contacts", get(contacts::list).post(contacts::add))
        .route("/api/v1/contacts/{id}", get(contacts::find).delete(contacts::remove))
        .route("/api/v1/contacts/{id}/messages", get(messages::list).post(messages::send))
        .route("/api/v1/echo", post(echo))
        .fallback(problem::no_such_path)
        .with_state(store))
}

/// Serves until the listener fails. The caller drops the future to stop.
pub async fn serve(listener: tokio::net::TcpListener, router: Router) -> io::Result<()> {
    axum::serve(listener, router).await
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// Responds with the request body as it arrives, for trying out large and slow bodies.
async fn echo(_: caller::Caller, body: axum::body::Body) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/octet-stream")], body)
}
