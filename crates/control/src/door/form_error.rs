//! An error of a form: shown beside its field or above the form.

use crate::{door::problem::detail, refusal::Refusal};

#[derive(Debug, Default)]
pub(crate) struct FormError {
    field: Option<&'static str>,
    text: Option<String>,
}

impl FormError {
    /// Returns the error to show. `fields` are those beside which the page can show one.
    pub fn new(refusal: &Refusal, fields: &[&str]) -> Self {
        let field = refusal.field().filter(|field| fields.contains(field));
        Self { field, text: Some(detail(refusal)) }
    }

    pub fn above(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| self.field.is_none())
    }

    pub fn beside(&self, field: &str) -> Option<&str> {
        self.text.as_deref().filter(|_| self.field == Some(field))
    }
}
