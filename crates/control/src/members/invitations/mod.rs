//! Invitations: accepting one.

pub(crate) mod accept;
