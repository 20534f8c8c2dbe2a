//! The request log: what is kept of single requests, so that a customer can see why one failed. It has no bodies, no query
//! values, and no headers but the client's name.

use crate::{AccountNumber, PeriodUse, Timestamp, TokenId, text_form::text_form};
use std::fmt;

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestOutcome {
    Succeeded,
    /// The status is 400 or higher.
    Failed,
    /// It had no token of the account. Kept apart, because anyone can send such requests.
    Unauthenticated,
}

text_form!(RequestOutcome, () = (), {
    Succeeded = "succeeded",
    Failed = "failed",
    Unauthenticated = "unauthenticated",
});

/// A request in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    pub id: String,
    pub at: Timestamp,
    pub account: AccountNumber,
    /// The token, even if it was rejected. `None` if it is not known.
    pub token: Option<TokenId>,
    pub outcome: RequestOutcome,
    pub method: String,
    /// The path for the upstream, without the query and with tokens masked.
    pub path: String,
    /// The operation, or empty if none is known.
    pub operation: String,
    pub status: u16,
    /// Whether the status is the upstream's rather than the gateway's.
    pub is_upstreams: bool,
    /// The code of the gateway's error, or empty.
    pub code: String,
    pub duration_us: i64,
    /// The client's name from [`crate::client_of`].
    pub client: String,
    pub client_ip: String,
    /// The prefix of the upstream that received the request, or empty.
    pub upstream: String,
}

/// Whose use is counted: a token's, or that of requests to an account without a valid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsedToken {
    Token(TokenId),
    None(AccountNumber),
}

impl fmt::Display for UsedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(id) => id.fmt(f),
            Self::None(account) => account.fmt(f),
        }
    }
}

/// The requests that have ended at a gateway since its last report.
#[derive(Clone, Debug, Default)]
pub struct EndedRequests {
    /// By token and the beginning of the hour in which they arrived.
    pub counts: Vec<((UsedToken, Timestamp), PeriodUse)>,
    /// Those that are taken into the request log, the newest first.
    pub logged: Vec<LoggedRequest>,
    /// The number of requests that were not counted because there were too many.
    pub lost: u64,
}
