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
mod user;
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
pub use attempt::{AttemptKind, Attempts, Throttled, LOCKED_AT};
pub use audit::{Event, Actor, Origin};
pub use change::{Change, Feed, LiveRules, LiveSecret, Snapshot, Table};
pub use cookie::{DEVICE_COOKIE, SESSION_COOKIE, SSO_COOKIE, is_console_cookie};
pub use cors::{CorsPolicy, OriginError, OriginList};
pub use expiry::{Expiry, ExpiryError, ExpiryPolicy, ExpiryPolicyError};
pub use grant::{IpAllowlist, IpAllowlistError, TokenLimits};
pub use hops::TrustedProxies;
pub use id::{
    AccountId, IdError, InvitationId, MailId, MemberId, NodeId, UserId, SessionId, TokenId,
};
pub use language::{Language, LanguageError};
pub use lease::{DisconnectPolicy, Lease, NodeRow, Membership, LeaseConfig, NodeAck};
pub use operation::{
    Match, Mode, Operation, PathMatching, PathTemplate, PathTemplateError, Rule, RuleTable, Rules,
    RulesError, Unlisted, segment_name,
};
pub use user::{Email, EmailError};
pub use plan::{LiveAccount, Month, Plan, QuotaUse};
pub use program::client_of;
pub use rate::{Rate, RateError, Taken};
pub use receipt::{Confirmation, Outstanding, Receipt};
pub use role::{Permission, Role, RoleError};
pub use rotation::{Closing, GracePeriod, GracePeriodError, RotationTerms};
pub use scope::{Scope, ScopeError, ScopeSet, TooManyScopes};
pub use text::is_deceptive;
pub use time::{Clock, Moment, MonotonicClock, Timestamp};
pub use token::{TokenOwner, RevocationReason, Revocation, TokenName, TokenNameError, TokenState};
pub use usage::{Called, Violation, Violations, Usage};
