//! What the rules' errors say to people. The rules themselves speak to programs and logs, in English.

use crate::say;
use keydesk_model::{
    AddressListError, EmailError, ExpiryError, ExpiryPolicyError, OverlapError, RoleError,
    ScopeError, ScopeSet, TokenNameError, TooManyScopes,
};

pub(crate) trait Told {
    fn told(&self) -> String;
}

impl Told for EmailError {
    fn told(&self) -> String {
        say("email-looks-like").to_string()
    }
}

impl Told for TokenNameError {
    fn told(&self) -> String {
        say(match self {
            Self::Empty => "name-empty",
            Self::TooLong => "name-too-long",
            Self::Unprintable => "name-unprintable",
        })
        .to_string()
    }
}

impl Told for ExpiryError {
    fn told(&self) -> String {
        say(match self {
            Self::Unreadable => "expiry-unreadable",
            Self::Past => "expiry-past",
        })
        .to_string()
    }
}

impl Told for ExpiryPolicyError {
    fn told(&self) -> String {
        match self {
            Self::Required => say("expiry-required").to_string(),
            Self::TooLong(days) => {
                say("expiry-too-long").count("days", u32::from(*days)).to_string()
            }
        }
    }
}

impl Told for ScopeError {
    fn told(&self) -> String {
        say("scope-looks-like").to_string()
    }
}

impl Told for TooManyScopes {
    fn told(&self) -> String {
        say("scopes-too-many").count("most", ScopeSet::MOST).to_string()
    }
}

impl Told for RoleError {
    fn told(&self) -> String {
        say("role-looks-like").to_string()
    }
}

impl Told for OverlapError {
    fn told(&self) -> String {
        say("overlap-looks-like").to_string()
    }
}

impl Told for AddressListError {
    fn told(&self) -> String {
        match self {
            Self::Unreadable(text) => say("address-unreadable").with("text", text).to_string(),
            Self::TooMany => say("addresses-too-many").to_string(),
        }
    }
}
