//! Requests to the management API.

use super::{
    output::shown,
    profiles::{Profile, Profiles},
};
use crate::process_environment::variable;
use anyhow::{Context, bail};
use http::{HeaderValue, Method, Request, header};
use keydesk_node::system;
use keydesk_outbound::{Bounds, Outbound, OutboundError, Reach};
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};
use zeroize::Zeroizing;

const BOUNDS: Bounds = Bounds { timeout: Duration::from_mins(1), bytes: 256 * 1024 * 1024 };
const BASE: &str = "/api/v1";
/// The number of objects on a page of a list.
const PAGE: usize = 200;

/// An error of the management API, or on the way to it.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("{0}")]
    Problem(Problem),
    #[error("{url} can’t be reached: {error}")]
    Unreachable { url: String, error: OutboundError },
    #[error("{0}")]
    Unexpected(String),
}

/// A problem (RFC 9457), as the command line shows it.
#[derive(Debug, thiserror::Error)]
#[error("{detail} ({code}, {request_id})")]
pub struct Problem {
    status: u16,
    code: String,
    detail: String,
    request_id: String,
}

impl RemoteError {
    /// Returns the exit status, as docs/guide/cli.md lists them.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Problem(problem) => match problem.status {
                401 | 403 => 3,
                404 => 4,
                409 | 412 | 428 => 5,
                429 => 7,
                500.. => 8,
                _ => 6,
            },
            Self::Unreachable { .. } => 8,
            Self::Unexpected(_) => 1,
        }
    }
}

/// A Keydesk, and the key to its management API.
pub struct Connection {
    url: String,
    key: Option<Zeroizing<String>>,
    outbound: Outbound,
}

/// A request.
#[derive(Default)]
pub struct Call<'a> {
    pub method: Method,
    /// The path after `/api/v1`.
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Option<Value>,
    pub if_match: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
}

/// A response.
pub struct Reply {
    pub status: u16,
    pub etag: Option<String>,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// Returns the body, which is `null` if there is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        if self.bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.bytes).context("the response isn’t JSON")
    }
}

impl Connection {
    /// Finds the URL and the key. The command line comes first, then the environment, then the default profile.
    pub fn open(url: Option<&str>, profile: Option<&str>) -> anyhow::Result<Self> {
        let of_profile = |name: Option<&str>| {
            let Profile { url, key } = Profiles::read()?.find(name)?;
            Self::to(&url, Some(key))
        };
        let (named, at) = (variable("KEYDESK_PROFILE"), variable("KEYDESK_URL"));
        let url = match (url, profile, &named, &at) {
            (Some(url), ..) => url.to_owned(),
            (None, Some(name), ..) => return of_profile(Some(name)),
            (None, None, Some(name), _) => return of_profile(Some(name)),
            (None, None, None, Some(url)) => url.clone(),
            (None, None, None, None) => return of_profile(None),
        };
        let connection = Self::to(&url, None)?;
        let key = match variable("KEYDESK_KEY") {
            Some(key) => Zeroizing::new(key),
            None => Profiles::read()?.find_key_of(connection.url())?,
        };
        Ok(Self { key: Some(key), ..connection })
    }

    /// Finds the URL in the same order, for requests that need no key.
    pub fn open_without_key(url: Option<&str>, profile: Option<&str>) -> anyhow::Result<Self> {
        let (named, at) = (variable("KEYDESK_PROFILE"), variable("KEYDESK_URL"));
        match (url, profile.or(named.as_deref()), at.as_deref()) {
            (Some(url), ..) | (None, None, Some(url)) => Self::to(url, None),
            (None, None, None) if Profiles::read()?.default.is_none() => {
                bail!("name the console with --url, or set KEYDESK_URL")
            }
            (None, name, _) => Self::to(&Profiles::read()?.find(name)?.url, None),
        }
    }

