//! Keydesk's check inside another service, without a proxy: the same tokens, scopes, and limits, decided in memory and
//! kept current by the same change feed. The service is a node: receipts wait for it, and without the database, it
//! accepts nothing beyond its lease.

mod guard;
mod layer;
mod options;

pub use guard::{Call, Guard, JoinError};
pub use keydesk_gateway::{Forms, Pass};
pub use keydesk_model::Plan;
pub use layer::{GuardLayer, Guarded, PeerOf};
pub use options::{Options, OptionsError};
