//! Accounts, members, tokens, and the rules for revocation and expiry, without I/O. The time is a parameter.

mod account;
mod alert;
mod attempt;
pub mod audit;
mod canary;
mod change;
mod client;
mod cookie;
mod cors;
mod counts;
mod expiry;
mod hops;
mod id;
mod key_scope;
mod language;
mod leak;
mod lease;
mod operation;
mod period_use;
mod plan;
mod rate;
mod receipt;
mod rejected;
mod request;
mod request_log;
mod role;
mod rotation;
mod scope;
mod text;
mod text_form;
mod time;
mod token;
mod token_limits;
mod unfamiliar;
mod usage;
mod user;
mod webhook;

pub use account::{AccountName, AccountNumber, AccountNumberError, AccountState};
pub use alert::{
    AlertKind, AlertSettings, Incident, Outcomes, QuietHours, QuietHoursError, QuietText, Rhythm,
};
pub use attempt::{AttemptKind, Attempts, LOCKED_AT, Throttled};
pub use audit::{Actor, Event, Origin};
pub use canary::{CANARY_SUMMARY, CANARY_USED, CanaryUse, LiveCanary};
pub use change::{Change, Feed, LiveRules, LiveSecret, Snapshot, Table};
pub use client::{client_of, without_version};
pub use cookie::{DEVICE_COOKIE, SESSION_COOKIE, SSO_COOKIE, is_console_cookie};
pub use cors::{CorsPolicy, OriginError, OriginList};
pub use counts::Counts;
pub use expiry::{Expiry, ExpiryError, ExpiryPolicy, ExpiryPolicyError};
pub use hops::TrustedProxies;
pub use id::{
    AccountId, CanaryId, DeliveryId, IdError, InvitationId, MailId, ManagementKeyId, MemberId,
    NodeId, SessionId, TokenId, UserId, WebhookId,
};
pub use key_scope::{KeyScope, KeyScopeError, KeyScopes};
pub use language::{Language, LanguageError};
pub use leak::LeakReporter;
pub use lease::{DisconnectPolicy, Lease, LeaseConfig, Membership, NodeAck, NodeRow};
pub use operation::{
    Match, Mode, Operation, PathMatching, PathTemplate, PathTemplateError, Rule, RuleTable, Rules,
    RulesError, Unlisted, segment_name,
};
pub use period_use::{
    CountedRejection, CountedRequests, Network, OTHER, PeriodUse, ResponseTimes, Tally, TimeBucket,
    UsePart,
};
pub use plan::{LiveAccount, Month, Plan, QuotaForecast, QuotaUse};
pub use rate::{Rate, RateError, Taken};
pub use receipt::{Confirmation, Outstanding, Receipt};
pub use rejected::{FailingClientState, RejectedRequests, RejectionGroup, RejectionGroupError};
pub use request::IdempotentRequest;
pub use request_log::{EndedRequests, LoggedRequest, RequestOutcome, UsedToken};
pub use role::{OperatorPermission, Permission, Role, RoleError};
pub use rotation::{Closing, GracePeriod, GracePeriodError, RotationTerms};
pub use scope::{Scope, ScopeError, ScopeSet, TooManyScopes};
pub use text::is_deceptive;
pub use time::{Clock, Moment, MonotonicClock, Timestamp};
pub use token::{
    Hold, RESTORABLE, Revocation, RevocationReason, TokenName, TokenNameError, TokenNote,
    TokenNoteError, TokenOwner, TokenState,
};
pub use token_limits::{IpAllowlist, IpAllowlistError, TokenLimits};
pub use unfamiliar::{FirstUse, UnfamiliarUse};
pub use usage::{Called, Usage, Violation, Violations};
pub use user::{Email, EmailError, LinkKind};
pub use webhook::{
    AUDIT_RECORDED, DeliveryState, DisabledReason, EventFilter, EventFilterError, FAILING_FOR,
    LONGEST_DELAY, WebhookState, retry_delay,
};
