//! Accounts, members, tokens and what ends them: the rules, with no I/O. Time is an argument.

mod account;
mod audit;
mod change;
mod cookie;
mod expiry;
mod hops;
mod id;
mod person;
mod program;
mod role;
mod scope;
mod time;
mod token;
mod usage;

pub use account::{AccountName, AccountNumber, AccountNumberError};
pub use audit::{Action, Actor, Origin};
pub use change::{Change, Feed, LiveSecret, Snapshot};
pub use cookie::SESSION_COOKIES;
pub use expiry::{Expiry, ExpiryError};
pub use hops::TrustedProxies;
pub use id::{AccountId, InvitationId, MemberId, PersonId, SessionId, TokenId};
pub use person::{Email, EmailError};
pub use program::program_of;
pub use role::{Right, Role, RoleError};
pub use scope::{Scope, ScopeError, ScopeSet};
pub use time::{Clock, Timestamp};
pub use token::{Binding, EndCause, Ending, TokenName, TokenNameError, TokenState};
pub use usage::Usage;
