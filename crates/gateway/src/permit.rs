//! Holds a verified token against where the request wants to go.

use crate::{Denial, Verified, target::Target};

/// The request may be forwarded. Only [`Permitted`] can be.
#[derive(Debug)]
pub(crate) struct Permitted(Verified);

impl Permitted {
    /// The path's account and the token's must agree. Whether another account exists is not said.
    pub fn new(verified: Verified, target: &Target) -> Result<Self, Denial> {
        let own = verified.number;
        match target.account {
            Some(asked) if asked != own => Err(Denial::OtherAccount { asked, own }),
            _ => Ok(Self(verified)),
        }
    }

    pub fn token(&self) -> &Verified {
        &self.0
    }
}
