//! What the rules' errors say to people. The rules themselves speak to clients and logs, in English.

use crate::door::language::text;
use keydesk_model::{
    EmailError, ExpiryError, ExpiryPolicyError, GracePeriodError, IpAllowlistError, RoleError,
    ScopeError, ScopeSet, TokenNameError, TooManyScopes,
};

pub(crate) trait UserMessage {
    fn user_message(&self) -> String;
}

impl UserMessage for EmailError {
    fn user_message(&self) -> String {
        text("email-looks-like").to_string()
    }
}

impl UserMessage for TokenNameError {
    fn user_message(&self) -> String {
        text(match self {
            Self::Empty => "name-empty",
            Self::TooLong => "name-too-long",
            Self::Unprintable => "name-unprintable",
        })
        .to_string()
    }
}

impl UserMessage for ExpiryError {
    fn user_message(&self) -> String {
        text(match self {
            Self::Unreadable => "expiry-unreadable",
            Self::Past => "expiry-past",
        })
        .to_string()
    }
}

impl UserMessage for ExpiryPolicyError {
    fn user_message(&self) -> String {
        match self {
            Self::Required => text("expiry-required").to_string(),
            Self::TooLong(days) => {
                text("expiry-too-long").count("days", u32::from(*days)).to_string()
            }
        }
    }
}

impl UserMessage for ScopeError {
    fn user_message(&self) -> String {
        text("scope-looks-like").to_string()
    }
}

impl UserMessage for TooManyScopes {
    fn user_message(&self) -> String {
        text("scopes-too-many").count("most", ScopeSet::MOST).to_string()
    }
}

impl UserMessage for RoleError {
    fn user_message(&self) -> String {
        text("role-looks-like").to_string()
    }
}

impl UserMessage for GracePeriodError {
    fn user_message(&self) -> String {
        text("grace-period-looks-like").to_string()
    }
}

impl UserMessage for IpAllowlistError {
    fn user_message(&self) -> String {
        match self {
            Self::Unreadable(entry) => text("address-unreadable").with("text", entry).to_string(),
            Self::TooMany => text("addresses-too-many").to_string(),
        }
    }
}
