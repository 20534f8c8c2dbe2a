//! A process among the others: it follows the feed, keeps its lease, confirms what it has taken over, and
//! tells what it has counted. What it does with the tokens is up to whoever runs it.

mod cluster_clock;
mod counts;
mod identity;
mod member;
mod nodes;
mod peers;
mod recovery;
mod renewal;
pub mod system;
mod watch;

pub use cluster_clock::{ClusterClock, WrongClock};
pub use counts::{Counts, REPORT};
pub use identity::{Identity, IdentityError};
pub use member::{JoinError, Keys, Member, NodeSettings};
pub use nodes::{Dead, Nodes};
pub use peers::Peers;
pub use watch::Standing;
