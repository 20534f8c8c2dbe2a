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

/// A permission that an action requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See the API Docs page with one's own bearer token, and rotate that token.
    UseApiDocs,
    /// See the account's API tokens without their secrets, its limits, and its receipts.
    SeeTokens,
    /// Create, limit, rotate, and revoke API tokens.
    ManageTokens,
    SeeMembers,
    /// Invite members, change their roles, remove them, and log them out.
    ManageMembers,
    /// Set the account's IP allowlist, token lifetime, and CORS policy, and require two-factor authentication.
    LimitAccount,
    /// Read and export the audit log.
    SeeAudit,
    /// Set up single sign-on.
    ManageSso,
    /// Add owners, and change or remove them.
    ManageOwners,
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
            Permission::UseApiDocs | Permission::SeeTokens | Permission::ManageTokens => {
                Self::Developer
            }
            Permission::ManageMembers | Permission::LimitAccount | Permission::SeeAudit => {
                Self::Administrator
            }
            Permission::ManageOwners | Permission::ManageSso => Self::Owner,
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
