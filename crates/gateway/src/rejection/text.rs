//! The text of a rejection: the problem and how to solve it. Never repeats a token.

use super::{Allowlist, Rejection, TargetFault};
use crate::settings::Settings;
use keydesk_model::{Rate, Revocation, RevocationReason, TokenId, TokenOwner};

impl Rejection {
    /// Returns the problem in plain ASCII, because it is also sent in a header.
    #[expect(clippy::too_many_lines, reason = "one title for each rejection")]
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::MissingToken => "The request has no token",
            Self::UnsupportedAuthScheme => {
                "The API accepts bearer tokens, not this authentication scheme"
            }
            Self::MissingBearerScheme => "The word Bearer is missing before the token",
            Self::EmptyToken => "The token is missing after the word Bearer",
            Self::DuplicateBearerScheme => {
                "The Authorization header contains the word Bearer twice"
            }
            Self::DuplicateAuthorization => "The request has more than one Authorization header",
            Self::MaskedToken => "The token is masked",
            Self::MalformedHeader => "The Authorization header is malformed",
            Self::UnexpandedVariable => {
                "The request contains the name of a variable instead of the token"
            }
            Self::TokenInQuery => "The token was sent in the URL",
            Self::MalformedToken => "The token is malformed or incomplete",
            Self::UnknownToken => "The token does not exist",
            Self::Expired { .. } => "The token has expired",
            Self::Revoked { .. } => "The token is no longer valid",
            Self::AccountMismatch { .. } => "The token belongs to another account",
            Self::InsufficientScope { .. } => "The token does not have the required scope",
            Self::IpNotAllowed { .. } => "The client IP address is not allowed",
            Self::RateLimited { .. } => "Rate limit exceeded",
            Self::QuotaExceeded { .. } => "Monthly quota exceeded",
            Self::AccountSuspended => "The account is suspended",
            Self::AccountClosed => "The account is closed",
            Self::UnknownAccount => "The path does not begin with an account number",
            Self::NoAccount => "The URL is not an endpoint URL",
            Self::AmbiguousPath { .. } => "The path is ambiguous",
            Self::MalformedTarget(_) => "The URL is malformed",
            Self::AmbiguousHeader { .. } => "A header name is ambiguous",
            Self::MethodOverride => "The request overrides its method in a parameter",
            Self::InvalidHost => "The request must have exactly one Host",
            Self::MalformedRequest => "The request is not valid HTTP",
            Self::HeadersTooLarge { .. } => "The request headers are too large",
            Self::TooManyHeaders { .. } => "The request has too many headers",
            Self::TlsOnPlainPort => "The client sent TLS to a port without TLS",
            Self::InvalidFraming => "The length of the request body is ambiguous",
            Self::UnsupportedTransferCoding => "The transfer coding is not supported",
            Self::MethodNotAllowed { .. } => "The method is not allowed",
            Self::UnknownEndpoint => "Keydesk has no such endpoint",
            Self::InvalidParameters { .. } => "A parameter is missing or invalid",
            Self::TokenMismatch => {
                "The token parameter does not match the token in the Authorization header"
            }
            Self::AlreadyRotated => "The token has already been rotated",
            Self::TemporarilyUnavailable => "The token cannot be changed right now",
            Self::UnknownClient => "The client ID or client secret is incorrect",
            Self::UntrustedProxy => "The proxy is not trusted",
            Self::InvalidForwardedRequest { .. } => {
                "The proxy did not describe the request correctly"
            }
            Self::BodyTooLarge { .. } => "The request body is too large",
            Self::HeaderTimeout => "The request headers did not arrive in time",
            Self::BodyTimeout => "The request body did not arrive in time",
            Self::NotReady => "The gateway is still starting",
            Self::GatewayDisconnected => "The gateway cannot verify tokens right now",
            Self::NoRoute => "No API is served at this path",
            Self::UpstreamUnreachable(_) => "The API cannot be reached",
            Self::UpstreamLost => "The API closed the connection before it responded",
            Self::InvalidUpstreamResponse(_) => "The response of the API is not valid HTTP",
            Self::UpstreamTimeout => "The API did not respond in time",
        }
    }

    /// Returns how to solve the problem.
    pub(super) fn detail(&self, settings: &Settings) -> String {
        let console = &settings.console_url;
        let gateway = &settings.public_url;
        match self {
            Self::MissingToken => format!("Send the header “Authorization: Bearer <token>”. Tokens sent elsewhere, such as in the URL, aren’t accepted. Your bearer token is at {console}/api-docs. To create an API token, go to {console}/tokens."),
            Self::UnsupportedAuthScheme => "Send “Authorization: Bearer <token>” instead.".to_owned(),
            Self::MissingBearerScheme => "Send “Authorization: Bearer <token>”: the word Bearer, a space, and the token.".to_owned(),
            Self::EmptyToken => "Check that the variable that holds the token isn’t empty.".to_owned(),
            Self::DuplicateBearerScheme => "Your client adds “Bearer” to a value that already begins with it. Store the token without the word Bearer, or send the value unchanged.".to_owned(),
            Self::DuplicateAuthorization => "Send exactly one. A proxy or a default header of the HTTP client might add another.".to_owned(),
            Self::MaskedToken => "The dots stand for the part that the console hides. Use the Copy button, or select Show first.".to_owned(),
            Self::MalformedHeader => "Send “Authorization: Bearer <token>” with the bare token: no quotes, brackets, commas, or other words.".to_owned(),
            Self::UnexpandedVariable => "The variable was not replaced by its value. In a shell, use double quotes, not single quotes. In a tool, check the template syntax and that the variable is set.".to_owned(),
            Self::TokenInQuery => "URLs end up in logs. Send the token in the Authorization header instead, and rotate it, because it may have been logged on the way.".to_owned(),
            Self::MalformedToken => format!("A token consists of a prefix, a letter, and 38 letters and digits, joined by “_”. This one is truncated, mistyped, or from another system. Copy a bearer token again from {console}/api-docs, or an API token from where you stored it. If an API token is lost, rotate it at {console}/tokens."),
            Self::UnknownToken => format!("No bearer token or API token with this value has ever been created here. Check that the token comes from this service ({console}/api-docs). If it’s a management key, use it at {console}/api/v1 only."),
            Self::Expired { at, token } => format!("It expired at {at}, the expiration date that was set when it was created. Replace it at {console}/tokens/{token}."),
            Self::Revoked { revocation, token_owner, token } => revoked(*revocation, (*token_owner, *token), console),
            Self::AccountMismatch { asked, own } => format!("The request was sent to account {asked}, but the token belongs to account {own}. Send the request to {gateway}/{own}, or use a token of account {asked}."),
            Self::InsufficientScope { is_unlisted: true, .. } => format!("No operation rule covers this method and path, so only a token with full access (scope *) can call it. Check the method and the path, or create such a token at {console}/tokens."),
            Self::InsufficientScope { wanted, .. } => missing_scopes(wanted, console),
            Self::IpNotAllowed { client_ip, by: Allowlist::Account, .. } => format!("The request came from {client_ip}, which isn’t in the IP allowlist of the account. Send the request from an allowed address, or edit the allowlist at {console}/limits."),
            Self::IpNotAllowed { client_ip, by: Allowlist::Token, token } => format!("The request came from {client_ip}, which isn’t in the IP allowlist of the token. Send the request from an allowed address, or edit the allowlist at {console}/tokens/{token}/limits."),
            Self::RateLimited { limit, rate, .. } => rate_limited(limit, *rate, console),
            Self::QuotaExceeded { most, .. } => format!("The account’s plan allows {most} requests per month, and all of them have been used. The quota resets on the 1st of the month, UTC. See {console}/limits."),
            Self::AccountSuspended => format!("The token is valid, but the API provider has suspended its account. Requests are rejected until the account is restored. Contact the API provider, or log in at {console} for details."),
            Self::AccountClosed => "The account of this token was closed. The API provider can restore it for 30 days.".to_owned(),
            Self::UnknownAccount => format!("An account number has six to eight digits and no leading zero. Your endpoint URL is at {console}/api-docs."),
            Self::NoAccount => format!("An endpoint URL looks like {gateway}/385403, with your own account number. Copy yours from {console}/api-docs."),
            Self::AmbiguousPath { key } => ambiguous_path(*key).to_owned(),
            Self::MalformedTarget(fault) => malformed_target(*fault).to_owned(),
            Self::AmbiguousHeader { like } => format!("Some servers would treat one of the request’s headers as {like}. Remove it, or write its name with letters, digits, and hyphens only."),
            Self::MethodOverride => "Send the request with the intended method and without the parameter “_method”.".to_owned(),
            Self::InvalidHost => "Send one Host header (or :authority) with the host and port of the endpoint URL.".to_owned(),
            Self::MalformedRequest => "It violates RFC 9112, or uses a form that servers interpret differently: bare line feeds, folded lines, or a space before a colon. Check that the URL begins with https:// for a TLS port and http:// for a plain port.".to_owned(),
            Self::HeadersTooLarge { limit } => format!("The limit is {limit} bytes."),
            Self::TooManyHeaders { limit } => format!("The limit is {limit} headers."),
            Self::TlsOnPlainPort => format!("Use the URL {gateway} exactly as it is. If it begins with http://, don’t use https://. To serve TLS here, the API provider configures [tls]."),
            Self::InvalidFraming => "Send either one Content-Length in digits or one “Transfer-Encoding: chunked” with valid chunks, never both. HTTP/1.0 has no chunks.".to_owned(),
            Self::UnsupportedTransferCoding => "The only supported transfer coding is “chunked”. To compress content, use Content-Encoding.".to_owned(),
            Self::MethodNotAllowed { allowed } => format!("Allowed here: {allowed}. TRACE, CONNECT, and methods with lowercase letters are rejected for every path."),
            Self::UnknownEndpoint => format!("The endpoints below /{0} are GET whoami, POST rotate, and POST revoke, unless the API provider has turned them off.", settings.reserved_prefix),
            Self::InvalidParameters { why } => (*why).to_owned(),
            Self::TokenMismatch => "A token can rotate and revoke only itself. Omit the parameter “token”, or send the token that is in the Authorization header.".to_owned(),
            Self::AlreadyRotated => format!("This is the previous secret, which works until its grace period ends. The client that rotated the token has the new one. If it’s lost, rotate the token at {console}/tokens."),
            Self::TemporarilyUnavailable => format!("Nothing has changed. Try again in a moment, or use {console}/tokens."),
            Self::UnknownClient => "Token introspection is for clients in the API provider’s configuration. Send the client ID and secret once, with HTTP Basic authentication or in the form.".to_owned(),
            Self::UntrustedProxy => "The API provider must list the proxy’s IP address in trusted_proxies of [forward_auth].".to_owned(),
            Self::InvalidForwardedRequest { name } => format!("{name} is missing, duplicated, or invalid. Configure the proxy to set X-Forwarded-Method, X-Forwarded-Uri, and X-Forwarded-For itself, once each."),
            Self::BodyTooLarge { limit } => format!("The limit is {limit} bytes."),
            Self::HeaderTimeout => "Send all headers together.".to_owned(),
            Self::BodyTimeout => "Send the body without pauses, or in smaller parts.".to_owned(),
            Self::NotReady => "Try again in a second.".to_owned(),
            Self::GatewayDisconnected => "The gateway can’t reach its database and doesn’t accept tokens that might have been revoked in the meantime. Your token may still be valid. Try again in a few seconds.".to_owned(),
            Self::NoRoute => "Check the path against the API’s documentation.".to_owned(),
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
        TargetFault::Asterisk => "“*” names the whole server and is allowed for OPTIONS only.",
        TargetFault::NoPath => "Its path must begin with a slash.",
    }
}

