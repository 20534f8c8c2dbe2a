//! `/mail`: the emails that would have been sent. The page exists only if both listeners are on loopback.

use crate::{
    AppState,
    door::{
        language::text,
        layout::{Nav, PageLayout, page},
        problem::Problem,
        when::When,
    },
    refusal::Code,
};
use askama::Template;
use axum::{extract::State, response::Response};
use keydesk_model::Timestamp;

#[derive(Template)]
#[template(path = "mail/list.html")]
struct Page {
    chrome: PageLayout,
    mails: Vec<Shown>,
}

struct Shown {
    to: String,
    subject: String,
    /// The lines, each of which is a link or text.
    lines: Vec<(bool, String)>,
    when: When,
}

pub(crate) async fn show(State(app): State<AppState>) -> Result<Response, Problem> {
    if !app.settings.is_local || !matches!(app.mailer, super::Mailer::Mailbox(_)) {
        return Err(Code::NotFound.into());
    }
    let now = app.now();
    let shown = |mail: super::Mail| Shown {
        to: mail.to,
        subject: mail.subject,
        lines: mail
            .body
            .lines()
            .map(|line| (line.starts_with(&app.settings.console_url), line.to_owned()))
            .collect(),
        when: When::past(Timestamp::from_micros(mail.at), now),
    };
    let mails = app.mailer.newest().into_iter().map(shown).collect();
    Ok(page(&Page { chrome: PageLayout::nobody(text("mail-box"), Nav::None), mails }))
}
