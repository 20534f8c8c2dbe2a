//! The rights table: which role may do what. The only place where it is written down.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A member's role, from least to most: what a role may do, the next one may, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Developer,
    Administrator,
    Owner,
}

/// What an act asks of the member who wants to do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See the endpoint URL and the own bearer token; rotate the latter.
    UseApiDocs,
    /// See the account's API tokens (never their secrets).
    SeeTokens,
    /// Issue, rotate and revoke API tokens.
    ManageTokens,
    SeeMembers,
    /// Invite, change roles, remove, log out.
    ManageMembers,
    /// Set the account's limits: addresses, the life of tokens, which web pages may call, a second factor for everybody.
    LimitAccount,
    /// Read what was done in the account, and by whom.
    SeeAudit,
    /// Say by which provider people come in.
    ManageSso,
    /// Make someone an owner, or touch one.
    ManageOwners,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Administrator, Self::Developer, Self::Viewer];

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

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Administrator => "administrator",
            Self::Owner => "owner",
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is owner, administrator, developer or viewer")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(RoleError)
    }
}

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
