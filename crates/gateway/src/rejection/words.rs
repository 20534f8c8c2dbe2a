//! What a rejection says: what was wrong, and what to do about it. Never echoes a token.

use super::Rejection;
use crate::{settings::Settings, target::TargetFault};
use keydesk_model::{Rate, Revocation, RevocationReason, TokenOwner};

impl Rejection {
    /// What was wrong, in plain ASCII so that it may also stand in a header.
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::MissingToken => "The request has no token",
            Self::UnsupportedAuthScheme => {
                "The API takes bearer tokens, not this authentication scheme"
            }
            Self::MissingBearerScheme => "The word Bearer is missing before the token",
            Self::EmptyCredentials => "There is no token after the word Bearer",
            Self::DuplicateBearerScheme => "The word Bearer is there twice",
            Self::DuplicateAuthorization => "The request has more than one Authorization header",
            Self::MaskedToken => "That is the masked display of a token",
            Self::MalformedHeader => "The Authorization header cannot be read",
            Self::UnexpandedVariable => {
                "The request contains the name of a variable instead of the token"
            }
            Self::TokenInQuery => "The token stands in the URL",
            Self::MalformedToken => "That is not a complete token",
            Self::UnknownToken => "The token is not known here",
            Self::Expired { .. } => "The token has expired",
            Self::Ended { .. } => "The token has ended",
            Self::AccountMismatch { .. } => "The token belongs to another account",
            Self::InsufficientScope { .. } => "The token may not do this",
            Self::IpNotAllowed { .. } => "The token may not be used from this address",
            Self::RateLimited { .. } => "Too many requests in a short time",
            Self::QuotaExceeded { .. } => "The account's requests for this month are used up",
            Self::AccountSuspended => "The account is suspended",
            Self::AccountClosed => "The account is closed",
            Self::UnknownAccount => "The path does not begin with an account number",
            Self::NoAccount => "This is not an endpoint URL",
            Self::AmbiguousPath { .. } => "The path can be read in more than one way",
            Self::MalformedTarget(_) => "The URL is not well-formed",
            Self::AmbiguousHeader { .. } => "A header name can be read in more than one way",
            Self::MethodOverride => "The request asks for another method in a parameter",
            Self::InvalidHost => "The request needs exactly one Host",
            Self::MalformedRequest => "The request is not well-formed HTTP",
            Self::HeadersTooLarge { .. } => "The request's headers are too large",
            Self::TooManyHeaders { .. } => "The request has too many headers",
            Self::TlsOnPlainPort => "The client sent TLS to a port without TLS",
            Self::InvalidFraming => "The request does not say clearly where its body ends",
            Self::UnsupportedTransferCoding => "The request's transfer coding is not known",
            Self::MethodNotAllowed { .. } => "The method is not served",
            Self::UnknownEndpoint => "Keydesk has no such operation",
            Self::InvalidParameters { .. } => "A parameter is missing or cannot be read",
            Self::TokenMismatch => "The token that is named is not the one that was sent",
            Self::AlreadyRotated => "The token has been rotated already",
            Self::TemporarilyUnavailable => "That cannot be done at the moment",
            Self::UnknownClient => "The client is not known, or its secret is wrong",
            Self::UntrustedProxy => "Only trusted proxies may ask this",
            Self::InvalidForwardedRequest { .. } => "The proxy does not say which request it holds",
            Self::BodyTooLarge { .. } => "The request body is too large",
            Self::HeaderTimeout => "The request's headers did not arrive in time",
            Self::BodyTimeout => "The request body stopped coming",
            Self::NotReady => "The gateway is still starting",
            Self::GatewayDisconnected => {
                "The gateway cannot tell now whether tokens are still good"
            }
            Self::NoRoute => "No API is served at this path",
            Self::UpstreamUnreachable(_) => "The API behind the gateway cannot be reached",
            Self::UpstreamLost => "The API behind the gateway closed the connection",
            Self::InvalidUpstreamResponse(_) => {
                "The API behind the gateway gave an answer that cannot be read"
            }
            Self::UpstreamTimeout => "The API behind the gateway did not answer in time",
        }
    }

    /// What to do about it.
    pub(super) fn detail(&self, settings: &Settings) -> String {
        let console = &settings.console_url;
        let gateway = &settings.public_url;
        match self {
            Self::MissingToken => format!("Send the header “Authorization: Bearer <token>”. Your token is on {console}/api-docs."),
            Self::UnsupportedAuthScheme => "Send “Authorization: Bearer <token>” instead.".to_owned(),
            Self::MissingBearerScheme => "Send “Authorization: Bearer <token>”: the word Bearer, a space, then the token.".to_owned(),
            Self::EmptyCredentials => "The variable that should hold the token is probably empty.".to_owned(),
            Self::DuplicateBearerScheme => "Your client adds “Bearer” to a value that begins with it already. Store the token alone, or send the value as it is.".to_owned(),
            Self::DuplicateAuthorization => "Send exactly one. A proxy or a default header of the HTTP client may add another.".to_owned(),
            Self::MaskedToken => "The dots stand for the part that is hidden on the screen. Use the Copy button, or Show first.".to_owned(),
            Self::MalformedHeader => "Send “Authorization: Bearer <token>” with the bare token: no quotes, brackets, commas or further words.".to_owned(),
            Self::UnexpandedVariable => "The variable was not replaced by its value. In a shell, use double quotes, not single quotes; in a tool, check that its template syntax is right and the variable is set.".to_owned(),
            Self::TokenInQuery => "URLs end up in logs. Send the token in the Authorization header instead, and rotate it, as it may have been recorded on the way.".to_owned(),
            Self::MalformedToken => format!("A token is a prefix, a letter and 38 letters and digits, joined by “_”; this one is cut short, mistyped or of another system. Copy it again from {console}/api-docs."),
            Self::UnknownToken => format!("It was never issued here. Check that it comes from this service: {console}/api-docs."),
            Self::Expired { at } => format!("It expired at {at}, as was chosen when it was made. Create a new one on {console}/tokens."),
            Self::Ended { revocation, token_owner } => ended(*revocation, *token_owner, console),
            Self::AccountMismatch { asked, own } => format!("The request went to account {asked}, but the token opens account {own}. Send it to {gateway}/{own}, or use a token of account {asked}."),
            Self::InsufficientScope { is_unlisted: true, .. } => format!("No operation rule covers this method and path, so only a token with full access (scope *) can call it. Check the method and the path, or create such a token at {console}/tokens."),
            Self::InsufficientScope { wanted, .. } => lacking(wanted, console),
            Self::IpNotAllowed { client_ip } => format!("This call came from {client_ip}, which is not among the networks that the token is limited to. Change them on {console}/tokens, or call from one of them."),
            Self::RateLimited { limit, rate, .. } => rate_limited(limit, *rate),
            Self::QuotaExceeded { most, .. } => format!("The account's plan has {most} requests a month, and they are used up; a new month begins on the 1st, UTC. This is not a rate: waiting a little does not help. {console}/limits shows the plan."),
            Self::AccountSuspended => format!("The token is good, but the operator has suspended its account: nothing of it is served until the operator lets it go on. DeferredRequest them; {console} tells members since when."),
            Self::AccountClosed => "The account of this token was closed. Its operator can restore it for 30 days.".to_owned(),
            Self::UnknownAccount => format!("An account number has six to eight digits and no leading zero. Your endpoint URL is on {console}/api-docs."),
            Self::NoAccount => format!("An endpoint URL looks like {gateway}/385403, with your own account number. Copy yours from {console}/api-docs."),
            Self::AmbiguousPath { key } => ambiguous_path(*key).to_owned(),
            Self::MalformedTarget(fault) => malformed_target(*fault).to_owned(),
            Self::AmbiguousHeader { like } => format!("Some servers would treat one of the request's headers as {like}. Remove it, or write its name with letters, digits, and hyphens only."),
            Self::MethodOverride => "Send the request with the method that you mean, and without the parameter “_method”.".to_owned(),
            Self::InvalidHost => "Send one Host header (or :authority) with the host and port of the endpoint URL.".to_owned(),
            Self::MalformedRequest => "It breaks RFC 9112, or uses a form that servers read differently: bare line feeds, folded lines, a space before a colon. If you wrote https:// for a plain port, or http:// for a TLS port, change that.".to_owned(),
            Self::HeadersTooLarge { limit } => format!("The limit is {limit} bytes."),
            Self::TooManyHeaders { limit } => format!("The limit is {limit} headers."),
            Self::TlsOnPlainPort => format!("Use the URL {gateway} as it is, with http:// if it begins with http://. To serve TLS here, the API provider configures [tls]."),
            Self::InvalidFraming => "Send one Content-Length of digits or one “Transfer-Encoding: chunked” with correct chunks, never both; HTTP/1.0 has no chunks.".to_owned(),
            Self::UnsupportedTransferCoding => "The only transfer coding is “chunked”. Content may be compressed with Content-Encoding instead.".to_owned(),
            Self::MethodNotAllowed { allowed } => format!("Here these methods are served: {allowed}. TRACE, CONNECT and methods with small letters are rejected for every path."),
            Self::UnknownEndpoint => format!("Below the endpoint's /{0} there are GET whoami, POST rotate and POST revoke, as far as they are switched on.", settings.reserved_prefix),
            Self::InvalidParameters { why } => (*why).to_owned(),
            Self::TokenMismatch => "A token rotates and revokes itself only: leave the parameter “token” out, or send the token that stands in the Authorization header.".to_owned(),
            Self::AlreadyRotated => format!("This is the old secret, which goes on for a while. Whoever rotated it has the new one; if that is lost, rotate on {console}/tokens."),
            Self::TemporarilyUnavailable => format!("Nothing was changed. Try again in a moment, or use {console}/tokens."),
            Self::UnknownClient => "Introspection is for the clients in the configuration: send id and secret once, by HTTP Basic or in the form.".to_owned(),
            Self::UntrustedProxy => "Name the proxy's address under trusted in [forward_auth].".to_owned(),
            Self::InvalidForwardedRequest { name } => format!("{name} is missing, there twice, or cannot be read. Let the proxy set X-Forwarded-Method, X-Forwarded-Uri and X-Forwarded-For itself, once each."),
            Self::BodyTooLarge { limit } => format!("At most {limit} bytes are taken."),
            Self::HeaderTimeout => "Send the whole head at once.".to_owned(),
            Self::BodyTimeout => "Send it without pausing, or in smaller parts.".to_owned(),
            Self::NotReady => "Try again in a second.".to_owned(),
            Self::GatewayDisconnected => "It has lost touch with its database, and rejects rather than accept a token that was revoked meanwhile. Yours may well be fine: try again in a few seconds.".to_owned(),
            Self::NoRoute => "Check the path against the API's documentation.".to_owned(),
            Self::UpstreamUnreachable(_) => "Your token is valid. The request was not sent, so you can repeat it. If this continues, contact the API provider.".to_owned(),
            Self::InvalidUpstreamResponse(_) => "Your token is valid. The request may have been carried out: check before you repeat it. If this continues, contact the API provider.".to_owned(),
            Self::UpstreamLost | Self::UpstreamTimeout => "Your token is valid. The request may have been carried out: check before you repeat it.".to_owned(),
        }
    }
}

