//! The account and scopes of a request, from the gateway's headers.

use crate::problem::Problem;
use axum::{extract::FromRequestParts, http::request::Parts};

#[derive(Debug)]
pub(crate) struct Caller {
    pub account: String,
    scopes: Vec<String>,
}

impl Caller {
    /// Checks whether the token's scopes cover `resource:action`.
    pub fn permit(&self, resource: &str, action: &str) -> Result<(), Problem> {
        let covers = |scope: &String| {
            scope == "*"
                || *scope == format!("{resource}:*")
                || *scope == format!("{resource}:{action}")
        };
        if self.scopes.iter().any(covers) {
            Ok(())
        } else {
            Err(Problem::InsufficientScope(format!("{resource}:{action}")))
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let account = header("keydesk-account").ok_or(Problem::NotThroughGateway)?.to_owned();
        let scopes = header("keydesk-scopes").unwrap_or_default();
        Ok(Self { account, scopes: scopes.split_ascii_whitespace().map(str::to_owned).collect() })
    }
}
