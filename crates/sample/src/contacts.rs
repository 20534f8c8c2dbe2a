//! `/api/v1/contacts`: the contacts of an account. Contacts of other accounts are never found.

use crate::{caller::Caller, problem::Problem, store::SampleStore};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Row as _, sqlite::SqliteRow};

#[derive(Debug, Serialize)]
pub(crate) struct Contact {
    id: i64,
    name: String,
    phone: String,
}

impl FromRow<'_, SqliteRow> for Contact {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            phone: row.try_get("phone")?,
        })
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Contacts {
    contacts: Vec<Contact>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewContact {
    name: String,
    #[serde(default)]
    phone: String,
}

const LIST: &str = "SELECT id, name, phone FROM contact WHERE account = $1 ORDER BY id LIMIT 200";
const FIND: &str = "SELECT id, name, phone FROM contact WHERE account = $1 AND id = $2";
const ADD: &str =
    "INSERT INTO contact (account, name, phone) VALUES ($1, $2, $3) RETURNING id, name, phone";
const REMOVE: &str = "DELETE FROM contact WHERE account = $1 AND id = $2";
const NO_CONTACT: Problem = Problem::NotFound("This account has no contact with that id.");

pub(crate) async fn list(
    State(store): State<SampleStore>,
    caller: Caller,
) -> Result<Json<Contacts>, Problem> {
    caller.permit("contacts", "read")?;
    let contacts = sqlx::query_as(LIST).bind(&caller.account).fetch_all(&store.pool).await?;
    Ok(Json(Contacts { contacts }))
}

pub(crate) async fn add(
    State(store): State<SampleStore>,
    caller: Caller,
    new: Result<Json<NewContact>, JsonRejection>,
) -> Result<(StatusCode, Json<Contact>), Problem> {
    caller.permit("contacts", "write")?;
    let Ok(Json(new)) = new else {
        return Err(Problem::Invalid(
            "Send JSON such as {\"name\": \"Ann Chen\", \"phone\": \"+15550100\"}.",
        ));
    };
    if new.name.trim().is_empty() || new.name.len() > 200 || new.phone.len() > 40 {
        return Err(Problem::Invalid(
            "A contact needs a name of at most 200 bytes and a phone of at most 40.",
        ));
    }
    let query = sqlx::query_as(ADD).bind(&caller.account).bind(new.name.trim()).bind(&new.phone);
    Ok((StatusCode::CREATED, Json(query.fetch_one(&store.pool).await?)))
}

pub(crate) async fn find(
    State(store): State<SampleStore>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Contact>, Problem> {
    caller.permit("contacts", "read")?;
    find_own(&store, &caller, number(&id)?).await.map(Json)
}

pub(crate) async fn remove(
    State(store): State<SampleStore>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.permit("contacts", "write")?;
    let done =
        sqlx::query(REMOVE).bind(&caller.account).bind(number(&id)?).execute(&store.pool).await?;
    if done.rows_affected() == 1 { Ok(StatusCode::NO_CONTENT) } else { Err(NO_CONTACT) }
}

/// Parses an ID from a path. An ID that isn't a number is reported as not found.
pub(crate) fn number(id: &str) -> Result<i64, Problem> {
    id.parse().map_err(|_| NO_CONTACT)
}

pub(crate) async fn find_own(
    store: &SampleStore,
    caller: &Caller,
    id: i64,
) -> Result<Contact, Problem> {
    let query = sqlx::query_as(FIND).bind(&caller.account).bind(id);
    query.fetch_optional(&store.pool).await?.ok_or(NO_CONTACT)
}
