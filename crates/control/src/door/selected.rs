//! The entries that were selected in a list, and what a page has shown of the consequences.

use crate::refusal::{Code, Refusal};
use std::{collections::BTreeSet, str::FromStr};

#[derive(Debug, Default)]
pub(crate) struct SelectedForm {
    id: Vec<String>,
    /// The consequences that the page has shown.
    pub shown: String,
}

/// An ID is a field that occurs more than once.
impl From<Vec<(String, String)>> for SelectedForm {
    fn from(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "id" => form.id.push(value),
                "shown" => form.shown = value,
                _ => {}
            }
        }
        form
    }
}

impl SelectedForm {
    pub fn ids<I: FromStr + Ord>(&self) -> Result<BTreeSet<I>, Refusal> {
        self.id.iter().map(|id| id.parse().map_err(|_| Code::NotFound.into())).collect()
    }
}

/// A choice in a select.
pub(crate) struct Choice {
    pub value: String,
    pub name: String,
    pub is_chosen: bool,
}
