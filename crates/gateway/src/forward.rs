//! A request that is forwarded.

use crate::{
    method_guard::MethodGuard,
    permission::InFlight,
    upstream::{ExchangeOptions, Route},
    wire::Framing,
};
use keydesk_model::AccountNumber;
use std::sync::Arc;

/// A request that is written and can be sent.
#[derive(Debug)]
pub(crate) struct Forward {
    pub permission: InFlight,
    pub route: Arc<Route>,
    pub asked: ExchangeOptions,
    pub framing: Framing,
    /// The reader of a form's body if `_method` is rejected.
    pub method_guard: Option<MethodGuard>,
    /// The path's account and the host that the client used, for rewriting URLs in the response.
    pub account: Option<AccountNumber>,
    pub client_host: Box<str>,
    pub offers_own_protocol: bool,
}
