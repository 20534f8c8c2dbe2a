//! What every listener of Keydesk asks of those who connect: that they share its places, and that they neither
//! dawdle nor stall. The gateway admits by it and keeps its own way of serving; consoles, status, and peers are
//! served here.

mod connection;
mod deadline;
mod places;
mod server;

pub use deadline::{ClientTimeout, Deadline, Passed};
pub use places::{ConnectionSlot, ConnectionSlots};
pub use server::{Bounds, Seen, serve, serve_few};