    /// A connection to a console, without a key for now.
    pub fn to(url: &str, key: Option<Zeroizing<String>>) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/');
        // The console shows the URL of the API, too.
        let url = url.strip_suffix(BASE).unwrap_or(url).to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("“{url}” isn’t a console URL, such as https://console.example.com");
        }
        Ok(Self { url, key, outbound: Outbound::new(None)? })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request to the management API. A POST request has an idempotency key, so it is repeated after a lost
    /// connection.
    pub async fn send(&self, call: Call<'_>) -> Result<Reply, RemoteError> {
        let own_key = format!("cli-{}", hex::encode(system::entropy().bytes::<16>()));
        let key = call.idempotency_key.unwrap_or(&own_key);
        let can_repeat = call.method == Method::GET || call.method == Method::POST;
        let mut reply = self.send_once(&call, key).await;
        if can_repeat && matches!(reply, Err(RemoteError::Unreachable { .. })) {
            reply = self.send_once(&call, key).await;
        }
        let reply = reply?;
        if reply.status >= 400 { Err(self.problem(&reply)) } else { Ok(reply) }
    }

    async fn send_once(&self, call: &Call<'_>, key: &str) -> Result<Reply, RemoteError> {
        let mut url = format!("{}{BASE}{}", self.url, call.path);
        for (number, (name, value)) in call.query.iter().enumerate() {
            let separator = if number == 0 && !call.path.contains('?') { '?' } else { '&' };
            url.push(separator);
            url.push_str(
                &form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish(),
            );
        }
        let mut request = Request::builder().method(&call.method).uri(&url);
        if let Some(secret) = &self.key {
            let value = Zeroizing::new(format!("Bearer {}", secret.as_str()));
            let value = HeaderValue::from_str(&value);
            let mut value = value.map_err(|_| unexpected("the management key isn’t valid"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if call.method == Method::POST {
            request = request.header("idempotency-key", key);
        }
        if let Some(if_match) = call.if_match {
            request = request.header(header::IF_MATCH, if_match);
        }
        if call.body.is_some() {
            let kind = if call.method == Method::PATCH {
                "application/merge-patch+json"
            } else {
                "application/json"
            };
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = request.body(body).map_err(|error| unexpected(&error.to_string()))?;
        self.exchange(request).await
    }

    async fn exchange(&self, mut request: Request<Vec<u8>>) -> Result<Reply, RemoteError> {
        let agent = HeaderValue::from_static(concat!("keydesk/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(header::USER_AGENT, agent);
        let sent = self.outbound.send(request, BOUNDS, Reach::Anywhere).await;
        let response =
            sent.map_err(|error| RemoteError::Unreachable { url: self.url.clone(), error })?;
        let text = |name| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        if response.status().is_redirection() {
            let to = text(header::LOCATION).unwrap_or_default();
            return Err(unexpected(&format!("{} redirects to {to}: use that URL", self.url)));
        }
        let (status, etag) = (response.status().as_u16(), text(header::ETAG));
        Ok(Reply { status, etag, bytes: response.into_body() })
    }

    fn problem(&self, reply: &Reply) -> RemoteError {
        let problem = reply.json().unwrap_or_default();
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        if !text("type").contains("/management-api/errors#") {
            let status = reply.status;
            return unexpected(&format!(
                "{} answered with status {status}, not as Keydesk’s management API does. Is it the console URL?",
                self.url
            ));
        }
        // The places tell which of several fields is meant.
        let places = problem["errors"].as_array().into_iter().flatten();
        let places: Vec<_> = places
            .filter_map(|place| place["pointer"].as_str().or(place["parameter"].as_str()))
            .filter(|place| !place.is_empty())
            .collect();
        let place =
            if places.is_empty() { String::new() } else { format!("{}: ", places.join(", ")) };
        RemoteError::Problem(Problem {
            status: reply.status,
            code: text("code"),
            detail: shown(&(place + &text("detail"))),
            request_id: text("request_id"),
        })
    }

    /// Reads an object.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Call { path, ..Call::default() }).await?.json()
    }

    /// Sends a change, and returns the object in the response.
    pub async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        self.send(Call { method, path, body, ..Call::default() }).await?.json()
    }

    /// Reads all pages of a list, or its first `most` objects.
    pub async fn list(
        &self,
        path: &str,
        filters: &[(&str, &str)],
        most: Option<usize>,
    ) -> anyhow::Result<Vec<Value>> {
        let most = most.unwrap_or(usize::MAX);
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        while found.len() < most {
            let limit = PAGE.min(most - found.len()).to_string();
            let mut query = vec![("limit", limit.as_str())];
            query.extend(filters.iter().filter(|(_, value)| !value.is_empty()));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page = self.send(Call { path, query: &query, ..Call::default() }).await?.json()?;
            found.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(found)
    }

    /// Sends JSON to an endpoint of the console outside of the management API.
    pub async fn post_json(&self, path: &str, body: &Value) -> Result<Value, RemoteError> {
        let request = Request::post(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string().into_bytes())
            .map_err(|error| unexpected(&error.to_string()))?;
        let reply = self.exchange(request).await?;
        if reply.status >= 400 {
            return Err(self.problem(&reply));
        }
        reply.json().map_err(|error| unexpected(&error.to_string()))
    }

    /// Sends a form to an OAuth endpoint of the console, and returns the status and the JSON in the response.
    pub async fn post_form(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<(u16, Value), RemoteError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .map_err(|error| unexpected(&error.to_string()))?;
        let reply = self.exchange(request).await?;
        let body = reply.json().unwrap_or_else(|_| json!({}));
        Ok((reply.status, body))
    }
}

pub fn unexpected(text: &str) -> RemoteError {
    RemoteError::Unexpected(text.to_owned())
}

/// Returns a text as one segment of a path.
pub fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string doesn't fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}
