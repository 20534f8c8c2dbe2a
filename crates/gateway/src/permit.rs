//! Holds a verified token against where the request wants to go and what the token may do there.

use crate::{Rejection, Verified, limit::LimitCheck, target::Target};

/// The token is of the account that the path names.
#[derive(Debug)]
pub(crate) struct OfAccount(Verified);

impl OfAccount {
    /// The path's account and the token's must agree. Whether another account exists is not said.
    pub fn new(verified: Verified, target: &Target) -> Result<Self, Rejection> {
        let own = verified.number;
        match target.account {
            Some(asked) if asked != own => Err(Rejection::AccountMismatch { asked, own }),
            _ => Ok(Self(verified)),
        }
    }

    pub fn token(&self) -> &Verified {
        &self.0
    }

    /// Nothing in its limits speaks against it.
    pub fn permit(self, judgement: LimitCheck) -> Result<Permitted, Rejection> {
        judgement.rejection.map_or(Ok(Permitted(self.0)), Err)
    }
}

/// The request may be forwarded. Only [`Permitted`] can be.
#[derive(Debug)]
pub(crate) struct Permitted(Verified);

impl Permitted {
    pub fn token(&self) -> &Verified {
        &self.0
    }
}
