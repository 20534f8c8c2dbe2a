//! The only SQL: accounts, people, tokens, sessions, audit, and the feed that gateways follow.
//! Knows no rules beyond what a row must satisfy; "now" is always an argument.

mod accounts;
mod audit;
mod copy;
mod error;
mod feed;
mod feedback;
mod integrations;
mod invitations;
mod journal;
mod keys;
mod members;
mod nodes;
mod open;
mod people;
mod place;
mod postgres;
mod resets;
mod row;
mod schema;
mod sessions;
mod snapshot;
mod sql;
mod sqlite;
mod tokens;
mod transaction;

pub use accounts::Account;
pub use audit::{AuditEntry, AuditRow};
pub use copy::{CopyError, CopyProgress};
pub use error::{OpenError, StoreError};
pub use feed::{Position, Progress};
pub use feedback::Feedback;
pub use integrations::Integration;
pub use invitations::{Invitation, NewInvitation};
pub use journal::Tombstone;
pub use keys::{DisplayCopy, KeyCheck, NewKeyCheck};
pub use members::{Member, NewMember};
pub use nodes::{NewNode, Node, Renewal};
pub use open::{News, Store};
pub use people::{NewPerson, Person};
pub use place::{Place, PlaceError, PostgresPlace};
pub use postgres::{Durability, NoServer};
pub use sessions::{NewSession, Session};
pub use tokens::{NewSecret, NewToken, Token};
pub use transaction::{Committed, Read, Write};
