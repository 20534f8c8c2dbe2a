//! Every reason to reject a request, with its code, status, and text. A rejection becomes a response in one place; it
//! never repeats a token.

mod response;
mod text;

use crate::observe::Reason;
use http::StatusCode;
use keydesk_model::{
    AccountNumber, AccountState, Rate, Revocation, RevocationReason, RotationTerms, Timestamp,
    TokenId, TokenOwner,
};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// The defect of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetFault {
    NotEncoded,
    Fragment,
    Asterisk,
    NoPath,
}

/// The IP allowlist that rejects a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowlist {
    Account,
    Token,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    MissingToken,
    UnsupportedAuthScheme,
    MissingBearerScheme,
    EmptyToken,
    DuplicateBearerScheme,
    DuplicateAuthorization,
    MaskedToken,
    MalformedHeader,
    /// An unexpanded variable such as `$TOKEN`.
    UnexpandedVariable,
    TokenInQuery,
    MalformedToken,
    UnknownToken,
    Expired {
        at: Timestamp,
        token: TokenId,
    },
    Revoked {
        revocation: Revocation,
        token: TokenId,
        token_owner: TokenOwner,
    },
    AccountMismatch {
        asked: AccountNumber,
        own: AccountNumber,
    },
    InsufficientScope {
        token: TokenId,
        /// The scopes, separated by spaces, any one of which is sufficient.
        wanted: Arc<str>,
        /// Whether no rule names the operation.
        is_unlisted: bool,
    },
    IpNotAllowed {
        client_ip: IpAddr,
        by: Allowlist,
        token: TokenId,
    },
    /// A rate limit of the account, the token, or the operation.
    RateLimited {
        limit: &'static str,
        rate: Rate,
        wait: Duration,
    },
    QuotaExceeded {
        most: u64,
        resets_in: Duration,
    },
    AccountSuspended,
    AccountClosed,
    UnknownAccount,
    NoAccount,
    /// A path that servers read differently, with the configuration key that permits it, if any.
    AmbiguousPath {
        key: Option<&'static str>,
    },
    MalformedTarget(TargetFault),
    /// A field that servers behind a proxy could interpret as another one.
    AmbiguousHeader {
        like: &'static str,
    },
    /// The parameter `_method`, if the operator rejects it.
    MethodOverride,
    InvalidHost,
    MalformedRequest,
    HeadersTooLarge {
        limit: u32,
    },
    TooManyHeaders {
        limit: u32,
    },
    TlsOnPlainPort,
    InvalidFraming,
    UnsupportedTransferCoding,
    MethodNotAllowed {
        allowed: &'static str,
    },
    UnknownEndpoint,
    /// Invalid parameters of a request to Keydesk itself.
    InvalidParameters {
        why: &'static str,
    },
    TokenMismatch,
    AlreadyRotated,
    /// The node that could handle the request is unreachable.
    TemporarilyUnavailable,
    UnknownClient,
    UntrustedProxy,
    /// A proxy does not describe the held request unambiguously.
    InvalidForwardedRequest {
        name: &'static str,
    },
    BodyTooLarge {
        limit: u64,
    },
    HeaderTimeout,
    BodyTimeout,
    NotReady,
    GatewayDisconnected,
    NoRoute,
    /// No request was sent.
    UpstreamUnreachable(Reason),
    /// The request was sent, and the connection ended before a response.
    UpstreamLost,
    InvalidUpstreamResponse(Reason),
    UpstreamTimeout,
}

impl Rejection {
    /// Every code, for metrics and documents. The last one is for requests whose client disconnected before the
    /// response.
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

    /// Returns whether the connection cannot be reused because the boundary of the next request is unknown.
    pub(crate) fn breaks_connection(&self) -> bool {
        matches!(
            self,
            Self::MalformedRequest
                | Self::HeadersTooLarge { .. }
                | Self::TooManyHeaders { .. }
                | Self::TlsOnPlainPort
                | Self::InvalidFraming
                | Self::UnsupportedTransferCoding
                | Self::InvalidHost
                | Self::BodyTooLarge { .. }
                | Self::MethodOverride
                | Self::HeaderTimeout
                | Self::BodyTimeout
        )
    }

