//! `/api/v1/contacts/{id}/messages`: the messages sent to a contact.

use crate::{
    caller::Caller,
    contacts::{find_own, number},
    problem::Problem,
    store::SampleStore,
};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Row as _, sqlite::SqliteRow};

#[derive(Debug, Serialize)]
pub(crate) struct Message {
    id: i64,
    contact: i64,
    text: String,
}

impl FromRow<'_, SqliteRow> for Message {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            contact: row.try_get("contact")?,
            text: row.try_get("text")?,
        })
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Messages {
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewMessage {
    text: String,
}

const LIST: &str = "SELECT id, contact, text FROM message WHERE contact = $1 ORDER BY id LIMIT 200";
const ADD: &str = "INSERT INTO message (contact, text) VALUES ($1, $2) RETURNING id, contact, text";

pub(crate) async fn list(
    State(store): State<SampleStore>,
    caller: Caller,
    Path(contact): Path<String>,
) -> Result<Json<Messages>, Problem> {
    caller.permit("messages", "read")?;
    let contact = number(&contact)?;
    find_own(&store, &caller, contact).await?;
    let messages = sqlx::query_as(LIST).bind(contact).fetch_all(&store.pool).await?;
    Ok(Json(Messages { messages }))
}

pub(crate) async fn send(
    State(store): State<SampleStore>,
    caller: Caller,
    Path(contact): Path<String>,
    new: Result<Json<NewMessage>, JsonRejection>,
) -> Result<(StatusCode, Json<Message>), Problem> {
    caller.permit("messages", "write")?;
    let contact = number(&contact)?;
    let Ok(Json(new)) = new else {
        return Err(Problem::Invalid("Send JSON such as {\"text\": \"Hello\"}."));
    };
    if new.text.is_empty() || new.text.len() > 4_000 {
        return Err(Problem::Invalid("A message has 1 to 4,000 bytes of text."));
    }
    find_own(&store, &caller, contact).await?;
    let message = sqlx::query_as(ADD).bind(contact).bind(&new.text).fetch_one(&store.pool).await?;
    Ok((StatusCode::CREATED, Json(message)))
}
