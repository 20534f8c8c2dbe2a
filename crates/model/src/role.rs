//! The permission table with the lowest role for each permission. It is defined only here.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A member's role, in ascending order: each role has all permissions of the roles before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Developer,
    Administrator,
    Owner,
}

macro_rules! permissions {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

permissions! {
/// A permission that an action in an account requires.
Permission {
    /// See the API Docs page with one's own bearer token, and rotate that token.
    UseApiDocs,
    /// See the account's API tokens without their secrets.
    SeeTokens,
    /// See the limits of the account, its plan, and what the operations of the API require.
    SeeLimits,
    /// See which clients use the API, and which requests violate limits.
    SeeUsage,
    /// See the receipts of the account's revocations.
    SeeReceipts,
    /// Create, limit, rotate, and revoke API tokens.
    ManageTokens,
    SeeMembers,
    /// Invite members, change their roles, remove them, and log them out.
    ManageMembers,
    /// Set the account's IP allowlist, token lifetime, and CORS policy, and require two-factor authentication.
    LimitAccount,
    /// Read and export the audit log.
    SeeAudit,
    /// See the account's management keys without their secrets.
    SeeKeys,
    /// Create, rotate, and revoke management keys.
    ManageKeys,
    /// See webhooks, their deliveries, and the events of the account.
    SeeWebhooks,
    /// Create, change, and remove webhooks.
    ManageWebhooks,
    /// See canary tokens and their uses.
    SeeCanaries,
    /// Create and remove canary tokens.
    ManageCanaries,
    /// Make a management key act as oneself.
    TakeOverKeys,
    /// Set up single sign-on.
    ManageSso,
    /// Add owners, change or remove them, and take over management keys.
    ManageOwners,
}
}

permissions! {
/// A permission that an action in the instance requires. Operators have all of them, keys those of their scopes.
OperatorPermission {
    SeeAccounts,
    /// Open, rename, suspend, close, and restore accounts, change their plans, and invite owners.
    ManageAccounts,
    /// Create links that log a member of an account in.
    OpenSessions,
    /// See plans, operations, gateways, and operators.
    SeeInstance,
    SeeKeys,
    ManageKeys,
    /// See the webhooks of the instance, their deliveries, and the events of all accounts.
    SeeWebhooks,
    ManageWebhooks,
}
}

text_form!(Role, RoleError = RoleError, {
    Owner = "owner",
    Administrator = "administrator",
    Developer = "developer",
    Viewer = "viewer",
});

impl Role {
    pub fn may(self, right: Permission) -> bool {
        let least = match right {
            Permission::SeeMembers => Self::Viewer,
            Permission::UseApiDocs
            | Permission::SeeTokens
            | Permission::SeeLimits
            | Permission::SeeUsage
            | Permission::SeeReceipts
            | Permission::ManageTokens => Self::Developer,
            Permission::ManageMembers
            | Permission::LimitAccount
            | Permission::SeeAudit
            | Permission::SeeKeys
            | Permission::ManageKeys
            | Permission::SeeWebhooks
            | Permission::ManageWebhooks
            | Permission::SeeCanaries
            | Permission::ManageCanaries => Self::Administrator,
            Permission::ManageOwners | Permission::ManageSso | Permission::TakeOverKeys => {
                Self::Owner
            }
        };
        self >= least
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is owner, administrator, developer or viewer")]
pub struct RoleError;

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_sees_no_token() {
        assert!(!Role::Viewer.may(Permission::UseApiDocs));
        assert!(!Role::Viewer.may(Permission::SeeTokens));
        assert!(Role::Viewer.may(Permission::SeeMembers));
    }

    #[test]
    fn an_administrator_does_not_touch_owners() {
        assert!(Role::Administrator.may(Permission::ManageMembers));
        assert!(!Role::Administrator.may(Permission::ManageOwners));
        assert!(Role::Owner.may(Permission::ManageOwners));
    }

    #[test]
    fn every_role_prints_and_parses() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
    }
}
