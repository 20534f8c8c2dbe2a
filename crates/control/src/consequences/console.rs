//! The page before a form takes effect that would break clients: what stops working, and the form once more.

use super::Fingerprint;
use crate::{
    door::{
        layout::{Nav, PageLayout, page},
        reauth::SentForm,
    },
    tokens::ObservedClient,
};
use askama::Template;
use axum::response::Response;

/// The field that holds the clients that the page has shown.
const SHOWN: &str = "shown";

#[derive(Template)]
#[template(path = "consequences/confirm.html")]
struct ConfirmPage {
    chrome: PageLayout,
    title: String,
    lead: String,
    clients: Vec<ObservedClient>,
    /// Whether other clients would stop working than a page has shown.
    has_changed: bool,
    sent: SentForm,
    etag: String,
    button: String,
    back: String,
}

/// The texts of the page, and where its form leads back to.
pub(crate) struct Question {
    pub chrome: PageLayout,
    pub lead: String,
    pub button: String,
    pub back: String,
}

impl SentForm {
    /// Returns the page that asks whether these clients may stop working, or `None` if there are none or if it has asked.
    pub fn ask(
        mut self,
        clients: Vec<ObservedClient>,
        question: impl FnOnce() -> Question,
    ) -> Option<Response> {
        let etag = Fingerprint::of(&clients).etag();
        let shown = self.fields.iter().find(|(name, _)| name == SHOWN).map(|(_, shown)| shown);
        if clients.is_empty() || shown == Some(&etag) {
            return None;
        }
        let has_changed = shown.is_some();
        self.fields.retain(|(name, _)| name != SHOWN);
        let Question { chrome, lead, button, back } = question();
        let title = chrome.title.clone();
        let sent = self;
        Some(page(&ConfirmPage {
            chrome,
            title,
            lead,
            clients,
            has_changed,
            sent,
            etag,
            button,
            back,
        }))
    }
}
