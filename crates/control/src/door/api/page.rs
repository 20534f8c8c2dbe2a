//! Lists as pages: `limit`, an opaque `cursor`, and a link to the next page (RFC 8288).

use super::{ApiError, BASE, RequestCode};
use crate::{
    AppState,
    door::page_for::has_control_character,
    refusal::{Code, Refusal},
};
use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri},
    http::{HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use keydesk_store::{Cursor, PageSearch};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// The number of entries on a page if the request names none, and the maximum.
const DEFAULT: u32 = 50;
const MOST: u32 = 200;
/// The maximum number of characters to search for.
const LONGEST_TEXT: usize = 100;

/// The parameters of every list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Position` reads")]
pub(crate) struct PageParams {
    /// The maximum number of entries on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the previous page, with the same filters.
    #[param(min_length = 1, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// The part of a list that a request asks for, with the filters of the list.
pub(crate) struct Position<T = NoFilter> {
    pub filter: T,
    pub limit: u32,
    cursor: Option<String>,
    uri: Uri,
}

/// A list without filters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFilter {}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<T> {
    pub items: Vec<T>,
    /// The cursor of the next page, or `null` if this is the last one.
    pub next: Option<String>,
}

/// Describes a page of a list in the OpenAPI document.
macro_rules! list_schemas {
    ($($name:ident of $item:ty),* $(,)?) => {$(
        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "describes what `Listed` writes")]
        pub(crate) struct $name {
            items: Vec<$item>,
            /// The cursor of the next page, or `null` if this is the last one.
            next: Option<String>,
        }
    )*};
}

pub(crate) use list_schemas;

impl<T: DeserializeOwned> FromRequestParts<AppState> for Position<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let (mut limit, mut cursor) = (DEFAULT, None);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "limit" => limit = read_limit(&value)?,
                "cursor" => cursor = Some(value.into_owned()),
                _ => {
                    rest.append_pair(&name, &value);
                }
            }
        }
        let filter = read_query(&rest.finish())?;
        Ok(Self { filter, limit, cursor, uri: uri.clone() })
    }
}

fn read_limit(text: &str) -> Result<u32, ApiError> {
    text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
        let detail = format!("limit must be a number from 1 to {MOST}.");
        ApiError::new(RequestCode::InvalidParameter, detail).in_parameter("limit")
    })
}

/// Reads the parameters of a query; unknown ones are errors.
pub(crate) fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let mut values = form_urlencoded::parse(query.as_bytes());
    if values.any(|(_, value)| has_control_character(&value)) {
        let detail = "A query parameter contains a control character.";
        return Err(ApiError::new(RequestCode::InvalidParameter, detail));
    }
    serde_html_form::from_str(query)
        .map_err(|error| ApiError::new(RequestCode::InvalidParameter, format!("{error}.")))
}

/// Reads a text to search for.
pub(crate) fn read_text(text: &str) -> Result<&str, ApiError> {
    if text.chars().count() > LONGEST_TEXT {
        let detail = format!("text has at most {LONGEST_TEXT} characters.");
        return Err(ApiError::new(RequestCode::InvalidParameter, detail).in_parameter("text"));
    }
    Ok(text)
}

impl<T> Position<T> {
    /// Returns the digest of the list and its filters, which a cursor belongs to.
    fn digest(&self, position: &str) -> String {
        let query = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        let mut filters: Vec<_> =
            query.filter(|(name, _)| name != "limit" && name != "cursor").collect();
        filters.sort();
        let text = format!("{}\n{filters:?}\n{position}", self.uri.path());
        hex::encode(&Sha256::digest(text)[..8])
    }

    /// Returns the position of the last entry of the previous page.
    pub fn after<P: FromStr>(&self) -> Result<Option<P>, ApiError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        self.decoded(cursor).map(Some).ok_or_else(|| Refusal::from(Code::InvalidCursor).into())
    }

    fn decoded<P: FromStr>(&self, cursor: &str) -> Option<P> {
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (digest, position) = text.split_once(' ')?;
        (digest == self.digest(position)).then(|| position.parse().ok()).flatten()
    }

    pub fn search(&self, text: &str) -> Result<PageSearch, ApiError> {
        let text = read_text(text)?.trim().to_owned();
        Ok(PageSearch { text, after: self.after::<Cursor>()?, limit: self.limit })
    }

    /// Returns the page as the response. `next` is the position of its last entry, if more follow.
    pub fn respond<I: Serialize>(
        &self,
        app: &AppState,
        (items, next): (Vec<I>, Option<impl fmt::Display>),
    ) -> Response {
        let next = next.map(|next| {
            let position = next.to_string();
            BASE64URL_NOPAD.encode(format!("{} {position}", self.digest(&position)).as_bytes())
        });
        let link = next.as_ref().map(|next| self.link(app, next));
        let mut response = Json(Listed { items, next }).into_response();
        if let Some(link) = link.and_then(|link| HeaderValue::try_from(link).ok()) {
            response.headers_mut().append(header::LINK, link);
        }
        response
    }

    fn link(&self, app: &AppState, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let given = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        query.extend_pairs(given.filter(|(name, _)| name != "cursor"));
        query.append_pair("cursor", cursor);
        let path = self.uri.path().strip_prefix(BASE).unwrap_or(self.uri.path());
        format!("<{}{BASE}{path}?{}>; rel=\"next\"", app.settings.console_url, query.finish())
    }
}
