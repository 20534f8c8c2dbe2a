//! The conversion of a rejection into a response: RFC 9457 with RFC 6750's challenge and RFC 9209's status.

use super::{Allowlist, Rejection};
use crate::{Response, rate_limit::seconds, settings::Settings};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use keydesk_model::TokenOwner;

/// The error code of a challenge (RFC 6750 section 3.1).
#[derive(Clone, Copy)]
enum Challenge {
    None,
    /// No credentials were sent: a challenge without an error code.
    Plain,
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
}

impl Rejection {
    /// Returns whether another token, or another way to send it, would help.
    pub(crate) fn is_about_credentials(&self) -> bool {
        !matches!(self.challenge(), Challenge::None | Challenge::InsufficientScope)
    }

    fn challenge(&self) -> Challenge {
        match self {
            Self::MissingToken | Self::UnsupportedAuthScheme => Challenge::Plain,
            Self::MissingBearerScheme
            | Self::EmptyToken
            | Self::DuplicateBearerScheme
            | Self::DuplicateAuthorization
            | Self::MaskedToken
            | Self::MalformedHeader
            | Self::UnexpandedVariable
            | Self::TokenInQuery => Challenge::InvalidRequest,
            Self::MalformedToken
            | Self::UnknownToken
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::AccountMismatch { .. } => Challenge::InvalidToken,
            Self::InsufficientScope { .. } => Challenge::InsufficientScope,
            _ => Challenge::None,
        }
    }

    pub(crate) fn to_response(&self, settings: &Settings, request_id: &str) -> Response {
        let code = self.code();
        let mut problem = serde_json::json!({
            "type": format!("urn:keydesk:problem:{}", code.replace('_', "-")),
            "title": self.title(),
            "status": self.status().as_u16(),
            "detail": self.detail(settings),
            "code": code,
            "help": format!("{}/errors/{code}", settings.console_url),
            "request_id": request_id,
        });
        if let Some(contact) = &settings.provider_contact
            && self.status().is_server_error()
        {
            problem["contact"] = contact.as_str().into();
        }
        if let Some(path) = self.renewal() {
            problem["renew"] = format!("{}{path}", settings.console_url).into();
        }
        // The members that OAuth clients expect (RFC 6749 section 5.2).
        match self {
            Self::UnknownClient => problem["error"] = "invalid_client".into(),
            // The name in draft-ietf-httpapi-ratelimit-headers.
            Self::RateLimited { limit, .. } => problem["violated-policies"] = [*limit].into(),
            Self::QuotaExceeded { .. } => problem["violated-policies"] = ["month"].into(),
            Self::InvalidParameters { .. } => problem["error"] = "invalid_request".into(),
            _ => {}
        }
        let mut response = Response::new(Bytes::from(problem.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("proxy-status", self.proxy_status());
        if let Some(challenge) = self.challenge_value() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        match self {
            Self::UnknownClient => {
                let basic = HeaderValue::from_static("Basic realm=\"keydesk introspection\"");
                headers.insert(header::WWW_AUTHENTICATE, basic);
            }
            Self::RateLimited { wait: span, .. } | Self::QuotaExceeded { resets_in: span, .. } => {
                headers.insert(header::RETRY_AFTER, seconds(*span).into());
            }
            Self::NotReady | Self::GatewayDisconnected | Self::TemporarilyUnavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::MethodNotAllowed { allowed } => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            _ => {}
        }
        response
    }

    /// Returns the path of the console's page on which a member can restore, replace, or change the token.
    fn renewal(&self) -> Option<String> {
        match self {
            Self::Revoked { token_owner: TokenOwner::Member(_), .. } => {
                Some("/api-docs".to_owned())
            }
            Self::Expired { token, .. }
            | Self::Revoked { token, .. }
            | Self::InsufficientScope { token, .. }
            | Self::IpNotAllowed { token, by: Allowlist::Token, .. } => {
                Some(format!("/tokens/{token}"))
            }
            Self::IpNotAllowed { by: Allowlist::Account, .. } => Some("/limits".to_owned()),
            _ => None,
        }
    }

    fn challenge_value(&self) -> Option<HeaderValue> {
        let error = match self.challenge() {
            Challenge::None => return None,
            Challenge::Plain => return Some(HeaderValue::from_static("Bearer realm=\"keydesk\"")),
            Challenge::InvalidRequest => "invalid_request",
            Challenge::InvalidToken => "invalid_token",
            Challenge::InsufficientScope => "insufficient_scope",
        };
        let title = self.title();
        let scope = match self {
            Self::InsufficientScope { wanted, .. } => format!(", scope=\"{wanted}\""),
            _ => String::new(),
        };
        let value = format!(
            "Bearer realm=\"keydesk\", error=\"{error}\", error_description=\"{title}\"{scope}"
        );
        HeaderValue::try_from(value).ok()
    }
    /// Returns the RFC 9209 field that distinguishes the gateway's rejections from the upstream's.
    fn proxy_status(&self) -> HeaderValue {
        let error = match self.reason() {
            Some(reason) => reason.proxy_error(),
            None if matches!(self.status().as_u16(), 401 | 403 | 429) => "http_request_denied",
            None if self.status() == StatusCode::NOT_FOUND => "destination_not_found",
            None => "http_request_error",
        };
        let text = format!("keydesk; error={error}; details=\"{}\"", self.code());
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("keydesk"))
    }
}
