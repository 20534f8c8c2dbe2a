//! A process in the cluster, which follows the change feed, keeps its lease, confirms the changes it has applied, and
//! reports its counts. The caller decides how its tokens are used.

mod cluster_clock;
mod counts;
mod ended;
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
