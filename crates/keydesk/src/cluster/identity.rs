//! Which processes of this machine stand in the list of nodes: each holds a lock on a file of its own in
//! the data folder. A lock that nobody holds belongs to a process that is dead, whatever killed it.

use anyhow::Context;
use keydesk_model::NodeId;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// This process's own; let go of when it ends, however it ends.
#[derive(Debug)]
pub struct Identity {
    folder: PathBuf,
    own: NodeId,
    _lock: File,
}

impl Identity {
    pub fn take(data: &Path, own: NodeId) -> anyhow::Result<Self> {
        let folder = data.join("nodes");
        fs::create_dir_all(&folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let path = folder.join(own.to_string());
        let lock = File::create(&path)
            .with_context(|| format!("the file {} cannot be made", path.display()))?;
        lock.try_lock().context("a node's own lock is taken")?;
        Ok(Self { folder, own, _lock: lock })
    }

    /// Processes that ended without leaving. Each is told of once: its file goes.
    pub fn dead(folder: &Path, own: NodeId) -> Vec<NodeId> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let others = entries.filter_map(Result::ok).filter_map(|entry| {
            let id: NodeId = entry.file_name().to_str()?.parse().ok()?;
            (id != own).then(|| (id, entry.path()))
        });
        let dead = others.filter(|(_, path)| {
            File::open(path).is_ok_and(|file| file.try_lock().is_ok())
                && fs::remove_file(path).is_ok()
        });
        dead.map(|(id, _)| id).collect()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether no other process of this data folder lives.
    pub fn is_alone(&self) -> bool {
        let own = self.own.to_string();
        fs::read_dir(&self.folder).is_ok_and(|entries| {
            entries.filter_map(Result::ok).all(|entry| entry.file_name().to_str() == Some(&own))
        })
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.folder.join(self.own.to_string()));
    }
}
