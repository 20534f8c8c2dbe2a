//! The shutdown sequence: reports that the node is not ready, and keeps serving until load balancers have noticed.

use crate::{service_manager, status};
use keydesk_gateway::Leaver;
use keydesk_node::{JoinError, Member};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{signal::unix::SignalKind, sync::watch};

/// The components that must know of the shutdown.
pub struct Shutdown {
    pub member: Arc<Member>,
    pub stopping: status::Stopping,
    pub leaving: Option<Leaver>,
    /// The time for which requests are still accepted after a signal.
    pub delay: Duration,
}

impl Shutdown {
    /// Waits until the process must stop. Returns the reason if it wasn't a signal.
    pub async fn stop_when_asked(self, stop: watch::Sender<bool>) -> Option<JoinError> {
        let why = tokio::select! {
            () = stop_signal() => None,
            taken = self.member.taken() => Some(taken),
        };
        service_manager::stopping();
        self.stopping.store(true, Ordering::Relaxed);
        if why.is_none() && !self.delay.is_zero() {
            if let Some(leaving) = &self.leaving {
                leaving.leave();
            }
            print_line!("Not ready; stopping in {} s.", self.delay.as_secs());
            // A second signal ends the wait.
            let _ = tokio::time::timeout(self.delay, stop_signal()).await;
        }
        let _ = stop.send(true);
        why
    }
}

async fn stop_signal() {
    let terminated = async {
        match tokio::signal::unix::signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
