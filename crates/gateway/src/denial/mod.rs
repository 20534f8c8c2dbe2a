//! Every way in which a request is refused, and the one function that turns it into an answer:
//! RFC 9457 with RFC 6750's challenge. Tells what was wrong and what to do; never echoes a token.

mod words;

use crate::{Answer, charge::seconds, settings::Settings};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use keydesk_model::{
    AccountNumber, AccountState, Binding, EndCause, Ending, Rate, RotationTerms, Timestamp,
};
use std::{net::IpAddr, sync::Arc, time::Duration};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    NoCredentials,
    OtherScheme,
    NoScheme,
    EmptyCredentials,
    BearerTwice,
    RepeatedCredentials,
    MaskedToken,
    MalformedHeader,
    TokenInQuery,
    MalformedToken,
    UnknownToken,
    Expired {
        at: Timestamp,
    },
    Ended {
        ending: Ending,
        binding: Binding,
    },
    OtherAccount {
        asked: AccountNumber,
        own: AccountNumber,
    },
    /// Any one of these scopes would do, with blanks between.
    InsufficientScope {
        wanted: Arc<str>,
    },
    OtherAddress {
        client_addr: IpAddr,
    },
    /// Of the account, the token or the operation.
    RateLimited {
        limit: &'static str,
        rate: Rate,
        wait: Duration,
    },
    QuotaUsedUp {
        most: u64,
        resets_in: Duration,
    },
    AccountSuspended,
    AccountClosed,
    UnknownAccount,
    NoAccount,
    AmbiguousPath,
    /// A field that servers behind a proxy could take for another one.
    AmbiguousHeader {
        like: &'static str,
    },
    /// The parameter `_method`, where the operator rejects it.
    MethodOverride,
    BadHost,
    MalformedRequest,
    HeadTooLarge {
        limit: u32,
    },
    BadFraming,
    UnknownCoding,
    MethodNotAllowed {
        allowed: &'static str,
    },
    NoSuchOperation,
    /// A parameter of a request to Keydesk itself.
    BadParameters {
        why: &'static str,
    },
    OtherTokenNamed,
    AlreadyRotated,
    /// Whoever could do it cannot be reached.
    NotNow,
    UnknownClient,
    UntrustedFront,
    /// A proxy does not say clearly what it holds.
    BadForwarded {
        name: &'static str,
    },
    BodyTooLarge {
        limit: u64,
    },
    SlowHead,
    SlowBody,
    NotReady,
    Isolated,
    NoUpstream,
    UpstreamUnreachable,
    UpstreamUnreadable,
    UpstreamTimeout,
}

/// RFC 6750 section 3.1.
#[derive(Clone, Copy)]
enum Challenge {
    None,
    /// No authentication was tried: a challenge without an error code.
    Plain,
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
}

impl Denial {
    /// Every code, for metrics and documents; the last is of requests whose client left before the
    /// answer.
    pub const CODES: [&'static str; 55] = [
        "no_token",
        "other_scheme",
        "no_scheme",
        "empty_token",
        "bearer_twice",
        "repeated_authorization",
        "masked_token",
        "malformed_authorization",
        "token_in_query",
        "malformed_token",
        "unknown_token",
        "token_expired",
        "token_rotated",
        "token_revoked",
        "password_changed",
        "password_reset",
        "logged_out_everywhere",
        "member_removed",
        "role_changed",
        "wrong_account",
        "insufficient_scope",
        "address_not_allowed",
        "rate_limited",
        "quota_used_up",
        "account_suspended",
        "account_closed",
        "unknown_account",
        "no_account",
        "ambiguous_path",
        "ambiguous_header",
        "method_override",
        "bad_host",
        "malformed_request",
        "head_too_large",
        "bad_framing",
        "unknown_transfer_coding",
        "method_not_allowed",
        "no_such_operation",
        "bad_parameters",
        "other_token_named",
        "already_rotated",
        "not_now",
        "invalid_client",
        "untrusted_front",
        "bad_forwarded_request",
        "body_too_large",
        "slow_head",
        "slow_body",
        "not_ready",
        "isolated",
        "no_upstream",
        "upstream_unreachable",
        "upstream_unreadable",
        "upstream_timeout",
        "client_gone",
    ];

