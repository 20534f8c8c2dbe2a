//! Limits on what one sender can do: failed logins, email, and changes.

pub(crate) mod attempts;
pub(crate) mod throttle;
