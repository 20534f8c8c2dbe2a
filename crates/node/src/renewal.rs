//! A node's place in the list: renewing it, applying the response, loading the other nodes, and asking them while the
//! database is unavailable.

use crate::{Member, member::new_holder, peers, system};
use keydesk_model::Moment;
use keydesk_store::{Node, Progress, Renewal, Renewed, Report, StoreError};

/// The maximum number of connections of a node with a console, and of one without: its pool and a listener.
const OF_A_CONSOLE: i64 = 7;
const OF_A_GATEWAY: i64 = 3;

impl Member {
    pub(crate) async fn renew(&self, progress: &mut Progress) -> Result<(), StoreError> {
        let sent_at = self.stopwatch.now();
        // Only changes that are on this machine's disk are confirmed.
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
        if self.state(|state| state.is_rejoining) {
            // It has joined again, and the response was lost.
            let nodes = self.store.list_nodes().await?;
            let own = nodes.iter().find(|node| node.row.id == self.new.id);
            return match own {
                Some(own) => self.joined_again(own.row.joined).await,
                None => Ok(()),
            };
        }
        self.state(|state| {
            state.confirmed.clone_from(&confirms);
            state.renewed_at = Some(sent_at);
        });
        if confirms != before {
            self.store.say_confirmed().await?;
        }
        self.take_answer(sent_at, answer, progress).await
    }

    /// Applies the changes that the response names before it grants the lease.
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

    /// Stops this node because another process has its identity: one may confirm what the other hasn't received.
    fn give_up(&self) {
        tracing::error!(
            "another process has this node's place in the list of nodes: this one serves nothing any more"
        );
        self.state(|state| state.lease.end());
        self.publish();
        self.taken.notify_one();
    }

    /// Joins as a new member after this node was removed from the list for being silent too long. Its data may be old,
    /// so it serves again only after catching up.
    async fn join_again(&self) -> Result<(), StoreError> {
        tracing::warn!(
            "this node was removed from the list of nodes after a long silence; joining again"
        );
        // The response may get lost on its way: until one arrives, this node asks with the same secret, so that it
        // knows its own row.
        let holder = self.state(|state| {
            state.lease.end();
            if !state.is_rejoining {
                state.holder = new_holder(&system::entropy());
                state.is_rejoining = true;
            }
            state.holder.clone()
        });
        self.publish();
        match self.store.join(&self.new, &holder, self.clock.now()).await {
            // The next renewal tells whose row it is.
            Err(StoreError::Conflict) => Ok(()),
            joined => self.joined_again(joined?).await,
        }
    }

    /// Continues as a new member with this number.
    async fn joined_again(&self, joined: i64) -> Result<(), StoreError> {
        self.nodes.with_membership(|membership| membership.rejoined(joined));
        self.state(|state| {
            (state.renewed_at, state.confirmed) = (None, (0, String::new()));
            state.is_rejoining = false;
        });
        self.load_others(joined).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Loads the other nodes, so that all up to number `newest` are known.
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

    /// Returns whether there are more nodes than the database has connections for. Then the gateways that joined last
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
        // Half of the connections are reserved for nodes that take one for a moment.
        (rank + 1) * OF_A_GATEWAY > left / 2
    }

    /// Asks all other nodes, while the database is unavailable, whether they have committed anything newer. Without
    /// other nodes, there is no confirmation.
    pub(crate) async fn ask_others(&self) {
        let (Some(peers), Some(position)) = (&self.peers, self.store.position()) else { return };
        let sent_at = self.stopwatch.now();
        let (others, known, is_covered) = self.state(|state| {
            let covered = state.lease.is_confirmed(sent_at.plus(self.new.terms.lease / 2));
            (state.others.clone(), state.lease.known(), covered)
        });
        // Every node asks every other, so not more often than needed.
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
                    tracing::debug!(%error, "failed to query a node");
                    return;
                }
            }
        }
        self.state(|state| state.lease.vouched_for(sent_at, known));
        self.publish();
    }
}

#[cfg(test)]
mod tests;
