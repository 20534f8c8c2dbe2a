//! Forwarding of the audit log: as JSON lines to a file, or as RFC 5424 messages to a syslog server. The position is
//! stored after a batch has been written, so that no entry is skipped; after a crash, a batch can be sent twice.

mod syslog;

pub use syslog::{SyslogError, SyslogServer};

use crate::{AppState, webhooks::audit_message};
use keydesk_model::{NodeId, Timestamp};
use keydesk_store::{LoggedEvent, StoreError};
use std::{io::SeekFrom, path::PathBuf, time::Duration};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

/// The number of entries in a batch.
const BATCH: u32 = 500;
/// The number of batches in one run.
const BATCHES: usize = 20;
/// The time for which one node forwards to a shared destination, which is longer than a batch takes.
const CLAIMED: Duration = Duration::from_secs(30);

/// Where audit entries are forwarded to.
#[derive(Clone, Debug)]
pub enum AuditDestination {
    /// A file of this node, which receives the entries of all nodes.
    File(PathBuf),
    /// A server that receives each entry from one node.
    Syslog(SyslogServer),
}

#[derive(Debug, thiserror::Error)]
pub enum ForwardingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("failed to write to {path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error(transparent)]
    Syslog(#[from] SyslogError),
}

/// Forwards audit entries to one destination.
#[derive(Debug)]
pub struct AuditForwarder {
    app: AppState,
    destination: AuditDestination,
    /// The name among the readers of the audit log.
    reader: String,
    node: NodeId,
}

impl AuditForwarder {
    /// `name` is the name of the node.
    pub fn new(app: AppState, destination: AuditDestination, name: &str) -> Self {
        let reader = match &destination {
            AuditDestination::File(path) => format!("file {name} {}", path.display()),
            AuditDestination::Syslog(server) => format!("syslog {server}"),
        };
        let node = app.nodes.own;
        Self { app, destination, reader, node }
    }

    /// Forwards the entries that have not been forwarded.
    ///
    /// # Errors
    ///
    /// If the database or the destination can't be used. The same entries are then forwarded by the next run.
    pub async fn run(&mut self) -> Result<(), ForwardingError> {
        for _ in 0..BATCHES {
            if self.forward_batch().await? < BATCH as usize {
                break;
            }
        }
        Ok(())
    }

    /// Returns the number of entries.
    async fn forward_batch(&self) -> Result<usize, ForwardingError> {
        let mut read = self.app.store.read().await?;
        let last = read.last_event().await?;
        if read.reader_position(&self.reader).await? == Some(last) {
            return Ok(0);
        }
        drop(read);
        let Some(position) = self.claim().await? else { return Ok(0) };
        let events = self.app.store.read().await?.list_events(position, BATCH).await?;
        let Some(newest) = events.last().map(|event| event.seq) else { return Ok(0) };
        match &self.destination {
            AuditDestination::File(path) => {
                append(path, &events).await.map_err(|source| {
                    let path = path.display().to_string();
                    ForwardingError::File { path, source }
                })?;
            }
            AuditDestination::Syslog(server) => {
                let host = self.app.settings.console_host();
                server.send(&self.app.outbound, &host, &events).await?;
            }
        }
        let mut write = self.app.store.write(self.app.now()).await?;
        write.set_reader_position(&self.reader, newest).await?;
        write.keep().await?;
        Ok(events.len())
    }

    /// Returns the number of the last entry that was forwarded, or `None` while another node forwards.
    async fn claim(&self) -> Result<Option<i64>, StoreError> {
        let mut write = self.app.store.write(self.app.now()).await?;
        let until: Timestamp = write.now().plus(CLAIMED);
        let claimed = write.claim_reader(&self.reader, self.node, until).await?;
        write.keep().await?;
        Ok(claimed)
    }
}

/// Appends entries to a file, which may have been rotated, and waits for the disk. If an earlier attempt left a part of a
/// line, that line is ended first.
async fn append(path: &PathBuf, events: &[LoggedEvent]) -> Result<(), std::io::Error> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).append(true).read(true).mode(0o600);
    let mut file = options.open(path).await?;
    let mut lines = String::new();
    if file.metadata().await?.is_file() && file.seek(SeekFrom::End(0)).await? > 0 {
        file.seek(SeekFrom::End(-1)).await?;
        if file.read_u8().await? != b'\n' {
            lines.push('\n');
        }
    }
    lines.extend(events.iter().map(|event| audit_message(event) + "\n"));
    file.write_all(lines.as_bytes()).await?;
    file.sync_data().await
}