    /// Whether the connection cannot be used on: what follows on it cannot be told apart.
    pub(crate) fn breaks_connection(&self) -> bool {
        matches!(
            self,
            Self::MalformedRequest
                | Self::HeadTooLarge { .. }
                | Self::BadFraming
                | Self::UnknownCoding
                | Self::BadHost
                | Self::BodyTooLarge { .. }
                | Self::MethodOverride
                | Self::SlowHead
                | Self::SlowBody
        )
    }

    /// The stable name of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_token",
            Self::OtherScheme => "other_scheme",
            Self::NoScheme => "no_scheme",
            Self::EmptyCredentials => "empty_token",
            Self::BearerTwice => "bearer_twice",
            Self::RepeatedCredentials => "repeated_authorization",
            Self::MaskedToken => "masked_token",
            Self::MalformedHeader => "malformed_authorization",
            Self::TokenInQuery => "token_in_query",
            Self::MalformedToken => "malformed_token",
            Self::UnknownToken => "unknown_token",
            Self::Expired { .. } => "token_expired",
            Self::Ended { ending, .. } => match ending.cause {
                EndCause::Rotated => "token_rotated",
                EndCause::Revoked => "token_revoked",
                EndCause::PasswordChanged => "password_changed",
                EndCause::PasswordReset => "password_reset",
                EndCause::LoggedOutEverywhere => "logged_out_everywhere",
                EndCause::MemberRemoved => "member_removed",
                EndCause::RoleChanged => "role_changed",
                EndCause::AccountClosed => "account_closed",
            },
            Self::OtherAccount { .. } => "wrong_account",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::OtherAddress { .. } => "address_not_allowed",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaUsedUp { .. } => "quota_used_up",
            Self::AccountSuspended => "account_suspended",
            Self::AccountClosed => "account_closed",
            Self::UnknownAccount => "unknown_account",
            Self::NoAccount => "no_account",
            Self::AmbiguousPath => "ambiguous_path",
            Self::AmbiguousHeader { .. } => "ambiguous_header",
            Self::MethodOverride => "method_override",
            Self::BadHost => "bad_host",
            Self::MalformedRequest => "malformed_request",
            Self::HeadTooLarge { .. } => "head_too_large",
            Self::BadFraming => "bad_framing",
            Self::UnknownCoding => "unknown_transfer_coding",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NoSuchOperation => "no_such_operation",
            Self::BadParameters { .. } => "bad_parameters",
            Self::OtherTokenNamed => "other_token_named",
            Self::AlreadyRotated => "already_rotated",
            Self::NotNow => "not_now",
            Self::UnknownClient => "invalid_client",
            Self::UntrustedFront => "untrusted_front",
            Self::BadForwarded { .. } => "bad_forwarded_request",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::SlowHead => "slow_head",
            Self::SlowBody => "slow_body",
            Self::NotReady => "not_ready",
            Self::Isolated => "isolated",
            Self::NoUpstream => "no_upstream",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamUnreadable => "upstream_unreadable",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }

    /// A token has rotated itself too often.
    ///
    /// # Panics
    ///
    /// Never: the rate is a constant.
    pub fn rotation_limited(wait: Duration) -> Self {
        let rate = RotationTerms::BY_ITSELF.parse().expect("a rate of ours is well-formed");
        Self::RateLimited { limit: "rotation", rate, wait }
    }

    /// Whether an account in this state is served.
    pub(crate) fn of_account(state: AccountState) -> Result<(), Self> {
        match state {
            AccountState::Open => Ok(()),
            AccountState::Suspended => Err(Self::AccountSuspended),
            AccountState::Closed | AccountState::Gone => Err(Self::AccountClosed),
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials
            | Self::OtherScheme
            | Self::MalformedToken
            | Self::UnknownToken
            | Self::Expired { .. }
            | Self::Ended { .. }
            | Self::OtherAccount { .. }
            | Self::UnknownClient => StatusCode::UNAUTHORIZED,
            Self::NoScheme
            | Self::EmptyCredentials
            | Self::BearerTwice
            | Self::RepeatedCredentials
            | Self::MaskedToken
            | Self::MalformedHeader
            | Self::TokenInQuery
            | Self::AmbiguousPath
            | Self::AmbiguousHeader { .. }
            | Self::MethodOverride
            | Self::BadHost
            | Self::MalformedRequest
            | Self::BadFraming
            | Self::BadParameters { .. }
            | Self::BadForwarded { .. } => StatusCode::BAD_REQUEST,
            Self::AlreadyRotated => StatusCode::CONFLICT,
            Self::RateLimited { .. } | Self::QuotaUsedUp { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::InsufficientScope { .. }
            | Self::OtherAddress { .. }
            | Self::UntrustedFront
            | Self::AccountSuspended
            | Self::AccountClosed
            | Self::OtherTokenNamed => StatusCode::FORBIDDEN,
            Self::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::UnknownAccount | Self::NoAccount | Self::NoSuchOperation | Self::NoUpstream => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowHead | Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::NotReady | Self::Isolated | Self::NotNow => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamUnreachable | Self::UpstreamUnreadable => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether another token, or another way to send it, would help.
    pub(crate) fn is_about_credentials(&self) -> bool {
        !matches!(self.challenge(), Challenge::None | Challenge::InsufficientScope)
    }

    fn challenge(&self) -> Challenge {
        match self {
            Self::NoCredentials | Self::OtherScheme => Challenge::Plain,
            Self::NoScheme
            | Self::EmptyCredentials
            | Self::BearerTwice
            | Self::RepeatedCredentials
            | Self::MaskedToken
            | Self::MalformedHeader
            | Self::TokenInQuery => Challenge::InvalidRequest,
            Self::MalformedToken
            | Self::UnknownToken
            | Self::Expired { .. }
            | Self::Ended { .. }
            | Self::OtherAccount { .. } => Challenge::InvalidToken,
            Self::InsufficientScope { .. } => Challenge::InsufficientScope,
            _ => Challenge::None,
        }
    }

    pub(crate) fn to_answer(&self, settings: &Settings, request_id: &str) -> Answer {
        let code = self.code();
        let mut problem = serde_json::json!({
            "type": format!("urn:keydesk:problem:{}", code.replace('_', "-")),
            "title": self.title(),
            "status": self.status().as_u16(),
            "detail": self.detail(settings),
            "code": code,
            "help": format!("{}/help", settings.console_url),
            "request_id": request_id,
        });
        // RFC 6749 section 5.2: what OAuth's clients look for.
        match self {
            Self::UnknownClient => problem["error"] = "invalid_client".into(),
            // What draft-ietf-httpapi-ratelimit-headers calls them.
            Self::RateLimited { limit, .. } => problem["violated-policies"] = [*limit].into(),
            Self::QuotaUsedUp { .. } => problem["violated-policies"] = ["month"].into(),
            Self::BadParameters { .. } => problem["error"] = "invalid_request".into(),
            _ => {}
        }
        let mut response = Response::new(Bytes::from(problem.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge_value() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        match self {
            Self::UnknownClient => {
                let basic = HeaderValue::from_static("Basic realm=\"keydesk introspection\"");
                headers.insert(header::WWW_AUTHENTICATE, basic);
            }
            Self::RateLimited { wait: span, .. } | Self::QuotaUsedUp { resets_in: span, .. } => {
                headers.insert(header::RETRY_AFTER, seconds(*span).into());
            }
            Self::NotReady | Self::Isolated | Self::NotNow => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::MethodNotAllowed { allowed } => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            _ => {}
        }
        response
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
            Self::InsufficientScope { wanted } => format!(", scope=\"{wanted}\""),
            _ => String::new(),
        };
        let value = format!(
            "Bearer realm=\"keydesk\", error=\"{error}\", error_description=\"{title}\"{scope}"
        );
        HeaderValue::try_from(value).ok()
    }
}
