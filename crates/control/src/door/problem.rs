//! Refusals as pages: the status, the title and text in the user's language, and a link to continue. The cause is
//! logged.

use crate::{
    door::{
        language::{label, text, text_if_exists},
        layout::{Nav, PageLayout, page_with},
    },
    refusal::{Code, Kind, Refusal, Value},
};
use askama::Template;
use axum::{
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use std::{error::Error, time::Duration};

/// A refusal as the response to a request.
#[derive(Debug)]
pub(crate) struct Problem(Refusal);

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    chrome: PageLayout,
    title: String,
    detail: String,
    offers_log_out: bool,
    back: (&'static str, String),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self(code.into())
    }
}

impl From<keydesk_store::StoreError> for Problem {
    fn from(error: keydesk_store::StoreError) -> Self {
        Self(error.into())
    }
}

fn status(code: Code) -> StatusCode {
    match code.kind() {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::NotPermitted => StatusCode::FORBIDDEN,
        Kind::Invalid | Kind::Gone => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Busy | Kind::Unsettled => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn message_id(code: Code) -> String {
    code.as_str().replace('_', "-")
}

/// Returns the text of a refusal in the user's language.
pub(crate) fn detail(refusal: &Refusal) -> String {
    let id = message_id(refusal.code());
    let explained = format!("{id}-why");
    let id = if text_if_exists(&explained).is_some() { explained } else { id };
    let message = refusal.values().iter().fold(text(&id), |message, (name, value)| match value {
        Value::Count(count) => message.count(name, *count),
        Value::Text(value) => message.with(name, value),
        Value::Name { kind, name: value } => message.with(name, label(kind, value)),
        Value::Span(wait) => message.with(name, span(*wait)),
        Value::Sentence { id, detail } => message.with(name, text(id).with("detail", detail)),
        Value::Refusal(inner) => message.with(name, detail(inner)),
    });
    message.to_string()
}

/// Returns the text of a refusal in English, for the command line.
pub fn english(refusal: &Refusal) -> String {
    crate::door::language::in_language(keydesk_model::Language::English, || detail(refusal))
}

/// Returns the title of a code, or else of its kind.
pub(crate) fn title(code: Code) -> String {
    let id = message_id(code);
    if text_if_exists(&format!("{id}-why")).is_some()
        && let Some(title) = text_if_exists(&id)
    {
        return title;
    }
    let is_login = matches!(
        code,
        Code::IncorrectCredentials
            | Code::IncorrectCode
            | Code::UnknownPasskey
            | Code::LoginExpired
    );
    if is_login {
        return text("not-logged-in").to_string();
    }
    let kind = match code.kind() {
        Kind::NotFound => "not-found",
        Kind::NotPermitted => "not-permitted",
        Kind::Invalid => "invalid",
        Kind::Conflict => "conflict",
        Kind::TooMany => "too-many-changes",
        Kind::Gone => "expired",
        Kind::Busy => "busy",
        Kind::Unsettled => "unsettled",
        Kind::Broken => "broken",
    };
    text(kind).to_string()
}

fn span(wait: Duration) -> String {
    match wait.as_secs() + u64::from(wait.subsec_nanos() > 0) {
        seconds @ ..=90 => text("span-seconds").count("n", seconds).to_string(),
        seconds => text("span-minutes").count("n", seconds.div_ceil(60)).to_string(),
    }
}

/// Returns the target of the page's button.
fn next(code: Code) -> (&'static str, String) {
    let (path, id) = match code {
        Code::AlreadyMember
        | Code::TooManyInvitations
        | Code::LastOwner
        | Code::CannotRemoveYourself => ("/members", "go-to-members"),
        Code::TokenAlreadyCreated => ("/tokens", "go-to-tokens"),
        Code::InvitationExpired
        | Code::InvitationWrongPassword
        | Code::InvitationWrongCode
        | Code::IncorrectCredentials
        | Code::IncorrectCode
        | Code::UnknownPasskey
        | Code::LoginExpired
        | Code::ResetExpired
        | Code::SsoNotConfigured
        | Code::SsoLoginExpired
        | Code::SsoLoginRejected
        | Code::ProviderFault => ("/login", "go-to-log-in"),
        Code::SignUpExpired => ("/sign-up", "sign-up-again"),
        Code::EmailLinkExpired | Code::EmailTaken | Code::SameEmail => {
            ("/profile", "go-to-profile")
        }
        Code::WrongTwoFactorCode | Code::AuthenticatorExists | Code::AuthenticatorNotStarted => {
            ("/two-factor", "factor-go-to")
        }
        Code::TwoFactorOwnFirst | Code::TwoFactorRequired => ("/two-factor", "factor-set-up"),
        Code::PasskeyNeedsDomain
        | Code::InvalidPasskeyResponse
        | Code::PasskeyExists
        | Code::TooManyPasskeys
        | Code::LastTwoFactorMethod => ("/passkeys", "go-to-passkeys"),
        Code::WrongAccountState | Code::TestEmailFailed => ("/operator", "go-to-accounts"),
        _ => ("/", "go-to-api-docs"),
    };
    (path, text(id).to_string())
}

/// Returns an error page for problems of HTTP itself.
pub(crate) fn problem_page(status: StatusCode, title: String, detail: String) -> Response {
    let back = ("/", text("go-to-api-docs").to_string());
    let chrome = PageLayout::nobody(&title, Nav::None);
    page_with(status, &Page { chrome, title, detail, offers_log_out: false, back })
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let request_id = crate::sessions::request_id().unwrap_or_default();
        if let Some(cause) = refusal.cause() {
            tracing::error!(error = cause as &dyn Error, request_id, "a console request failed");
        }
        let (code, status) = (refusal.code(), status(refusal.code()));
        let (title, mut detail) = (title(code), detail(&refusal));
        if status.is_server_error() && !request_id.is_empty() {
            detail = format!("{detail} {}", text("request-id").with("id", request_id));
        }
        let chrome = PageLayout::nobody(&title, Nav::None);
        let offers_log_out = code == Code::NoAccount;
        let page = Page { chrome, title, detail, offers_log_out, back: next(code) };
        let mut response = page_with(status, &page);
        let wait = refusal.wait().map(|wait| wait.as_secs().max(1));
        if let Some(wait) = wait.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(5)) {
            response.headers_mut().insert(RETRY_AFTER, wait.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t79_a_full_login_queue_returns_retry_after() {
        let response = Problem::from(Code::TooBusy).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }

    #[test]
    fn every_code_has_a_text_and_a_title_in_every_language() {
        for language in keydesk_model::Language::ALL {
            crate::door::language::in_language(language, || {
                for code in Code::ALL {
                    let id = message_id(*code);
                    let exists = [id.clone(), format!("{id}-why")];
                    assert!(exists.iter().any(|id| text_if_exists(id).is_some()), "{id}");
                    assert!(!title(*code).is_empty() && !next(*code).1.is_empty());
                }
            });
        }
    }
}
