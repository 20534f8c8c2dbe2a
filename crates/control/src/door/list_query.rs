//! The query of a page with a list: the search text, and where the page begins.

use crate::refusal::{Code, Refusal};
use keydesk_store::{Cursor, PageSearch};
use serde::Deserialize;

/// The number of entries on a page.
pub(crate) const PAGE: u32 = 50;
/// The maximum length of a search text.
const LONGEST: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    text: String,
    /// The last entry of the previous page.
    after: String,
}

impl ListQuery {
    pub fn of(text: &str, after: &str) -> Self {
        Self { text: text.to_owned(), after: after.to_owned() }
    }

    /// Returns the text as it is searched.
    pub fn text(&self) -> String {
        self.text.trim().chars().take(LONGEST).collect()
    }

    /// Returns the last entry of the previous page.
    pub fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Refusal> {
        if self.after.is_empty() {
            return Ok(None);
        }
        self.after.parse().map(Some).map_err(|_| Code::InvalidCursor.into())
    }

    pub fn search(&self) -> Result<PageSearch, Refusal> {
        Ok(PageSearch { text: self.text(), after: self.after::<Cursor>()?, limit: PAGE })
    }

    /// Returns whether the page shows a list from its beginning, and all of it.
    pub fn is_whole(&self) -> bool {
        self.text().is_empty() && self.after.is_empty()
    }

    /// Returns the text for the search field, or `None` if the list is so short that nobody needs one.
    pub fn field(&self, has_next: bool) -> Option<String> {
        (has_next || !self.is_whole()).then(|| self.text())
    }

    /// Returns the link to the page after an entry.
    pub fn next(&self, path: &str, after: &impl ToString) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let text = self.text();
        if !text.is_empty() {
            query.append_pair("text", &text);
        }
        query.append_pair("after", &after.to_string());
        let mark = if path.contains('?') { '&' } else { '?' };
        format!("{path}{mark}{}", query.finish())
    }
}
