//! One worker: the state with which it handles every request.

use crate::{
    LiveTable, arrival::RequestIds, live::UsageCounter, observe::Observer, settings::Settings,
    upstream::Upstreams,
};
use keydesk_model::Clock;
use std::{rc::Rc, sync::Arc};
use tokio::sync::watch;

/// The state with which one worker handles every request.
#[derive(Debug)]
pub(crate) struct Worker {
    pub settings: Arc<Settings>,
    pub table: Arc<LiveTable>,
    pub clock: Clock,
    pub request_ids: RequestIds,
    pub meter: UsageCounter,
    pub observer: Rc<Observer>,
    pub upstreams: Upstreams,
    /// The stage of the gateway's shutdown.
    pub stage: watch::Receiver<Stage>,
}

/// A stage of the gateway's shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    #[default]
    Serving,
    /// Still serves, but asks to receive no more requests.
    Leaving,
    /// Finishes the requests in flight.
    Stopping,
}
