//! What only HTTP needs: extractors, the page around each page, problems, the guard of every request, recent
//! authentication, cookies, and the language that a reader sees.

pub(crate) mod assets;
pub(crate) mod caller;
pub(crate) mod cookie;
pub(crate) mod form_error;
pub(crate) mod guard;
pub(crate) mod host;
pub(crate) mod language;
pub(crate) mod layout;
pub(crate) mod page_for;
pub(crate) mod problem;
pub(crate) mod reauth;
pub(crate) mod when;
