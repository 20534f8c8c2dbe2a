//! Looks a presented token up in the live table: is it known, and is it still good?

use crate::{Denial, LiveTable, Presented, live::Entry};
use keydesk_model::{Timestamp, TokenState};
use std::sync::Arc;

/// The token is known and live at the instant of the request.
#[derive(Debug)]
pub struct Verified(pub(crate) Arc<Entry>);

impl LiveTable {
    pub fn verify(&self, presented: &Presented, now: Timestamp) -> Result<Verified, Denial> {
        let Some(entry) = self.find(&presented.0) else {
            return Err(if self.is_ready() { Denial::UnknownToken } else { Denial::NotReady });
        };
        match entry.state(now) {
            TokenState::Live => Ok(Verified(entry)),
            TokenState::Expired(at) => Err(Denial::Expired { at }),
            TokenState::Ended(ending) => {
                Err(Denial::Ended { ending, binding: entry.secret.binding })
            }
        }
    }
}
