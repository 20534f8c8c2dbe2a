//! Every way in which a request is refused, and the one function that turns it into an answer:
//! RFC 9457 with RFC 6750's challenge. Tells what was wrong and what to do; never echoes a token.

mod answer;
mod words;

use crate::{observe::Reason, target::TargetFault};
use http::StatusCode;
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
    /// `$TOKEN` itself.
    UnexpandedVariable,
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
        /// No rule names the operation.
        is_unlisted: bool,
    },
    OtherAddress {
        client_ip: IpAddr,
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
    /// With the key that permits it, if there is one.
    AmbiguousPath {
        key: Option<&'static str>,
    },
    MalformedTarget(TargetFault),
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
    TooManyFields {
        limit: u32,
    },
    TlsOnPlainPort,
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
    /// Nothing was sent.
    UpstreamUnreachable(Reason),
    /// The request was sent, and the connection ended before a response.
    UpstreamLost,
    UpstreamUnreadable(Reason),
    UpstreamTimeout,
}

impl Denial {
    /// Every code, for metrics and documents; the last is of requests whose client left before the
    /// answer.
    pub const CODES: [&'static str; 60] = [
        "missing_token",
        "unsupported_auth_scheme",
        "missing_bearer_scheme",
        "empty_token",
        "duplicate_bearer_scheme",
        "duplicate_authorization",
        "masked_token",
        "malformed_authorization",
        "unexpanded_variable",
        "token_in_query",
        "malformed_token",
        "unknown_token",
        "token_expired",
        "token_rotated",
        "token_revoked",
        "password_changed",
        "password_reset",
        "logged_out_of_all_sessions",
        "member_removed",
        "role_changed",
        "account_mismatch",
        "insufficient_scope",
        "ip_not_allowed",
        "rate_limited",
        "quota_exceeded",
        "account_suspended",
        "account_closed",
        "unknown_account",
        "invalid_endpoint_url",
        "ambiguous_path",
        "malformed_target",
        "ambiguous_header",
        "method_override",
        "invalid_host",
        "malformed_request",
        "headers_too_large",
        "too_many_headers",
        "tls_on_plain_port",
        "invalid_framing",
        "unsupported_transfer_coding",
        "method_not_allowed",
        "unknown_endpoint",
        "invalid_parameters",
        "token_mismatch",
        "already_rotated",
        "temporarily_unavailable",
        "invalid_client",
        "untrusted_proxy",
        "invalid_forwarded_request",
        "body_too_large",
        "header_timeout",
        "body_timeout",
        "not_ready",
        "gateway_disconnected",
        "no_route",
        "upstream_unreachable",
        "upstream_connection_lost",
        "invalid_upstream_response",
        "upstream_timeout",
        "client_closed_request",
    ];

