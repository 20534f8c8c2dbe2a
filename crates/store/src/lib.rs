//! The only SQL: accounts, people, tokens, sessions, audit, and the feed that gateways follow.
//! Knows no rules beyond what a row must satisfy; "now" is always an argument.

mod accounts;
mod audit;
mod error;
mod feed;
mod feedback;
mod integrations;
mod invitations;
mod keys;
mod members;
mod open;
mod people;
mod resets;
mod row;
mod sessions;
mod snapshot;
mod tokens;
mod transaction;

pub use accounts::Account;
pub use audit::{AuditEntry, AuditRow};
pub use error::{OpenError, StoreError};
pub use feedback::Feedback;
pub use integrations::Integration;
pub use invitations::{Invitation, NewInvitation};
pub use members::{Member, NewMember};
pub use open::Store;
pub use people::{NewPerson, Person};
pub use sessions::{NewSession, Session};
pub use tokens::{NewSecret, NewToken, Token};
pub use transaction::{Read, Write};
