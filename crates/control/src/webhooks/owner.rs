//! Who has webhooks: a member those of an account, an operator those of the instance.

use crate::{
    AppState,
    management_keys::Either,
    principal::{Administrator, Caller, Operator},
    refusal::Refusal,
};
use keydesk_model::{AccountId, Event, OperatorPermission, Permission, WebhookId};
use keydesk_store::{AuditEntry, Write};

pub(crate) trait WebhookOwner: Sized + Sync {
    /// Returns the account of the webhooks, or `None` for the instance.
    fn account(&self) -> Option<AccountId>;
    fn permit_to_see(&self) -> Result<(), Refusal>;
    fn permit_to_manage(&self) -> Result<(), Refusal>;
    /// Permits to read whole audit entries, which say more than events.
    fn permit_audit_entries(&self) -> Result<(), Refusal>;
    /// Opens a write transaction for managing webhooks, with the owner as of now.
    fn begin(&self, app: &AppState) -> impl Future<Output = Result<(Write, Self), Refusal>> + Send;
    fn entry(&self, event: Event, webhook: WebhookId) -> AuditEntry;
}

impl WebhookOwner for Caller {
    fn account(&self) -> Option<AccountId> {
        Some(self.account.id)
    }

    fn permit_to_see(&self) -> Result<(), Refusal> {
        self.permit(Permission::SeeWebhooks)
    }

    fn permit_to_manage(&self) -> Result<(), Refusal> {
        self.permit(Permission::ManageWebhooks)
    }

    fn permit_audit_entries(&self) -> Result<(), Refusal> {
        self.permit(Permission::SeeAudit)
    }

    async fn begin(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        Self::begin(self, app, Permission::ManageWebhooks).await
    }

    fn entry(&self, event: Event, webhook: WebhookId) -> AuditEntry {
        Self::entry(self, event, webhook)
    }
}

impl WebhookOwner for Operator {
    fn account(&self) -> Option<AccountId> {
        None
    }

    fn permit_to_see(&self) -> Result<(), Refusal> {
        self.permit(OperatorPermission::SeeWebhooks)
    }

    fn permit_to_manage(&self) -> Result<(), Refusal> {
        self.permit(OperatorPermission::ManageWebhooks)
    }

    fn permit_audit_entries(&self) -> Result<(), Refusal> {
        self.permit(OperatorPermission::SeeInstance)
    }

    async fn begin(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        let now = (&app.store, app.now());
        let administrator = Administrator::Operator(self);
        let write = administrator.begin(now, OperatorPermission::ManageWebhooks).await?;
        Ok((write, self.clone()))
    }

    fn entry(&self, event: Event, webhook: WebhookId) -> AuditEntry {
        Administrator::Operator(self).instance_entry(event, webhook)
    }
}

/// Calls a method of either principal.
macro_rules! either {
    ($self:ident, $owner:ident => $call:expr) => {
        match $self {
            Self::Member($owner) => $call,
            Self::Operator($owner) => $call,
        }
    };
}

impl WebhookOwner for Either {
    fn account(&self) -> Option<AccountId> {
        either!(self, owner => WebhookOwner::account(&**owner))
    }

    fn permit_to_see(&self) -> Result<(), Refusal> {
        either!(self, owner => WebhookOwner::permit_to_see(&**owner))
    }

    fn permit_to_manage(&self) -> Result<(), Refusal> {
        either!(self, owner => WebhookOwner::permit_to_manage(&**owner))
    }

    fn permit_audit_entries(&self) -> Result<(), Refusal> {
        either!(self, owner => WebhookOwner::permit_audit_entries(&**owner))
    }

    async fn begin(&self, app: &AppState) -> Result<(Write, Self), Refusal> {
        Ok(match self {
            Self::Member(caller) => {
                let (write, caller) = WebhookOwner::begin(&**caller, app).await?;
                (write, Self::Member(Box::new(caller)))
            }
            Self::Operator(operator) => {
                let (write, operator) = WebhookOwner::begin(&**operator, app).await?;
                (write, Self::Operator(Box::new(operator)))
            }
        })
    }

    fn entry(&self, event: Event, webhook: WebhookId) -> AuditEntry {
        either!(self, owner => WebhookOwner::entry(&**owner, event, webhook))
    }
}
