//! Which processes of this machine stand in the list of nodes: each holds a lock on a file of its own in
//! the data folder. A lock that nobody holds belongs to a process that is dead, whatever killed it.

use keydesk_model::NodeId;
use keydesk_store::files;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// This process's own; let go of when it ends, however it ends.
#[derive(Debug)]
pub struct Identity {
    folder: PathBuf,
    own: NodeId,
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("{} cannot be made", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("a node's own lock is taken")]
    Taken(#[from] fs::TryLockError),
}

impl Identity {
    pub fn take(data: &Path, own: NodeId) -> Result<Self, IdentityError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            |source| IdentityError::Unwritable { path, source }
        };
        let folder = data.join("nodes");
        files::make_folder(&folder).map_err(unwritable(&folder))?;
        files::tighten(&folder).map_err(unwritable(&folder))?;
        let path = folder.join(own.to_string());
        let lock = files::replace(&path).map_err(unwritable(&path))?;
        lock.try_lock()?;
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

    /// It has left the list. One that goes without is found dead by the others, who take it out.
    pub fn withdraw(&self) {
        let _ = fs::remove_file(self.folder.join(self.own.to_string()));
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
