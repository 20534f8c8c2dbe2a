//! The HTTP layer: extractors, page layout, problems, the guard of every request, recent authentication, cookies, and
//! the language of the response.

pub(crate) mod api;
pub(crate) mod assets;
pub(crate) mod caller;
pub(crate) mod cookie;
pub(crate) mod csv;
pub(crate) mod form_error;
pub(crate) mod guard;
pub(crate) mod host;
pub(crate) mod language;
pub(crate) mod layout;
pub(crate) mod list_query;
pub(crate) mod page_for;
pub(crate) mod page_owner;
pub(crate) mod problem;
pub(crate) mod reauth;
pub(crate) mod selected;
pub(crate) mod token_name;
pub(crate) mod when;
