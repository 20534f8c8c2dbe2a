//! Holds a verified token against where the request wants to go.

use crate::{Denial, Verified, live::Entry, target::Target};
use std::sync::Arc;

/// The request may be forwarded. Only [`Permitted`] can be.
#[derive(Debug)]
pub struct Permitted(Arc<Entry>);

impl Permitted {
    /// The path's account and the token's must agree. Whether another account exists is not said.
    pub fn new(verified: Verified, target: &Target) -> Result<Self, Denial> {
        let own = verified.0.secret.number;
        match target.account {
            Some(asked) if asked != own => Err(Denial::OtherAccount { asked, own }),
            _ => Ok(Self(verified.0)),
        }
    }

    pub fn entry(&self) -> &Arc<Entry> {
        &self.0
    }
}