fn ambiguous_path(key: Option<&str>) -> &'static str {
    match key {
        Some("encoded_slash") => {
            "The path contains “%2F”, which some servers read as a slash. If the API needs it, ask the API provider to set encoded_slash = \"keep\" for this upstream."
        }
        Some("empty_segments") => {
            "The path contains “//”, which some servers read as one slash. If the API needs it, ask the API provider to set empty_segments = \"keep\" for this upstream."
        }
        Some("double_encoding") => {
            "The path is percent-encoded twice, which some servers decode twice. If the API needs it, ask the API provider to set double_encoding = \"keep\" for this upstream."
        }
        Some("non_utf8") => {
            "The path contains percent-encoded bytes that are not UTF-8, which servers read differently. If the API needs them, ask the API provider to set non_utf8 = \"keep\" for this upstream."
        }
        _ => {
            "Remove dot segments, backslashes, NUL bytes, and incomplete percent-encoding from the path."
        }
    }
}

fn malformed_target(fault: TargetFault) -> &'static str {
    match fault {
        TargetFault::NotEncoded => {
            "It contains characters outside ASCII or spaces. Percent-encode them as UTF-8: “ü” is “%C3%BC”."
        }
        TargetFault::Fragment => {
            "It contains a fragment, which begins with “#”. Leave the fragment out, or write “#” as “%23”."
        }
        TargetFault::Asterisk => "“*” names the whole server, and only OPTIONS may ask for that.",
        TargetFault::NoPath => "Its path must begin with a slash.",
    }
}

