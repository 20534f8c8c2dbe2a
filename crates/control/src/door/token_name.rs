//! The name of a token as lists show it: all bearer tokens have the same name, so they are told apart by their members.

use crate::door::language::text;
use keydesk_store::TokenLabel;

pub(crate) fn token_name(label: &TokenLabel) -> String {
    match &label.member {
        Some(member) => text("bearer-token-of").with("member", member).to_string(),
        None => label.name.clone(),
    }
}
