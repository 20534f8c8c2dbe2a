//! Who manages keys: a member those of an account, an operator those of the instance.

use crate::{
    AppState,
    principal::{Administrator, Caller, Operator},
    refusal::Refusal,
};
use keydesk_model::{
    AccountId, Event, KeyScope, KeyScopes, ManagementKeyId, MemberId, OperatorPermission,
    Permission, Role, UserId,
};
use keydesk_store::{AuditEntry, ManagementKey, Write};

pub(crate) trait KeyManager: Sized + Sync {
    /// Returns the account of the keys, or `None` for the instance.
    fn account(&self) -> Option<AccountId>;
    fn member(&self) -> Option<MemberId>;
    fn user(&self) -> UserId;
    /// Returns the role of the member.
    fn role(&self) -> Option<Role>;
    /// Returns the key that the manager uses.
    fn key(&self) -> Option<&ManagementKey>;
    fn permit_to_see(&self) -> Result<(), Refusal>;
    fn permit_to_manage(&self) -> Result<(), Refusal>;
    /// Returns whether the manager can create keys with this scope.
    fn may_grant(&self, scope: KeyScope) -> bool;
    /// Opens a write transaction for managing keys, with the manager as of now.
    fn begin(&self, app: &AppState) -> impl Future<Output = Result<(Write, Self), Refusal>> + Send;
    /// Opens a write transaction for the manager's own key.
    fn begin_as_self(
        &self,
        app: &AppState,
    ) -> impl Future<Output = Result<(Write, Self), Refusal>> + Send;
    fn entry(&self, event: Event, key: ManagementKeyId) -> AuditEntry;

    /// Returns the scopes that the manager can grant.
    fn grantable_scopes(&self) -> Vec<KeyScope> {
        KeyScope::ALL.into_iter().filter(|scope| self.may_grant(*scope)).collect()
    }
}

/// Returns whether a key with the scopes can create one with `scope`.
fn is_within(held: &KeyScopes, scope: KeyScope) -> bool {
    held.first_beyond(&KeyScopes::from_iter([scope])).is_none()
}

impl KeyManager for Caller {
    fn account(&self) -> Option<AccountId> {
        Some(self.account.id)
    }

    fn member(&self) -> Option<MemberId> {
        Some(self.member.id)
    }

    fn user(&self) -> UserId {
        self.user.id
    }

    fn role(&self) -> Option<Role> {
        Some(self.member.role)
    }

    fn key(&self) -> Option<&ManagementKey> {
        self.credential.key()
    }

    fn permit_to_see(&self) -> Result<(), Refusal> {
        self.permit(Permission::SeeKeys)
    }

    fn permit_to_manage(&self) -> Result<(), Refusal> {
        self.permit(Permission::ManageKeys)
    }

    fn may_grant(&self, scope: KeyScope) -> bool {
        let held = self.credential.key().map(|key| &key.scopes);
        scope.is_for(self.member.role) && held.is_none_or(|held| is_within(held, scope))
    }

    async fn begin(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        Self::begin(self, app, Permission::ManageKeys).await
    }

    async fn begin_as_self(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        self.begin_as_member(app).await
    }

    fn entry(&self, event: Event, key: ManagementKeyId) -> AuditEntry {
        Self::entry(self, event, key)
    }
}

impl KeyManager for Operator {
    fn account(&self) -> Option<AccountId> {
        None
    }

    fn member(&self) -> Option<MemberId> {
        None
    }

    fn user(&self) -> UserId {
        self.user.id
    }

    fn role(&self) -> Option<Role> {
        None
    }

    fn key(&self) -> Option<&ManagementKey> {
        self.credential.key()
    }

    fn permit_to_see(&self) -> Result<(), Refusal> {
        self.permit(OperatorPermission::SeeKeys)
    }

    fn permit_to_manage(&self) -> Result<(), Refusal> {
        self.permit(OperatorPermission::ManageKeys)
    }

    fn may_grant(&self, scope: KeyScope) -> bool {
        let held = self.credential.key().map(|key| &key.scopes);
        scope.is_for_operators() && held.is_none_or(|held| is_within(held, scope))
    }

    async fn begin(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        let administrator = Administrator::Operator(self);
        let write =
            administrator.begin((&app.store, app.now()), OperatorPermission::ManageKeys).await?;
        Ok((write, self.clone()))
    }

    async fn begin_as_self(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        let now = (&app.store, app.now());
        Ok((Administrator::Operator(self).begin_as_self(now).await?, self.clone()))
    }

    fn entry(&self, event: Event, key: ManagementKeyId) -> AuditEntry {
        Administrator::Operator(self).instance_entry(event, key)
    }
}

/// The principal of a management key of either kind.
pub(crate) enum Either {
    Member(Box<Caller>),
    Operator(Box<Operator>),
}

/// Calls a method of either principal.
macro_rules! either {
    ($self:ident, $manager:ident => $call:expr) => {
        match $self {
            Self::Member($manager) => $call,
            Self::Operator($manager) => $call,
        }
    };
}

impl KeyManager for Either {
    fn account(&self) -> Option<AccountId> {
        either!(self, manager => manager.account())
    }

    fn member(&self) -> Option<MemberId> {
        either!(self, manager => manager.member())
    }

    fn user(&self) -> UserId {
        either!(self, manager => manager.user())
    }

    fn role(&self) -> Option<Role> {
        either!(self, manager => manager.role())
    }

    fn key(&self) -> Option<&ManagementKey> {
        either!(self, manager => manager.credential.key())
    }

    fn permit_to_see(&self) -> Result<(), Refusal> {
        either!(self, manager => manager.permit_to_see())
    }

    fn permit_to_manage(&self) -> Result<(), Refusal> {
        either!(self, manager => manager.permit_to_manage())
    }

    fn may_grant(&self, scope: KeyScope) -> bool {
        either!(self, manager => manager.may_grant(scope))
    }

    async fn begin(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        Ok(match self {
            Self::Member(caller) => {
                let (write, caller) = KeyManager::begin(&**caller, app).await?;
                (write, Self::Member(Box::new(caller)))
            }
            Self::Operator(operator) => {
                let (write, operator) = KeyManager::begin(&**operator, app).await?;
                (write, Self::Operator(Box::new(operator)))
            }
        })
    }

    async fn begin_as_self(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        Ok(match self {
            Self::Member(caller) => {
                let (write, caller) = KeyManager::begin_as_self(&**caller, app).await?;
                (write, Self::Member(Box::new(caller)))
            }
            Self::Operator(operator) => {
                let (write, operator) = KeyManager::begin_as_self(&**operator, app).await?;
                (write, Self::Operator(Box::new(operator)))
            }
        })
    }

    fn entry(&self, event: Event, key: ManagementKeyId) -> AuditEntry {
        match self {
            Self::Member(caller) => KeyManager::entry(&**caller, event, key),
            Self::Operator(operator) => KeyManager::entry(&**operator, event, key),
        }
    }
}