    /// Whether the connection cannot be used on: what follows on it cannot be told apart.
    pub(crate) fn breaks_connection(&self) -> bool {
        matches!(
            self,
            Self::MalformedRequest
                | Self::HeadTooLarge { .. }
                | Self::TooManyFields { .. }
                | Self::TlsOnPlainPort
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
            Self::NoCredentials => "missing_token",
            Self::OtherScheme => "unsupported_auth_scheme",
            Self::NoScheme => "missing_bearer_scheme",
            Self::EmptyCredentials => "empty_token",
            Self::BearerTwice => "duplicate_bearer_scheme",
            Self::RepeatedCredentials => "duplicate_authorization",
            Self::MaskedToken => "masked_token",
            Self::MalformedHeader => "malformed_authorization",
            Self::UnexpandedVariable => "unexpanded_variable",
            Self::TokenInQuery => "token_in_query",
            Self::MalformedToken => "malformed_token",
            Self::UnknownToken => "unknown_token",
            Self::Expired { .. } => "token_expired",
            Self::Ended { ending, .. } => ended_code(ending.cause),
            Self::OtherAccount { .. } => "account_mismatch",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::OtherAddress { .. } => "ip_not_allowed",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaUsedUp { .. } => "quota_exceeded",
            Self::AccountSuspended => "account_suspended",
            Self::AccountClosed => "account_closed",
            Self::UnknownAccount => "unknown_account",
            Self::NoAccount => "invalid_endpoint_url",
            Self::AmbiguousPath { .. } => "ambiguous_path",
            Self::MalformedTarget(_) => "malformed_target",
            Self::AmbiguousHeader { .. } => "ambiguous_header",
            Self::MethodOverride => "method_override",
            Self::BadHost => "invalid_host",
            Self::MalformedRequest => "malformed_request",
            Self::HeadTooLarge { .. } => "headers_too_large",
            Self::TooManyFields { .. } => "too_many_headers",
            Self::TlsOnPlainPort => "tls_on_plain_port",
            Self::BadFraming => "invalid_framing",
            Self::UnknownCoding => "unsupported_transfer_coding",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NoSuchOperation => "unknown_endpoint",
            Self::BadParameters { .. } => "invalid_parameters",
            Self::OtherTokenNamed => "token_mismatch",
            Self::AlreadyRotated => "already_rotated",
            Self::NotNow => "temporarily_unavailable",
            Self::UnknownClient => "invalid_client",
            Self::UntrustedFront => "untrusted_proxy",
            Self::BadForwarded { .. } => "invalid_forwarded_request",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::SlowHead => "header_timeout",
            Self::SlowBody => "body_timeout",
            Self::NotReady => "not_ready",
            Self::Isolated => "gateway_disconnected",
            Self::NoUpstream => "no_route",
            Self::UpstreamUnreachable(_) => "upstream_unreachable",
            Self::UpstreamLost => "upstream_connection_lost",
            Self::UpstreamUnreadable(_) => "invalid_upstream_response",
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
            | Self::UnexpandedVariable
            | Self::TokenInQuery
            | Self::AmbiguousPath { .. }
            | Self::MalformedTarget(_)
            | Self::TlsOnPlainPort
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
            Self::HeadTooLarge { .. } | Self::TooManyFields { .. } => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::UnknownAccount | Self::NoAccount | Self::NoSuchOperation | Self::NoUpstream => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowHead | Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::NotReady | Self::Isolated | Self::NotNow => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamUnreachable(_) | Self::UpstreamLost | Self::UpstreamUnreadable(_) => {
                StatusCode::BAD_GATEWAY
            }
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Why there is no response of the upstream, or no request that can be read: worth a line in the log.
    pub(crate) fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::UpstreamUnreachable(reason) | Self::UpstreamUnreadable(reason) => *reason,
            Self::UpstreamLost => Reason::ConnectionLost,
            Self::UpstreamTimeout => Reason::ResponseTimeout,
            Self::NotReady => Reason::NotReady,
            Self::Isolated => Reason::Isolated,
            Self::NotNow => Reason::NotNow,
            Self::TlsOnPlainPort => Reason::TlsOnPlainPort,
            Self::MalformedRequest => Reason::MalformedRequest,
            Self::HeadTooLarge { .. } => Reason::HeadTooLarge,
            Self::TooManyFields { .. } => Reason::TooManyFields,
            Self::BodyTooLarge { .. } => Reason::BodyTooLarge,
            Self::SlowHead => Reason::SlowHead,
            Self::SlowBody => Reason::SlowBody,
            _ => return None,
        })
    }
}

fn ended_code(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Rotated => "token_rotated",
        EndCause::Revoked => "token_revoked",
        EndCause::PasswordChanged => "password_changed",
        EndCause::PasswordReset => "password_reset",
        EndCause::LoggedOutEverywhere => "logged_out_of_all_sessions",
        EndCause::MemberRemoved => "member_removed",
        EndCause::RoleChanged => "role_changed",
        EndCause::AccountClosed => "account_closed",
    }
}
