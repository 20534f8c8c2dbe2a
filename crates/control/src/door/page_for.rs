//! The user and the account that a page was made for. Each form of the page carries both, because another tab may have
//! switched the account or logged in another user since. A form that no longer matches, or whose session has ended, has
//! no effect: the response is a page that keeps the input and offers to send it again.

use crate::{
    AppState, accounts,
    door::{
        api,
        language::text,
        layout::{Nav, PageLayout, page_with},
        page_owner::PageFor,
        problem::{Problem, problem_page},
    },
    principal::Caller,
    refusal::{Code, Refusal},
};
use askama::Template;
use axum::{
    body::Body,
    extract::Request,
    http::{Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use keydesk_store::User;

/// The form field with the user and the account.
pub(crate) const FIELD: &str = "page_for";
/// The maximum size of a form.
pub(crate) const LARGEST_FORM: usize = 64 * 1024;
/// The form field that switches the session to the form's account.
const SWITCH: &str = "switch_account";

/// The user and account from a request's form.
#[derive(Clone, Copy, Debug)]
struct Sent {
    page_for: PageFor,
    switches: bool,
}

/// The reason why a form had no effect. A response extension, from which [`keep_form`] creates the page.
#[derive(Clone, Debug)]
pub(crate) enum NotDone {
    LoggedOut,
    OtherUser { now: String },
    AccountMismatch { page: Option<String>, now: String },
}

impl NotDone {
    /// Returns the response for requests without a form to keep.
    fn respond(self) -> Response {
        let mut response = Problem::from(Code::PageChanged).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Rejects a form of a page that was made for another user.
#[expect(clippy::result_large_err, reason = "extractors reject with a whole answer")]
pub(crate) fn check_user(parts: &Parts, user: &User) -> Result<(), Response> {
    match parts.extensions.get::<Sent>() {
        Some(sent) if sent.page_for.user != user.id => {
            Err(NotDone::OtherUser { now: user.email.to_string() }.respond())
        }
        _ => Ok(()),
    }
}

/// Rejects a form of a page that was made for another account, unless it requests a switch to that account first.
/// Returns `true` if the session has switched and the caller must be loaded again.
pub(crate) async fn check_account(
    app: &AppState,
    parts: &Parts,
    caller: &Caller,
) -> Result<bool, Response> {
    let Some(Sent { page_for: PageFor { account: Some(account), .. }, switches }) =
        parts.extensions.get::<Sent>()
    else {
        return Ok(false);
    };
    if caller.account.id == *account {
        return Ok(false);
    }
    if *switches {
        let switched = accounts::switch(app, caller, *account).await;
        return switched.map(|()| true).map_err(|refusal| Problem::from(refusal).into_response());
    }
    let page = caller.accounts.iter().find(|known| known.id == *account);
    let page = page.map(|account| account.name.clone());
    Err(NotDone::AccountMismatch { page, now: caller.account.name.clone() }.respond())
}

#[derive(Template)]
#[template(path = "sessions/not_done.html")]
struct NotDonePage {
    chrome: PageLayout,
    detail: String,
    /// The form's target, fields, and button label, or `None` if the form can't be sent again unchanged.
    again: Option<Again>,
    logs_in: bool,
    offers_log_out: bool,
}

struct Again {
    path: String,
    fields: Vec<(String, String)>,
    label: String,
}

/// Reads the user and account from a form, and keeps the form if it had no effect. Rejects control characters in all
/// text that is stored or searched, because databases handle them differently.
pub(crate) async fn keep_form(request: Request, next: Next) -> Response {
    if api::contains(request.uri().path()) {
        return next.run(request).await;
    }
    let kind = request.headers().get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes);
    let is_form = kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"));
    let query = request.uri().query().unwrap_or_default();
    let searched: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    if let Some(field) = searched.iter().find_map(|(name, value)| control_character(name, value)) {
        return reject_control_character(field);
    }
    let mut request = request;
    if request.method() == Method::POST && kind_is_missing(&request) {
        // A button without fields, sent by a client: curl omits the content type if there is no body.
        let form = header::HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(header::CONTENT_TYPE, form);
        return next.run(request).await;
    }
    if request.method() != Method::POST || !is_form {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_FORM).await else {
        let detail = text("form-too-large");
        let title = text("unreadable").to_string();
        return problem_page(StatusCode::PAYLOAD_TOO_LARGE, title, detail.to_string());
    };
    let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    if let Some(field) = fields.iter().find_map(|(name, value)| control_character(name, value)) {
        return reject_control_character(field);
    }
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted);
    if let Some(Ok(page_for)) = field(FIELD).map(|(_, value)| value.parse()) {
        parts.extensions.insert(Sent { page_for, switches: field(SWITCH).is_some() });
    }
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    match response.extensions_mut().remove::<NotDone>() {
        Some(why) if field(FIELD).is_some() || fields.len() > 1 => not_done(&why, path, fields),
        _ => response,
    }
}

fn kind_is_missing(request: &Request) -> bool {
    use axum::body::HttpBody;
    !request.headers().contains_key(header::CONTENT_TYPE) && request.body().is_end_stream()
}

/// Returns the field's name if it contains a control character. Passwords may contain any, because they are hashed.
fn control_character<'a>(name: &'a str, value: &str) -> Option<&'a str> {
    let is_password = name.contains("password");
    (!is_password && has_control_character(value)).then_some(name)
}

/// Returns whether a text has a control character that isn't a line break or a tab.
pub(crate) fn has_control_character(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn reject_control_character(field: &str) -> Response {
    let field: String = field.chars().filter(|c| !c.is_control()).take(60).collect();
    Problem::from(Refusal::new(Code::ControlCharacter).with_text("field", field)).into_response()
}

fn not_done(why: &NotDone, path: String, mut fields: Vec<(String, String)>) -> Response {
    // Secrets must be entered again.
    let is_secret =
        |name: &str| ["password", "secret", "code"].iter().any(|secret| name.contains(secret));
    fields.retain(|(name, _)| !is_secret(name) && name != SWITCH);
    let mut again = Again { path, fields, label: text("page-changed-again").to_string() };
    let (status, detail, can_repeat) = match why {
        NotDone::LoggedOut => {
            (StatusCode::FORBIDDEN, text("page-changed-logged-out").to_string(), true)
        }
        NotDone::OtherUser { now } => {
            (StatusCode::CONFLICT, text("page-changed-user").with("email", now).to_string(), false)
        }
        NotDone::AccountMismatch { page: Some(page), now } => {
            again.label = text("page-changed-switch").with("account", page).to_string();
            again.fields.push((SWITCH.to_owned(), "yes".to_owned()));
            let detail = text("page-changed-account").with("page", page).with("now", now);
            (StatusCode::CONFLICT, detail.to_string(), true)
        }
        NotDone::AccountMismatch { page: None, now } => {
            (StatusCode::CONFLICT, text("page-changed-left").with("now", now).to_string(), false)
        }
    };
    let shown = NotDonePage {
        chrome: PageLayout::nobody(text("page-changed-title"), Nav::None),
        detail,
        again: can_repeat.then_some(again),
        logs_in: matches!(why, NotDone::LoggedOut),
        offers_log_out: matches!(why, NotDone::OtherUser { .. }),
    };
    page_with(status, &shown)
}
