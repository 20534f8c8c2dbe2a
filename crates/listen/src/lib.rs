//! The connection limits of all Keydesk listeners: clients share the available slots and must not stall. The gateway
//! uses only the admission of connections and has its own server; the console, status, and peer listeners are served
//! here.

mod connection;
mod deadline;
mod places;
mod server;

pub use deadline::{ClientTimeout, Deadline, Passed};
pub use places::{ConnectionSlot, ConnectionSlots};
pub use server::{Bounds, Seen, serve, serve_few};
