//! From the signal to the end: says first that it is not ready, and serves on for as long as balancers need to see that.

use crate::status;
use keydesk_gateway::Leaver;
use keydesk_node::{JoinError, Member};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{signal::unix::SignalKind, sync::watch};

/// Who learns that the process is about to stop.
pub struct Shutdown {
    pub member: Arc<Member>,
    pub stopping: status::Stopping,
    pub leaving: Option<Leaver>,
    /// How long requests are still taken after a signal.
    pub delay: Duration,
}

impl Shutdown {
    /// Waits until it is time to stop, and why, if nobody has asked for it.
    pub async fn stop_when_asked(self, stop: watch::Sender<bool>) -> Option<JoinError> {
        let why = tokio::select! {
            () = stop_signal() => None,
            taken = self.member.taken() => Some(taken),
        };
        self.stopping.store(true, Ordering::Relaxed);
        if why.is_none() && !self.delay.is_zero() {
            if let Some(leaving) = &self.leaving {
                leaving.leave();
            }
            print_line!("Not ready; stopping in {} s.", self.delay.as_secs());
            // Asked a second time, it does not wait.
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
