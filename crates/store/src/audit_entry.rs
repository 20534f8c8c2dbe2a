//! An entry of the audit log, as use cases write it.

use keydesk_model::{AccountId, Actor, Event, Origin};

/// An audit entry for a commit. The target and the event's details must not contain a secret.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub event: Event,
    pub actor: Actor,
    pub origin: Origin,
    pub account: Option<AccountId>,
    /// The ID of the changed object.
    pub target: String,
}
