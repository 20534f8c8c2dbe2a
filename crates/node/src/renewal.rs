//! A node's place in the list: it renews it, takes over what the answer names, knows the others, and asks them
//! where the database is away.

use crate::{Member, member::new_holder, peers, system};
use keydesk_model::Moment;
use keydesk_store::{Node, Progress, Renewal, Renewed, Report, StoreError};

/// What a node with a console may hold in connections, and one without: those of its pool and a listener.
const OF_A_CONSOLE: i64 = 7;
const OF_A_GATEWAY: i64 = 3;

impl Member {
    pub(crate) async fn renew(&self, progress: &mut Progress) -> Result<(), StoreError> {
        let sent_at = self.stopwatch.now();
        // What is not on this machine's disk yet is not confirmed.
        let before = self.state(|state| state.confirmed.clone());
        let confirms = if progress.is_journaled {
            (progress.position.seq, progress.position.epoch.clone())
        } else {
            before.clone()
        };
        let (known, holder) = self.state(|state| {
            let holder = state.holder.clone();
            state.holder.attempts += 1;
            (state.lease.known(), holder)
        });
        let keys = self.keys();
        let report = Report { applied: (confirms.0, &confirms.1), known, keys: &keys };
        let answer = self.store.renew(self.new.id, &holder, report, self.clock.now()).await?;
        let answer = match answer {
            Renewed::Yes(answer) => answer,
            Renewed::Gone => return self.join_again().await,
            Renewed::Taken => {
                self.give_up();
                return Ok(());
            }
        };
        self.state(|state| {
            state.confirmed.clone_from(&confirms);
            state.renewed_at = Some(sent_at);
        });
        if confirms != before {
            self.store.say_confirmed().await?;
        }
        self.take_answer(sent_at, answer, progress).await
    }

    /// A lease is worth what is applied: what the answer names is taken over first.
    pub(crate) async fn take_answer(
        &self,
        sent_at: Moment,
        answer: Renewal,
        progress: &mut Progress,
    ) -> Result<(), StoreError> {
        if let Some(now) = answer.now {
            self.clock.receive(now, sent_at);
        }
        if let Some(keys) = &self.keys {
            keys.note_current(&answer.key_id);
        }
        if answer.newest_node > self.state(|state| state.lease.known()) {
            self.load_others(answer.newest_node).await?;
        }
        if answer.head > progress.position.seq || answer.epoch != progress.position.epoch {
            *progress = self.catch_up().await?;
            // There is something to confirm.
            self.wake.notify_one();
        }
        if answer.epoch == progress.position.epoch {
            self.state(|state| state.lease.renewed(sent_at, answer.head, progress.position.seq));
        }
        self.publish();
        Ok(())
    }

    pub(crate) fn publish(&self) {
        self.table.serve_until(self.state(|state| state.lease.ends_at()));
    }

    fn keys(&self) -> Vec<String> {
        let Some(keys) = &self.keys else { return Vec::new() };
        keys.reload();
        keys.key_ids()
    }

    /// Two processes cannot be one node: what one confirms the other may not have heard of.
    fn give_up(&self) {
        tracing::error!(
            "another process has this node's place in the list of nodes: this one serves nothing any more"
        );
        self.state(|state| state.lease.end());
        self.publish();
        self.taken.notify_one();
    }

    /// Someone has taken this node out of the list, as it was silent for too long. What it knows may be
    /// old: it serves again when it has caught up as a new member.
    async fn join_again(&self) -> Result<(), StoreError> {
        tracing::warn!(
            "this node was taken out of the list of nodes after a long silence; joining again"
        );
        self.state(|state| state.lease.end());
        self.publish();
        let holder = new_holder(&system::entropy());
        let joined = match self.store.join(&self.new, &holder, self.clock.now()).await {
            Err(StoreError::Conflict) => {
                self.give_up();
                return Ok(());
            }
            joined => joined?,
        };
        self.nodes.with_membership(|membership| membership.rejoined(joined));
        self.state(|state| {
            (state.renewed_at, state.confirmed) = (None, (0, String::new()));
            state.holder = holder;
        });
        self.load_others(joined).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Up to number `newest` all nodes are known when this returns.
    pub(crate) async fn load_others(&self, newest: i64) -> Result<(), StoreError> {
        let nodes = self.store.list_nodes().await?;
        let is_frugal = self.is_frugal(&nodes);
        self.store.be_frugal(is_frugal);
        let others = nodes.into_iter().filter(|node| node.row.id != self.new.id);
        let others = others.map(|node| (node.row.id, node.peer_url)).collect();
        self.state(|state| {
            state.others = others;
            state.is_frugal = is_frugal;
            state.lease.knows(newest);
        });
        self.publish();
        Ok(())
    }

    /// Whether there are more nodes than the database has connections for: then the gateways that joined last
    /// keep none.
    fn is_frugal(&self, nodes: &[Node]) -> bool {
        let Some(share) = self.store.connection_share().filter(|_| !self.new.is_console) else {
            return false;
        };
        let (consoles, gateways): (Vec<_>, Vec<_>) =
            nodes.iter().partition(|node| node.row.is_console);
        let count = |nodes: &[&Node]| i64::try_from(nodes.len()).unwrap_or(i64::MAX / 100);
        let left = share - count(&consoles) * OF_A_CONSOLE;
        if count(&gateways) * OF_A_GATEWAY <= left {
            return false;
        }
        let rank = gateways.iter().position(|node| node.row.id == self.new.id);
        let rank = rank.and_then(|rank| i64::try_from(rank).ok()).unwrap_or(i64::MAX / 100);
        // Half is for those that take a connection for a moment.
        (rank + 1) * OF_A_GATEWAY > left / 2
    }

    /// The database is away, perhaps for all: everyone who can commit is asked whether they have committed
    /// anything newer. Where there is nobody to ask, nobody has answered.
    pub(crate) async fn ask_others(&self) {
        let (Some(peers), Some(position)) = (&self.peers, self.store.position()) else { return };
        let sent_at = self.stopwatch.now();
        let (others, known, is_covered) = self.state(|state| {
            let covered = state.lease.is_confirmed(sent_at.plus(self.new.terms.lease / 2));
            (state.others.clone(), state.lease.known(), covered)
        });
        // Everyone asks everyone: not more often than it is needed.
        if others.is_empty() || is_covered {
            return;
        }
        let (entropy, patience) = (system::entropy(), self.new.terms.lease / 3);
        let asked = others.iter().map(|(id, url)| {
            let other = (*id, url.as_str());
            peers::vouches(&peers.key, &entropy, other, self.new.id, &position, patience)
        });
        for answer in futures_util::future::join_all(asked).await {
            match answer {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!("another node has committed something newer");
                    return;
                }
                Err(error) => {
                    tracing::debug!(%error, "a node cannot be asked");
                    return;
                }
            }
        }
        self.state(|state| state.lease.vouched_for(sent_at, known));
        self.publish();
    }
}
