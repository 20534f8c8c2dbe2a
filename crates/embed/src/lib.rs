//! Keydesk's check inside a client of your own, for those who would rather not run a proxy: the same
//! tokens, scopes and limits, decided in memory, kept current by the same feed. The client is one of the
//! nodes: receipts wait for it, and without word from the database it accepts nothing beyond its lease.

mod guard;
mod layer;
mod options;

pub use guard::{Call, Guard, JoinError};
pub use keydesk_gateway::{Forms, Pass};
pub use keydesk_model::Plan;
pub use layer::{GuardLayer, Guarded, PeerOf};
pub use options::{Options, OptionsError};
