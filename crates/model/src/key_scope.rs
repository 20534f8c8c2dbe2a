//! The scopes of management keys: each grants permissions of the table of roles, or of operators.

use crate::{OperatorPermission, Permission, Role, text_form::text_form};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// A scope of a management key. A `write` scope includes the `read` scope of the same area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyScope {
    TokensRead,
    TokensWrite,
    LimitsRead,
    LimitsWrite,
    UsageRead,
    ReceiptsRead,
    MembersRead,
    MembersWrite,
    AuditRead,
    SsoWrite,
    KeysRead,
    KeysWrite,
    WebhooksRead,
    WebhooksWrite,
    CanariesRead,
    CanariesWrite,
    AccountsRead,
    AccountsWrite,
    SessionsWrite,
    InstanceRead,
}

text_form!(KeyScope, KeyScopeError = KeyScopeError, {
    TokensRead = "tokens:read",
    TokensWrite = "tokens:write",
    LimitsRead = "limits:read",
    LimitsWrite = "limits:write",
    UsageRead = "usage:read",
    ReceiptsRead = "receipts:read",
    MembersRead = "members:read",
    MembersWrite = "members:write",
    AuditRead = "audit:read",
    SsoWrite = "sso:write",
    KeysRead = "keys:read",
    KeysWrite = "keys:write",
    WebhooksRead = "webhooks:read",
    WebhooksWrite = "webhooks:write",
    CanariesRead = "canaries:read",
    CanariesWrite = "canaries:write",
    AccountsRead = "accounts:read",
    AccountsWrite = "accounts:write",
    SessionsWrite = "sessions:write",
    InstanceRead = "instance:read",
});

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope of a management key looks like tokens:read")]
pub struct KeyScopeError;

impl KeyScope {
    /// Returns the permissions in an account that the scope grants.
    pub fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::TokensRead => &[P::SeeTokens],
            Self::TokensWrite => &[P::SeeTokens, P::ManageTokens, P::UseApiDocs],
            Self::LimitsRead => &[P::SeeLimits],
            Self::LimitsWrite => &[P::SeeLimits, P::LimitAccount],
            Self::UsageRead => &[P::SeeUsage],
            Self::ReceiptsRead => &[P::SeeReceipts],
            Self::MembersRead => &[P::SeeMembers],
            Self::MembersWrite => &[P::SeeMembers, P::ManageMembers, P::ManageOwners],
            Self::AuditRead => &[P::SeeAudit],
            Self::SsoWrite => &[P::ManageSso],
            Self::KeysRead => &[P::SeeKeys],
            Self::KeysWrite => &[P::SeeKeys, P::ManageKeys, P::TakeOverKeys],
            Self::WebhooksRead => &[P::SeeWebhooks],
            Self::WebhooksWrite => &[P::SeeWebhooks, P::ManageWebhooks],
            Self::CanariesRead => &[P::SeeCanaries],
            Self::CanariesWrite => &[P::SeeCanaries, P::ManageCanaries],
            Self::AccountsRead | Self::AccountsWrite | Self::SessionsWrite | Self::InstanceRead => {
                &[]
            }
        }
    }

    /// Returns the permissions of an operator that the scope grants.
    pub fn operator_permissions(self) -> &'static [OperatorPermission] {
        use OperatorPermission as P;
        match self {
            Self::AccountsRead => &[P::SeeAccounts],
            Self::AccountsWrite => &[P::SeeAccounts, P::ManageAccounts],
            Self::SessionsWrite => &[P::OpenSessions],
            Self::InstanceRead => &[P::SeeInstance],
            Self::KeysRead => &[P::SeeKeys],
            Self::KeysWrite => &[P::SeeKeys, P::ManageKeys],
            Self::WebhooksRead => &[P::SeeWebhooks],
            Self::WebhooksWrite => &[P::SeeWebhooks, P::ManageWebhooks],
            _ => &[],
        }
    }

    /// Returns whether the scope grants anything that this role permits.
    pub fn is_for(self, role: Role) -> bool {
        self.permissions().iter().any(|permission| role.may(*permission))
    }

    /// Returns whether the scope grants anything that operators may do.
    pub fn is_for_operators(self) -> bool {
        !self.operator_permissions().is_empty()
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for KeyScope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyScope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A set of scopes of a management key, displayed in their order and separated by one space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyScopes(BTreeSet<KeyScope>);

impl KeyScopes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = KeyScope> {
        self.0.iter().copied()
    }

    pub fn grant(&self, permission: Permission) -> bool {
        self.iter().any(|scope| scope.permissions().contains(&permission))
    }

    pub fn grant_operator(&self, permission: OperatorPermission) -> bool {
        self.iter().any(|scope| scope.operator_permissions().contains(&permission))
    }

    /// Returns the first scope that grants something which `self` doesn't grant.
    pub fn first_beyond(&self, wanted: &Self) -> Option<KeyScope> {
        let is_within = |scope: &KeyScope| {
            scope.permissions().iter().all(|permission| self.grant(*permission))
                && scope.operator_permissions().iter().all(|wanted| self.grant_operator(*wanted))
        };
        wanted.iter().find(|scope| !is_within(scope))
    }
}