fn rate_limited(limit: &str, rate: Rate) -> String {
    let whose = match limit {
        "account" => "All tokens of the account together",
        "token" => "Each token of the account",
        "rotation" => {
            return format!(
                "A token may rotate itself {} times in {} s. Wait for as long as Retry-After says.",
                rate.requests(),
                rate.span().as_secs()
            );
        }
        _ => "The account's requests of this operation",
    };
    format!(
        "{whose} may make {} requests in {} s. Wait for as long as Retry-After says; the month's requests are another matter.",
        rate.requests(),
        rate.span().as_secs()
    )
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

fn ended(revocation: Revocation, token_owner: TokenOwner, console: &str) -> String {
    let Revocation { at, reason } = revocation;
    let why = format!("It ended at {at} because {}.", reason.because());
    match (token_owner, reason) {
        (
            TokenOwner::Member(_),
            RevocationReason::MemberRemoved | RevocationReason::RoleChanged,
        ) => {
            format!("{why} DeferredRequest an administrator of the account for an API token.")
        }
        (_, RevocationReason::AccountClosed) => why,
        (TokenOwner::Member(_), _) => format!(
            "{why} The new bearer token stands on {console}/api-docs; an API token would have lived on."
        ),
        (TokenOwner::Account, RevocationReason::Rotated) => {
            format!(
                "{why} Whoever rotated it was shown the new secret once; put that into this client."
            )
        }
        (TokenOwner::Account, _) => format!("{why} Create a new one on {console}/tokens."),
    }
}