    /// Returns the stable name of the rejection.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::UnsupportedAuthScheme => "unsupported_auth_scheme",
            Self::MissingBearerScheme => "missing_bearer_scheme",
            Self::EmptyToken => "empty_token",
            Self::DuplicateBearerScheme => "duplicate_bearer_scheme",
            Self::DuplicateAuthorization => "duplicate_authorization",
            Self::MaskedToken => "masked_token",
            Self::MalformedHeader => "malformed_authorization",
            Self::UnexpandedVariable => "unexpanded_variable",
            Self::TokenInQuery => "token_in_query",
            Self::MalformedToken => "malformed_token",
            Self::UnknownToken => "unknown_token",
            Self::Expired { .. } => "token_expired",
            Self::Revoked { revocation, .. } => revocation_code(revocation.reason),
            Self::AccountMismatch { .. } => "account_mismatch",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::IpNotAllowed { .. } => "ip_not_allowed",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::AccountSuspended => "account_suspended",
            Self::AccountClosed => "account_closed",
            Self::UnknownAccount => "unknown_account",
            Self::NoAccount => "invalid_endpoint_url",
            Self::AmbiguousPath { .. } => "ambiguous_path",
            Self::MalformedTarget(_) => "malformed_target",
            Self::AmbiguousHeader { .. } => "ambiguous_header",
            Self::MethodOverride => "method_override",
            Self::InvalidHost => "invalid_host",
            Self::MalformedRequest => "malformed_request",
            Self::HeadersTooLarge { .. } => "headers_too_large",
            Self::TooManyHeaders { .. } => "too_many_headers",
            Self::TlsOnPlainPort => "tls_on_plain_port",
            Self::InvalidFraming => "invalid_framing",
            Self::UnsupportedTransferCoding => "unsupported_transfer_coding",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::InvalidParameters { .. } => "invalid_parameters",
            Self::TokenMismatch => "token_mismatch",
            Self::AlreadyRotated => "already_rotated",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnknownClient => "invalid_client",
            Self::UntrustedProxy => "untrusted_proxy",
            Self::InvalidForwardedRequest { .. } => "invalid_forwarded_request",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::HeaderTimeout => "header_timeout",
            Self::BodyTimeout => "body_timeout",
            Self::NotReady => "not_ready",
            Self::GatewayDisconnected => "gateway_disconnected",
            Self::NoRoute => "no_route",
            Self::UpstreamUnreachable(_) => "upstream_unreachable",
            Self::UpstreamLost => "upstream_connection_lost",
            Self::InvalidUpstreamResponse(_) => "invalid_upstream_response",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }

    /// Returns the rejection of a token that has rotated itself too often.
    ///
    /// # Panics
    ///
    /// Never: the rate is a constant.
    pub fn rotation_limited(wait: Duration) -> Self {
        let rate = RotationTerms::BY_ITSELF.parse().expect("a rate of ours is well-formed");
        Self::RateLimited { limit: "rotation", rate, wait }
    }

    /// Rejects accounts in a state that is not served.
    pub(crate) fn of_account(state: AccountState) -> Result<(), Self> {
        match state {
            AccountState::Active => Ok(()),
            AccountState::Suspended => Err(Self::AccountSuspended),
            AccountState::Closed | AccountState::Purged => Err(Self::AccountClosed),
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::MissingToken
            | Self::UnsupportedAuthScheme
            | Self::MalformedToken
            | Self::UnknownToken
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::AccountMismatch { .. }
            | Self::UnknownClient => StatusCode::UNAUTHORIZED,
            Self::MissingBearerScheme
            | Self::EmptyToken
            | Self::DuplicateBearerScheme
            | Self::DuplicateAuthorization
            | Self::MaskedToken
            | Self::MalformedHeader
            | Self::UnexpandedVariable
            | Self::TokenInQuery
            | Self::AmbiguousPath { .. }
            | Self::MalformedTarget(_)
            | Self::TlsOnPlainPort
            | Self::AmbiguousHeader { .. }
            | Self::MethodOverride
            | Self::InvalidHost
            | Self::MalformedRequest
            | Self::InvalidFraming
            | Self::InvalidParameters { .. }
            | Self::InvalidForwardedRequest { .. } => StatusCode::BAD_REQUEST,
            Self::AlreadyRotated => StatusCode::CONFLICT,
            Self::RateLimited { .. } | Self::QuotaExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::InsufficientScope { .. }
            | Self::IpNotAllowed { .. }
            | Self::UntrustedProxy
            | Self::AccountSuspended
            | Self::AccountClosed
            | Self::TokenMismatch => StatusCode::FORBIDDEN,
            Self::HeadersTooLarge { .. } | Self::TooManyHeaders { .. } => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::UnsupportedTransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::UnknownAccount | Self::NoAccount | Self::UnknownEndpoint | Self::NoRoute => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeaderTimeout | Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotReady | Self::GatewayDisconnected | Self::TemporarilyUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::UpstreamUnreachable(_)
            | Self::UpstreamLost
            | Self::InvalidUpstreamResponse(_) => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Returns the reason for the log if there is no upstream response or no readable request.
    pub(crate) fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::UpstreamUnreachable(reason) | Self::InvalidUpstreamResponse(reason) => *reason,
            Self::UpstreamLost => Reason::ConnectionLost,
            Self::UpstreamTimeout => Reason::ResponseTimeout,
            Self::NotReady => Reason::NotReady,
            Self::GatewayDisconnected => Reason::GatewayDisconnected,
            Self::TemporarilyUnavailable => Reason::TemporarilyUnavailable,
            Self::TlsOnPlainPort => Reason::TlsOnPlainPort,
            Self::MalformedRequest => Reason::MalformedRequest,
            Self::HeadersTooLarge { .. } => Reason::HeadersTooLarge,
            Self::TooManyHeaders { .. } => Reason::TooManyHeaders,
            Self::BodyTooLarge { .. } => Reason::BodyTooLarge,
            Self::HeaderTimeout => Reason::HeaderTimeout,
            Self::BodyTimeout => Reason::BodyTimeout,
            _ => return None,
        })
    }
}

fn revocation_code(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Rotated => "token_rotated",
        RevocationReason::Revoked => "token_revoked",
        RevocationReason::PasswordChanged => "password_changed",
        RevocationReason::PasswordReset => "password_reset",
        RevocationReason::LoggedOutOfAllSessions => "logged_out_of_all_sessions",
        RevocationReason::MemberRemoved => "member_removed",
        RevocationReason::RoleChanged => "role_changed",
        RevocationReason::AccountClosed => "account_closed",
        RevocationReason::Leaked => "token_leaked",
    }
}
