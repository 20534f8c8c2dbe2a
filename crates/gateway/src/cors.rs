//! The Fetch standard's CORS for web pages: the console's own, for "try it", and those of the origins that the operator
//! or an account allows. A preflight carries no token, so it is answered before any check.

use crate::{
    LiveTable, Response,
    method_guard::METHODS,
    settings::Settings,
    wire::{Head, Noted, push_field},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use keydesk_model::{AccountNumber, CorsPolicy};
use std::sync::Arc;

/// Permission for the requesting page to read the response.
#[derive(Clone, Debug)]
pub(crate) struct TokenLimits {
    origin: HeaderValue,
    /// The policy that applies, or `None` for the console's origin.
    policy: Option<Arc<CorsPolicy>>,
}

/// The response headers that any client of the gateway may need to read.
const EXPOSED: &str = "x-request-id, www-authenticate, proxy-status, retry-after, ratelimit, ratelimit-policy, \
    location, link, sunset";
const CONSOLE_MAX_AGE: u32 = 600;

impl TokenLimits {
    pub fn of(noted: &Noted, target: &str, table: &LiveTable, settings: &Settings) -> Option<Self> {
        let value = noted.origin.first?;
        let origin = HeaderValue::from_bytes(value).ok()?;
        if settings.console_origins.iter().any(|console| value == console.as_bytes()) {
            return Some(Self { origin, policy: None });
        }
        let cors = &settings.cors;
        let own = account_in(target)
            .filter(|_| cors.is_for_accounts && settings.forms.path)
            .and_then(|number| table.account(number).cors.clone());
        let policy = own.or_else(|| cors.policy.clone())?;
        policy.origins.admits(value).then_some(Self { origin, policy: Some(policy) })
    }

    /// Returns the response to a preflight, or `None` if the request is not one.
    pub fn preflight(&self, head: &Head) -> Option<Response> {
        if head.method != "OPTIONS" {
            return None;
        }
        let value = |name: &str| {
            let field = head.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
            HeaderValue::from_bytes(field.value).ok()
        };
        value("access-control-request-method")?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        let asked = value("access-control-request-headers").filter(are_names);
        let (methods, headers, max_age) = match &self.policy {
            None => (METHODS.to_owned(), asked, CONSOLE_MAX_AGE),
            Some(policy) => {
                let named = policy.headers.join(", ");
                let named = HeaderValue::try_from(named).ok();
                let headers = if policy.headers.is_empty() { asked } else { named };
                let methods = policy.methods.join(", ");
                let methods = if methods.is_empty() { METHODS.to_owned() } else { methods };
                (methods, headers, policy.max_age_seconds)
            }
        };
        if let Ok(methods) = HeaderValue::try_from(methods) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        if let Some(headers) = headers {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
        }
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.into());
        Some(response)
    }

    /// Lets the page read a response. No `Access-Control-Allow-Credentials`: nothing here uses cookies.
    pub fn allow(&self, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        let exposed = match &self.policy {
            Some(policy) if !policy.exposed_headers.is_empty() => {
                let own = policy.exposed_headers.join(", ");
                HeaderValue::try_from(format!("{EXPOSED}, {own}")).ok()
            }
            _ => None,
        };
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            exposed.unwrap_or_else(|| HeaderValue::from_static(EXPOSED)),
        );
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }

    /// Writes the same headers as bytes.
    pub fn write_allow(&self, out: &mut Vec<u8>) {
        let mut headers = HeaderMap::new();
        self.allow(&mut headers);
        for (name, value) in &headers {
            push_field(out, name.as_str(), value.as_bytes());
        }
    }
}

/// Returns the account that a path names, before the path is checked.
fn account_in(target: &str) -> Option<AccountNumber> {
    target.trim_start_matches('/').split(['/', '?']).next()?.parse().ok()
}

/// Returns whether the list has only header names and nothing that could be a secret, because the response repeats it.
fn are_names(list: &HeaderValue) -> bool {
    let is_name = |name: &[u8]| {
        let name = name.trim_ascii();
        name.len() <= 40 && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    list.as_bytes().split(|byte| *byte == b',').all(is_name)
}