impl FromIterator<KeyScope> for KeyScopes {
    fn from_iter<I: IntoIterator<Item = KeyScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromStr for KeyScopes {
    type Err = KeyScopeError;

    fn from_str(text: &str) -> Result<Self, KeyScopeError> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl fmt::Display for KeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_granted_by_a_scope() {
        let all: KeyScopes = KeyScope::ALL.into_iter().collect();
        for permission in Permission::ALL {
            assert!(all.grant(*permission), "{permission:?}");
        }
        for permission in OperatorPermission::ALL {
            assert!(all.grant_operator(*permission), "{permission:?}");
        }
    }

    #[test]
    fn a_scope_to_read_permits_no_change() {
        for scope in KeyScope::ALL.into_iter().filter(|scope| scope.as_str().ends_with(":read")) {
            for permission in scope.permissions() {
                assert!(format!("{permission:?}").starts_with("See"), "{scope}");
            }
            for permission in scope.operator_permissions() {
                assert!(format!("{permission:?}").starts_with("See"), "{scope}");
            }
        }
    }

    #[test]
    fn scopes_print_and_parse() {
        let scopes: KeyScopes = "members:read tokens:write tokens:write".parse().expect("scopes");
        assert_eq!(scopes.to_string(), "tokens:write members:read");
        assert_eq!(scopes.to_string().parse(), Ok(scopes.clone()));
        assert_eq!(
            serde_json::to_string(&scopes).ok(),
            Some(r#"["tokens:write","members:read"]"#.to_owned())
        );
        assert_eq!("tokens".parse::<KeyScopes>(), Err(KeyScopeError));
    }

    #[test]
    fn a_scope_beyond_others_is_found() {
        let held: KeyScopes = "tokens:write keys:write".parse().expect("scopes");
        let wanted = |text: &str| text.parse::<KeyScopes>().expect("scopes");
        assert_eq!(held.first_beyond(&wanted("tokens:read keys:read")), None);
        assert_eq!(held.first_beyond(&wanted("tokens:read audit:read")), Some(KeyScope::AuditRead));
        assert_eq!(held.first_beyond(&wanted("accounts:read")), Some(KeyScope::AccountsRead));
    }

    #[test]
    fn a_scope_is_for_the_roles_that_have_one_of_its_permissions() {
        assert!(KeyScope::TokensRead.is_for(Role::Developer));
        assert!(!KeyScope::TokensRead.is_for(Role::Viewer));
        assert!(!KeyScope::SsoWrite.is_for(Role::Administrator));
        assert!(
            !KeyScope::AccountsRead.is_for(Role::Owner)
                && KeyScope::AccountsRead.is_for_operators()
        );
        assert!(KeyScope::KeysRead.is_for_operators() && !KeyScope::TokensRead.is_for_operators());
    }
}
