//! The content of audit log entries: the actor, the origin, and the event with its details. Never contains a secret.

mod detail;
mod event;

pub use detail::*;
pub use event::Event;

use crate::{ManagementKeyId, MemberId, UserId};
use std::net::IpAddr;

/// The actor that caused a change.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A user with a session, and the member as whom they acted, if any.
    User { user: UserId, member: Option<MemberId> },
    /// A management key, and the user and member as whom it acts. A key of the instance has no member.
    ManagementKey { key: ManagementKeyId, user: UserId, member: Option<MemberId> },
    /// An operator, at the command line or in the console.
    Operator { user: Option<UserId> },
    /// A node, after the database lost a change.
    Node,
    /// The token itself.
    Token,
    /// A user who isn't logged in, with a setup link, a reset link, or an invitation.
    AnonymousUser,
}

/// The origin of a request for a change.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub client_ip: Option<IpAddr>,
    /// The user agent as sent, truncated to 200 characters.
    pub user_agent: Option<String>,
    pub request_id: String,
}
