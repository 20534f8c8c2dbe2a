//! Every way in which a request is refused, and the one function that turns it into an answer:
//! RFC 9457 with RFC 6750's challenge. Tells what was wrong and what to do; never echoes a token.

use crate::{Answer, Body, settings::Settings};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use keydesk_model::{AccountNumber, Binding, EndCause, Ending, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    Expired { at: Timestamp },
    Ended { ending: Ending, binding: Binding },
    OtherAccount { asked: AccountNumber, own: AccountNumber },
    UnknownAccount,
    NoAccount,
    AmbiguousPath,
    BadHost,
    MethodNotAllowed,
    NoSuchOperation,
    BodyTooLarge { limit: u64 },
    SlowBody,
    NotReady,
    UpstreamUnreachable,
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
}

impl Denial {
    /// The stable name of the refusal.
    pub fn code(self) -> &'static str {
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
            Self::UnknownAccount => "unknown_account",
            Self::NoAccount => "no_account",
            Self::AmbiguousPath => "ambiguous_path",
            Self::BadHost => "bad_host",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NoSuchOperation => "no_such_operation",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::SlowBody => "slow_body",
            Self::NotReady => "not_ready",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }

    pub fn status(self) -> StatusCode {
        match self {
            Self::NoCredentials
            | Self::OtherScheme
            | Self::MalformedToken
            | Self::UnknownToken
            | Self::Expired { .. }
            | Self::Ended { .. }
            | Self::OtherAccount { .. } => StatusCode::UNAUTHORIZED,
            Self::NoScheme
            | Self::EmptyCredentials
            | Self::BearerTwice
            | Self::RepeatedCredentials
            | Self::MaskedToken
            | Self::MalformedHeader
            | Self::TokenInQuery
            | Self::AmbiguousPath
            | Self::BadHost => StatusCode::BAD_REQUEST,
            Self::UnknownAccount | Self::NoAccount | Self::NoSuchOperation => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamUnreachable => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn challenge(self) -> Challenge {
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
            _ => Challenge::None,
        }
    }

    /// What was wrong, in plain ASCII so that it may also stand in a header.
    fn title(self) -> &'static str {
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
            Self::UnknownAccount => "The path does not begin with an account number",
            Self::NoAccount => "This is not an endpoint URL",
            Self::AmbiguousPath => "The path can be read in more than one way",
            Self::BadHost => "The request needs exactly one Host",
            Self::MethodNotAllowed => "The method is not served",
            Self::NoSuchOperation => "Keydesk has no such operation",
            Self::BodyTooLarge { .. } => "The request body is too large",
            Self::SlowBody => "The request body stopped coming",
            Self::NotReady => "The gateway is still starting",
            Self::UpstreamUnreachable => "The API behind the gateway cannot be reached",
            Self::UpstreamTimeout => "The API behind the gateway did not answer in time",
        }
    }

    /// What to do about it.
    fn detail(self, settings: &Settings) -> String {
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
            Self::Ended { ending, binding } => ended(ending, binding, console),
            Self::OtherAccount { asked, own } => format!("The request went to account {asked}, but the token opens account {own}. Send it to {gateway}/{own}, or use a token of account {asked}."),
            Self::UnknownAccount => format!("An account number has six to eight digits and no leading zero. Your endpoint URL is on {console}/api-docs."),
            Self::NoAccount => format!("An endpoint URL looks like {gateway}/385403, with your own account number. Copy yours from {console}/api-docs."),
            Self::AmbiguousPath => "Remove empty and dot segments, backslashes, and the encoded forms of “/”, “\\” and NUL.".to_owned(),
            Self::BadHost => "Send one Host header (or :authority) with the host and port of the endpoint URL.".to_owned(),
            Self::MethodNotAllowed => "TRACE and CONNECT are refused for every path.".to_owned(),
            Self::NoSuchOperation => format!("Below /{0} there is GET /{0}/whoami.", settings.reserved_prefix),
            Self::BodyTooLarge { limit } => format!("At most {limit} bytes are taken."),
            Self::SlowBody => "Send it without pausing, or in smaller parts.".to_owned(),
            Self::NotReady => "Try again in a second.".to_owned(),
            Self::UpstreamUnreachable => "Your token is fine. Try again later; if it lasts, tell the API's operator.".to_owned(),
            Self::UpstreamTimeout => "Your token is fine. The request may or may not have been carried out.".to_owned(),
        }
    }

    pub(crate) fn into_response(self, settings: &Settings, request_id: &str) -> Answer {
        let code = self.code();
        let problem = serde_json::json!({
            "type": format!("urn:keydesk:problem:{}", code.replace('_', "-")),
            "title": self.title(),
            "status": self.status().as_u16(),
            "detail": self.detail(settings),
            "code": code,
            "help": format!("{}/help", settings.console_url),
            "request_id": request_id,
        });
        let mut response = Response::new(Body::Left(Full::new(Bytes::from(problem.to_string()))));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge_value() {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        match self {
            Self::NotReady => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::MethodNotAllowed => {
                let allowed =
                    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
                headers.insert(header::ALLOW, allowed);
            }
            // What is left of the request body would be read as the next request.
            Self::BodyTooLarge { .. } | Self::SlowBody => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }

    fn challenge_value(self) -> Option<HeaderValue> {
        let error = match self.challenge() {
            Challenge::None => return None,
            Challenge::Plain => return Some(HeaderValue::from_static("Bearer realm=\"keydesk\"")),
            Challenge::InvalidRequest => "invalid_request",
            Challenge::InvalidToken => "invalid_token",
        };
        let title = self.title();
        let value =
            format!("Bearer realm=\"keydesk\", error=\"{error}\", error_description=\"{title}\"");
        HeaderValue::try_from(value).ok()
    }
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
