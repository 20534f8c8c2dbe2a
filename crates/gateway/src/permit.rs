//! The check of a verified token against the request's account and the token's limits.

use crate::{Rejection, Verified, limit::LimitCheck, target::Target};

/// A token that belongs to the account in the path.
#[derive(Debug)]
pub(crate) struct OfAccount(Verified);

impl OfAccount {
    /// Requires the path's account and the token's to match. The rejection does not reveal whether another account
    /// exists.
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

    /// Requires that no limit rejects the request.
    pub fn permit(self, judgement: LimitCheck) -> Result<Permitted, Rejection> {
        judgement.rejection.map_or(Ok(Permitted(self.0)), Err)
    }
}

/// A request that can be forwarded. Only [`Permitted`] can be.
#[derive(Debug)]
pub(crate) struct Permitted(Verified);

impl Permitted {
    pub fn token(&self) -> &Verified {
        &self.0
    }
}
