//! What goes wrong in the console, told to a user: what it was, and what to do. The cause stays
//! inside, for the log.

use crate::door::layout::{Nav, PageLayout, page_with};
use crate::door::language::text;
use askama::Template;
use axum::{
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use keydesk_node::WrongClock;
use keydesk_store::StoreError;
use std::{error::Error, num::NonZeroU32, time::Duration};

#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: String,
    detail: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    /// Seconds.
    retry_after: Option<NonZeroU32>,
    offers_log_out: bool,
    back: (&'static str, String),
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    chrome: PageLayout,
    title: String,
    detail: String,
    offers_log_out: bool,
    back: (&'static str, String),
}

fn home() -> (&'static str, String) {
    ("/", text("go-to-api-docs").to_string())
}

impl Problem {
    pub fn new(status: StatusCode, title: impl Into<String>, detail: impl Into<String>) -> Self {
        let (title, detail) = (title.into(), detail.into());
        let (cause, retry_after) = (None, None);
        Self { status, title, detail, cause, retry_after, offers_log_out: false, back: home() }
    }

    /// Where the page's button leads.
    pub fn redirect_to(self, path: &'static str, label: impl Into<String>) -> Self {
        Self { back: (path, label.into()), ..self }
    }

    /// What to say beside a form, where the form is what was wrong.
    pub fn beside_form(&self) -> Option<&str> {
        (self.status == StatusCode::UNPROCESSABLE_ENTITY).then_some(self.detail.as_str())
    }

    /// For someone whose session leads nowhere.
    pub fn with_log_out(self) -> Self {
        Self { offers_log_out: true, ..self }
    }

    /// The same for what does not exist and what belongs to someone else.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, text("no-page"), text("no-page-why"))
    }

    pub fn not_permitted(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text("not-permitted"), detail)
    }

    /// Of somebody who was looked up anew in the transaction.
    pub fn logged_out() -> Self {
        Self::new(StatusCode::FORBIDDEN, text("logged-out"), text("logged-out-why"))
    }

    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, text("invalid"), detail)
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, text("conflict"), detail)
    }

    pub fn too_busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text("too-busy"), text("too-busy-why"))
    }

    pub fn wrong_clock(cause: WrongClock) -> Self {
        Self {
            cause: Some(Box::new(cause)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                text("wrong-clock"),
                text("wrong-clock-why"),
            )
        }
    }

    pub fn too_many_tries(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, text("too-many-tries"), detail)
    }

    pub fn too_many_log_ins(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, text("too-many-log-ins"), detail)
    }

    pub fn too_many_changes(wait: Duration) -> Self {
        let seconds = NonZeroU32::MIN.saturating_add(wait.as_secs().try_into().unwrap_or(u32::MAX));
        let detail = text("too-many-changes-why").count("n", u64::from(seconds.get()));
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, text("too-many-changes"), detail);
        Self { retry_after: Some(seconds), ..problem }
    }

    pub fn broken(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, text("broken"), text("broken-why"))
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::conflict(text("conflict-why")),
            StoreError::Unsettled => Self {
                cause: Some(Box::new(error)),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    text("unsettled"),
                    text("unsettled-why"),
                )
            },
            StoreError::Unknown => Self {
                cause: Some(Box::new(error)),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text("unknown"), text("unknown-why"))
            },
            StoreError::Busy(_) | StoreError::LosesWrites { .. } => Self {
                cause: Some(Box::new(error)),
                retry_after: NonZeroU32::new(5),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text("busy"), text("busy-why"))
            },
            StoreError::Unreadable { .. } | StoreError::Journal(_) | StoreError::Unavailable(_) => {
                Self::broken(error)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let request_id = crate::sessions::request_id().unwrap_or_default();
        if let Some(cause) = &self.cause {
            tracing::error!(error = &**cause as &dyn Error, request_id, "a console request failed");
        }
        let chrome = PageLayout::nobody(&self.title, Nav::None);
        let (status, retry_after) = (self.status, self.retry_after);
        let Self { title, mut detail, offers_log_out, back, .. } = self;
        if status.is_server_error() && !request_id.is_empty() {
            detail = format!("{detail} {}", text("request-id").with("id", request_id));
        }
        let mut response = page_with(status, &Page { chrome, title, detail, offers_log_out, back });
        let wait = retry_after.map(NonZeroU32::get);
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
    fn t79_who_finds_the_queue_full_is_told_when_to_come_back() {
        let response = Problem::too_busy().into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }
}
