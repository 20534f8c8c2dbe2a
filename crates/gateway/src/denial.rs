//! Every way in which a request is refused, and the one function that turns it into an answer:
//! RFC 9457 with RFC 6750's challenge. Tells what was wrong and what to do; never echoes a token.

use crate::{Answer, settings::Settings};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use keydesk_model::{AccountNumber, Binding, EndCause, Ending, Timestamp};
use std::{net::IpAddr, sync::Arc};

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
    UnknownAccount,
    NoAccount,
    AmbiguousPath,
    BadHost,
    MalformedRequest,
    HeadTooLarge {
        limit: u32,
    },
    BadFraming,
    UnknownCoding,
    MethodNotAllowed,
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
    pub const CODES: [&'static str; 49] = [
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
        "unknown_account",
        "no_account",
        "ambiguous_path",
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
            },
            Self::OtherAccount { .. } => "wrong_account",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::OtherAddress { .. } => "address_not_allowed",
            Self::UnknownAccount => "unknown_account",
            Self::NoAccount => "no_account",
            Self::AmbiguousPath => "ambiguous_path",
            Self::BadHost => "bad_host",
            Self::MalformedRequest => "malformed_request",
            Self::HeadTooLarge { .. } => "head_too_large",
            Self::BadFraming => "bad_framing",
            Self::UnknownCoding => "unknown_transfer_coding",
            Self::MethodNotAllowed => "method_not_allowed",
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
            | Self::BadHost
            | Self::MalformedRequest
            | Self::BadFraming
            | Self::BadParameters { .. }
            | Self::OtherTokenNamed
            | Self::BadForwarded { .. } => StatusCode::BAD_REQUEST,
            Self::AlreadyRotated => StatusCode::CONFLICT,
            Self::InsufficientScope { .. } | Self::OtherAddress { .. } | Self::UntrustedFront => {
                StatusCode::FORBIDDEN
            }
            Self::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::UnknownAccount | Self::NoAccount | Self::NoSuchOperation | Self::NoUpstream => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
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

    /// What was wrong, in plain ASCII so that it may also stand in a header.
    fn title(&self) -> &'static str {
        match self {
            Self::NoCredentials => "The request has no token",
            Self::OtherScheme => "The API takes bearer tokens, not this authentication scheme",
            Self::NoScheme => "The word Bearer is missing before the token",
            Self::EmptyCredentials => "There is no token after the word Bearer",
            Self::BearerTwice => "The word Bearer is there twice",
            Self::RepeatedCredentials => "The request has more than one Authorization header",
            Self::MaskedToken => "That is the masked display of a token",
            Self::MalformedHeader => "The Authorization header cannot be read",
            Self::TokenInQuery => "The token stands in the URL",
            Self::MalformedToken => "That is not a complete token",
            Self::UnknownToken => "The token is not known here",
            Self::Expired { .. } => "The token has expired",
            Self::Ended { .. } => "The token has ended",
            Self::OtherAccount { .. } => "The token belongs to another account",
            Self::InsufficientScope { .. } => "The token may not do this",
            Self::OtherAddress { .. } => "The token may not be used from this address",
            Self::UnknownAccount => "The path does not begin with an account number",
            Self::NoAccount => "This is not an endpoint URL",
            Self::AmbiguousPath => "The path can be read in more than one way",
            Self::BadHost => "The request needs exactly one Host",
            Self::MalformedRequest => "The request is not well-formed HTTP",
            Self::HeadTooLarge { .. } => "The request's headers are too large",
            Self::BadFraming => "The request does not say clearly where its body ends",
            Self::UnknownCoding => "The request's transfer coding is not known",
            Self::MethodNotAllowed => "The method is not served",
            Self::NoSuchOperation => "Keydesk has no such operation",
            Self::BadParameters { .. } => "A parameter is missing or cannot be read",
            Self::OtherTokenNamed => "The token that is named is not the one that was sent",
            Self::AlreadyRotated => "The token has been rotated already",
            Self::NotNow => "That cannot be done at the moment",
            Self::UnknownClient => "The client is not known, or its secret is wrong",
            Self::UntrustedFront => "Only trusted proxies may ask this",
            Self::BadForwarded { .. } => "The proxy does not say which request it holds",
            Self::BodyTooLarge { .. } => "The request body is too large",
            Self::SlowHead => "The request's headers did not arrive in time",
            Self::SlowBody => "The request body stopped coming",
            Self::NotReady => "The gateway is still starting",
            Self::Isolated => "The gateway cannot tell now whether tokens are still good",
            Self::NoUpstream => "No API is served at this path",
            Self::UpstreamUnreachable => "The API behind the gateway cannot be reached",
            Self::UpstreamUnreadable => {
                "The API behind the gateway gave an answer that cannot be read"
            }
            Self::UpstreamTimeout => "The API behind the gateway did not answer in time",
        }
    }

    /// What to do about it.
    fn detail(&self, settings: &Settings) -> String {
        let console = &settings.console_url;
        let gateway = &settings.public_url;
        match self {
            Self::NoCredentials => format!("Send the header “Authorization: Bearer <token>”. Your token is on {console}/api-docs."),
            Self::OtherScheme => "Send “Authorization: Bearer <token>” instead.".to_owned(),
            Self::NoScheme => "Send “Authorization: Bearer <token>”: the word Bearer, a space, then the token.".to_owned(),
            Self::EmptyCredentials => "The variable that should hold the token is probably empty.".to_owned(),
            Self::BearerTwice => "Your program adds “Bearer” to a value that begins with it already. Store the token alone, or send the value as it is.".to_owned(),
            Self::RepeatedCredentials => "Send exactly one. A proxy or a default header of the HTTP client may add another.".to_owned(),
            Self::MaskedToken => "The dots stand for the part that is hidden on the screen. Use the Copy button, or Show first.".to_owned(),
            Self::MalformedHeader => "Send “Authorization: Bearer <token>” with the bare token: no quotes, brackets, commas or further words.".to_owned(),
            Self::TokenInQuery => "URLs end up in logs. Send the token in the Authorization header instead, and rotate it, as it may have been recorded on the way.".to_owned(),
            Self::MalformedToken => format!("A token is a prefix, a letter and 38 letters and digits, joined by “_”; this one is cut short, mistyped or of another system. Copy it again from {console}/api-docs."),
            Self::UnknownToken => format!("It was never issued here. Check that it comes from this service: {console}/api-docs."),
            Self::Expired { at } => format!("It expired at {at}, as was chosen when it was made. Create a new one on {console}/tokens."),
            Self::Ended { ending, binding } => ended(*ending, *binding, console),
            Self::OtherAccount { asked, own } => format!("The request went to account {asked}, but the token opens account {own}. Send it to {gateway}/{own}, or use a token of account {asked}."),
            Self::InsufficientScope { wanted } => lacking(wanted, console),
            Self::OtherAddress { client_addr } => format!("This call came from {client_addr}, which is not among the networks that the token is limited to. Change them on {console}/tokens, or call from one of them."),
            Self::UnknownAccount => format!("An account number has six to eight digits and no leading zero. Your endpoint URL is on {console}/api-docs."),
            Self::NoAccount => format!("An endpoint URL looks like {gateway}/385403, with your own account number. Copy yours from {console}/api-docs."),
            Self::AmbiguousPath => "Remove empty and dot segments, backslashes, and the encoded forms of “/”, “\\” and NUL.".to_owned(),
            Self::BadHost => "Send one Host header (or :authority) with the host and port of the endpoint URL.".to_owned(),
            Self::MalformedRequest => "It breaks RFC 9112, or uses a form that servers read differently: bare line feeds, folded lines, a space before a colon. If you wrote https:// for a plain port, or http:// for a TLS port, change that.".to_owned(),
            Self::HeadTooLarge { limit } => format!("At most {limit} bytes and 100 fields are taken."),
            Self::BadFraming => "Send one Content-Length of digits or one “Transfer-Encoding: chunked” with correct chunks, never both; HTTP/1.0 has no chunks.".to_owned(),
            Self::UnknownCoding => "The only transfer coding is “chunked”. Content may be compressed with Content-Encoding instead.".to_owned(),
            Self::MethodNotAllowed => "TRACE and CONNECT are refused for every path.".to_owned(),
            Self::NoSuchOperation => format!("Below the endpoint's /{0} there are GET whoami, POST rotate and POST revoke, as far as they are switched on.", settings.reserved_prefix),
            Self::BadParameters { why } => (*why).to_owned(),
            Self::OtherTokenNamed => "A token rotates and revokes itself only: leave the parameter “token” out, or send the token that stands in the Authorization header.".to_owned(),
            Self::AlreadyRotated => format!("This is the old secret, which goes on for a while. Whoever rotated it has the new one; if that is lost, rotate on {console}/tokens."),
            Self::NotNow => format!("Nothing was changed. Try again in a moment, or use {console}/tokens."),
            Self::UnknownClient => "Introspection is for the clients in the configuration: send id and secret once, by HTTP Basic or in the form.".to_owned(),
            Self::UntrustedFront => "Name the proxy's address under trusted in [forward_auth].".to_owned(),
            Self::BadForwarded { name } => format!("Let the proxy set {name} itself, once, with what the client sent, and the same for X-Forwarded-Method, X-Forwarded-Uri and X-Forwarded-For."),
            Self::BodyTooLarge { limit } => format!("At most {limit} bytes are taken."),
            Self::SlowHead => "Send the whole head at once.".to_owned(),
            Self::SlowBody => "Send it without pausing, or in smaller parts.".to_owned(),
            Self::NotReady => "Try again in a second.".to_owned(),
            Self::Isolated => "It has lost touch with its database, and refuses rather than accept a token that was revoked meanwhile. Yours may well be fine: try again in a few seconds.".to_owned(),
            Self::NoUpstream => "Check the path against the API's documentation.".to_owned(),
            Self::UpstreamUnreachable => "Your token is fine. Try again later; if it lasts, tell the API's operator.".to_owned(),
            Self::UpstreamUnreadable => "Your token is fine. The request may have been carried out; tell the API's operator.".to_owned(),
            Self::UpstreamTimeout => "Your token is fine. The request may or may not have been carried out.".to_owned(),
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
            Self::NotReady | Self::Isolated | Self::NotNow => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::MethodNotAllowed => {
                let allowed =
                    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
                headers.insert(header::ALLOW, allowed);
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

fn lacking(wanted: &str, console: &str) -> String {
    let scopes: Vec<_> = wanted.split(' ').collect();
    let what = match scopes.as_slice() {
        ["*"] => "It is limited to some scopes, and none of them opens this operation: a token for everything would".to_owned(),
        [scope] => format!("It needs the scope {scope}"),
        scopes => format!("It needs one of the scopes {}", scopes.join(", ")),
    };
    format!("{what}. Create a token that has it, or change this one's scopes, on {console}/tokens.")
}

fn ended(ending: Ending, binding: Binding, console: &str) -> String {
    let Ending { at, cause } = ending;
    let why = format!("It ended at {at} because {}.", cause.because());
    match (binding, cause) {
        (Binding::Member(_), EndCause::MemberRemoved | EndCause::RoleChanged) => {
            format!("{why} Ask an administrator of the account for an API token.")
        }
        (Binding::Member(_), _) => format!(
            "{why} The new bearer token stands on {console}/api-docs; an API token would have lived on."
        ),
        (Binding::Account, EndCause::Rotated) => {
            format!(
                "{why} Whoever rotated it was shown the new secret once; put that into this program."
            )
        }
        (Binding::Account, _) => format!("{why} Create a new one on {console}/tokens."),
    }
}
