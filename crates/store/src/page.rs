//! Pages of lists. A page is one query for the entries after a position, however long the list is.

use crate::{row, sql::Query};
use keydesk_model::Timestamp;
use std::{fmt, str::FromStr};

/// A position in a list that is ordered by time and ID: that of a page's last entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: Timestamp,
    pub id: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.as_micros(), self.id)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not a position in a list")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (at, id) = text.split_once('-').ok_or(CursorError)?;
        let at = at.parse().map_err(|_| CursorError)?;
        // The ID of a request may be one that a client sent.
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(&byte)) {
            return Err(CursorError);
        }
        Ok(Self { at: Timestamp::from_micros(at), id: id.to_owned() })
    }
}

/// A search in a list, and the part of its result.
#[derive(Clone, Debug)]
pub struct PageSearch {
    /// Text to find, or empty for all entries.
    pub text: String,
    /// The last entry of the previous page.
    pub after: Option<Cursor>,
    pub limit: u32,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The position of the last entry, if more follow.
    pub next: Option<Cursor>,
}

impl PageSearch {
    /// Binds the position as `$2` and `$3`, and the text in lowercase and as entered as `$4` and `$5`.
    pub(crate) fn bind(&self, query: Query) -> Query {
        let (at, id) =
            self.after.as_ref().map_or((0, ""), |after| (after.at.as_micros(), after.id.as_str()));
        let [lowercase, entered] = patterns(&self.text);
        query.bind(at).bind(id).bind(lowercase).bind(entered)
    }

    /// Returns the number of rows to select: one more than a page has, which shows whether more follow.
    pub(crate) fn rows(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    pub(crate) fn page<T>(&self, mut items: Vec<T>, position: impl Fn(&T) -> Cursor) -> Page<T> {
        let has_more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        let next = items.last().filter(|_| has_more).map(position);
        Page { items, next }
    }
}

/// Returns the patterns for `LIKE`, which SQLite's `lower` requires twice: it knows only ASCII.
pub(crate) fn patterns(text: &str) -> [String; 2] {
    let text = text.trim();
    if text.is_empty() {
        return [String::new(), String::new()];
    }
    [text.to_lowercase(), text.to_owned()].map(|text| format!("%{}%", row::escape_like(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let position = Cursor { at: Timestamp::from_micros(7), id: "tok_12".to_owned() };
        assert_eq!(position.to_string(), "7-tok_12");
        assert_eq!(position.to_string().parse::<Cursor>().ok(), Some(position));
        for wrong in ["", "7", "-7-tok_1", "x-tok_1", "99999999999999999999-tok_1", "7-\0"] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_ends_where_the_next_one_begins() {
        let search = PageSearch { text: String::new(), after: None, limit: 2 };
        let position = |at: &i64| Cursor { at: Timestamp::from_micros(*at), id: String::new() };
        let page = search.page(vec![3, 2, 1], position);
        assert_eq!((page.items, page.next.map(|next| next.at.as_micros())), (vec![3, 2], Some(2)));
        assert!(search.page(vec![2, 1], position).next.is_none());
    }
}
