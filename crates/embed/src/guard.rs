//! The check and the tasks that keep it current.

use crate::Options;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, Uri, header};
use keydesk_gateway::{CheckRequest, Checker, LiveTable, Pass};
use keydesk_model::Table;
use keydesk_node::{Counts, Member, REPORT, system};
use keydesk_store::{OpenError, Store, files};
use std::{net::IpAddr, sync::Arc};
use tokio::{sync::watch, task::JoinHandle};

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("the folder {path} cannot be made")]
    Folder { path: String, source: std::io::Error },
    #[error("the database cannot be opened")]
    Open(#[from] OpenError),
    #[error("this client cannot join the nodes")]
    Join(#[from] keydesk_node::JoinError),
}

/// A handle that checks requests. Clones share one table.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    checker: Checker,
    table: Arc<LiveTable>,
    member: Arc<Member>,
    store: Store,
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    counting: tokio::sync::Mutex<Option<JoinHandle<Counts>>>,
}

/// The parts of a request that the check requires.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub method: &'a Method,
    /// The URI as received, including the account number if endpoint URLs have it in the path.
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    /// The IP address of the connection's peer.
    pub peer: IpAddr,
}

impl Guard {
    /// Joins the nodes and loads all tokens. Nothing is accepted before.
    pub async fn join(options: &Options) -> Result<Self, JoinError> {
        let node = options.node();
        let data = options.data();
        files::make_folder(data)
            .map_err(|source| JoinError::Folder { path: data.display().to_string(), source })?;
        // Only the server creates the tables.
        let store = Store::open_as_it_is(options.place()).await?;
        let table = LiveTable::with_lease_guard(system::stopwatch());
        let table = Arc::new(table.with_plans(&options.plans, options.default_plan.as_deref()));
        let kept: Arc<dyn Table> = Arc::clone(&table) as _;
        let member = Member::join(node, &store, &kept, None).await?;
        let (clock, entropy) = (member.clock.clock(), system::entropy());
        let counts =
            Counts::begin(store.clone(), kept, clock.clone(), (member.nodes.own, false)).await;
        let checker = Checker::new(options.settings(), Arc::clone(&table), clock, &entropy);
        let (stop, stopped) = watch::channel(false);
        let counting = tokio::spawn(keep_counting(counts, stopped));
        let counting = tokio::sync::Mutex::new(Some(counting));
        let tasks = member.spawn();
        Ok(Self(Arc::new(Parts { checker, table, member, store, tasks, stop, counting })))
    }

    /// Checks a request. An error is the response for the client, with problem details that state the reason. The
    /// request counts toward rate limits and quotas, and as usage of the token.
    pub fn check(&self, call: &Call) -> Result<Pass, Box<Response<Bytes>>> {
        let target = call.uri.path_and_query().map_or("/", |target| target.as_str());
        let fields: Vec<_> =
            call.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let method = call.method.as_str();
        self.0.checker.check(&CheckRequest { method, target, fields: &fields, peer: call.peer })
    }

    /// Returns whether a request that passed would still pass. Check it regularly while a WebSocket, an event stream,
    /// or a long download is open, and close it when the result is false. Does not count against rates and quotas.
    pub fn still_permits(&self, pass: &Pass) -> bool {
        self.0.checker.still_permits(pass)
    }

    /// Returns whether tokens are accepted, which requires a valid lease.
    pub fn is_ready(&self) -> bool {
        self.0.table.may_serve()
    }

    /// Leaves the nodes in order, after which nothing is accepted. Without it, receipts wait for this node until its
    /// lease ends, and the usage of the last second isn't counted.
    pub async fn leave(self) {
        self.0.member.leave().await;
        self.0.tasks.iter().for_each(JoinHandle::abort);
        let _ = self.0.stop.send(true);
        if let Some(counting) = self.0.counting.lock().await.take()
            && let Ok(counts) = counting.await
        {
            counts.finish().await;
        }
        self.0.store.close().await;
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Reports counted requests until the node stops.
async fn keep_counting(mut counts: Counts, mut stopped: watch::Receiver<bool>) -> Counts {
    loop {
        let stops = stopped.wait_for(|stop| *stop);
        if tokio::time::timeout(REPORT, stops).await.is_ok() {
            return counts;
        }
        counts.report().await;
    }
}

/// Removes the headers that must not reach a handler: the token, and those that only Keydesk may set.
pub(crate) fn withhold(headers: &mut HeaderMap) {
    let withheld: Vec<_> = headers
        .keys()
        .filter(|name| keydesk_gateway::is_withheld(name.as_str()))
        .cloned()
        .collect();
    for name in withheld {
        headers.remove(name);
    }
    headers.remove(header::AUTHORIZATION);
    // The console may share the host, and cookies aren't isolated by port.
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let kept = keydesk_gateway::foreign_cookies(lines);
    headers.remove(header::COOKIE);
    if let Some(kept) = kept.and_then(|kept| HeaderValue::from_bytes(&kept).ok()) {
        headers.insert(header::COOKIE, kept);
    }
}
