//! Who used a token: what gateways report and the console shows.

use crate::{Timestamp, TokenId};

/// What a gateway has seen of one program since it last reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub token: TokenId,
    /// As [`crate::program_of`] names it.
    pub program: String,
    pub client_addr: String,
    pub last_used_at: Timestamp,
    pub calls: i64,
}