fn rate_limited(limit: &str, rate: Rate, console: &str) -> String {
    let (requests, seconds) = (rate.requests(), rate.span().as_secs());
    let subject = match limit {
        "account" => "All tokens of the account together",
        "token" => "Each token of the account",
        "rotation" => {
            return format!(
                "A token can rotate itself {requests} times per {seconds} s. Wait for the number of seconds in Retry-After, then try again."
            );
        }
        _ => "The account",
    };
    let operation = if subject == "The account" { " to this operation" } else { "" };
    format!(
        "{subject} can send {requests} requests per {seconds} s{operation}. Wait for the number of seconds in Retry-After, then try again. This limit is separate from the monthly quota. Your limits are at {console}/limits."
    )
}

fn missing_scopes(wanted: &str, console: &str) -> String {
    let scopes: Vec<_> = wanted.split(' ').collect();
    let what = match scopes.as_slice() {
        ["*"] => "Only tokens with full access can call this operation".to_owned(),
        [scope] => format!("This operation requires the scope {scope}"),
        scopes => format!("This operation requires one of the scopes {}", scopes.join(", ")),
    };
    format!(
        "{what}. Create a token that has it, or change this token’s scopes, at {console}/tokens."
    )
}

fn revoked(
    revocation: Revocation,
    (token_owner, token): (TokenOwner, TokenId),
    console: &str,
) -> String {
    let Revocation { at, reason } = revocation;
    let why = match reason {
        RevocationReason::Revoked => format!("It was revoked at {at}."),
        reason => format!("It was revoked at {at} because {}.", reason.because()),
    };
    match (token_owner, reason) {
        (
            TokenOwner::Member(_),
            RevocationReason::MemberRemoved | RevocationReason::RoleChanged,
        ) => format!("{why} Ask an administrator of the account for an API token."),
        (_, RevocationReason::AccountClosed) => why,
        (TokenOwner::Member(_), _) => format!(
            "{why} Get your new bearer token at {console}/api-docs. To avoid this, use an API token: it doesn’t depend on a member’s password or sessions."
        ),
        (TokenOwner::Account, RevocationReason::Rotated) => format!(
            "{why} The new secret was shown once, to the user or client that rotated it. Update this client with it. If it’s lost, rotate the token again at {console}/tokens/{token}."
        ),
        (TokenOwner::Account, RevocationReason::Leaked) => {
            format!("{why} Create a replacement at {console}/tokens/{token}.")
        }
        (TokenOwner::Account, _) => {
            format!("{why} Restore or replace it at {console}/tokens/{token}.")
        }
    }
}
