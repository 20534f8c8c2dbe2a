//! Accounts, members, tokens and what ends them: the rules, with no I/O. Time is an argument.

mod account;
mod attempt;
mod audit;
mod change;
mod cookie;
mod cors;
mod expiry;
mod grant;
mod hops;
mod id;
mod language;
mod lease;
mod operation;
mod person;
mod plan;
mod program;
mod rate;
mod receipt;
mod role;
mod rotation;
mod scope;
mod text;
mod time;
mod token;
mod usage;

pub use account::{AccountName, AccountNumber, AccountNumberError, AccountState};
pub use attempt::{AttemptKind, Attempts, Held, LOCKED_AT};
pub use audit::{Action, Actor, Origin};
pub use change::{Change, Feed, LiveRules, LiveSecret, Snapshot, Table};
pub use cookie::{DEVICE_COOKIE, SESSION_COOKIE, SIGN_ON_COOKIE, is_console_cookie};
pub use cors::{CorsPolicy, OriginError, OriginList};
pub use expiry::{Expiry, ExpiryError, ExpiryPolicy, ExpiryPolicyError};
pub use grant::{AddressList, AddressListError, Grant};
pub use hops::TrustedProxies;
pub use id::{
    AccountId, IdError, InvitationId, MailId, MemberId, NodeId, PersonId, SessionId, TokenId,
};
pub use language::{Language, LanguageError};
pub use lease::{Isolated, Lease, NodeRow, Roster, Terms, Word};
pub use operation::{
    Match, Mode, Operation, PathMatching, PathTemplate, PathTemplateError, Rule, RuleTable, Rules,
    RulesError, Unlisted, segment_name,
};
pub use person::{Email, EmailError};
pub use plan::{LiveAccount, Month, Plan, QuotaUse};
pub use program::program_of;
pub use rate::{Rate, RateError, Taken};
pub use receipt::{Confirmation, Outstanding, Receipt};
pub use role::{Right, Role, RoleError};
pub use rotation::{Closing, Overlap, OverlapError, RotationTerms};
pub use scope::{Scope, ScopeError, ScopeSet, TooManyScopes};
pub use text::is_deceptive;
pub use time::{Clock, Moment, Stopwatch, Timestamp};
pub use token::{Binding, EndCause, Ending, TokenName, TokenNameError, TokenState};
pub use usage::{Called, Objection, Objections, Usage};
