//! The processes of this machine that use a file or folder: each holds a lock on its own file in a folder beside it. An
//! unlocked file belongs to a dead process, but only if it was written in this place: a copied folder contains the
//! names of processes that may run elsewhere.

use keydesk_model::NodeId;
use keydesk_store::files;
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// This process's own lock, which is released when the process ends for any reason.
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

/// The state of a process that has a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Lives,
    Dead,
    /// The file is a copy: its process is or was in another place.
    Elsewhere,
}

/// Returns the identity of a file on its disk, which differs for a copy.
fn place(file: &File) -> io::Result<String> {
    let file = file.metadata()?;
    Ok(format!("{} {}\n", file.dev(), file.ino()))
}

fn fate(path: &Path) -> Fate {
    let Ok(file) = File::open(path) else { return Fate::Lives };
    let written = fs::read_to_string(path).unwrap_or_default();
    let Ok(here) = place(&file) else { return Fate::Lives };
    match file.try_lock() {
        Err(_) => Fate::Lives,
        Ok(()) if written == here => Fate::Dead,
        Ok(()) => Fate::Elsewhere,
    }
}

impl Identity {
    /// Creates and locks this process's file. `beside` is the folder that the processes share.
    pub fn take(beside: &Path, own: NodeId) -> Result<Self, IdentityError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            |source| IdentityError::Unwritable { path, source }
        };
        let folder = beside.join("nodes");
        files::make_folder(&folder).map_err(unwritable(&folder))?;
        files::tighten(&folder).map_err(unwritable(&folder))?;
        let path = folder.join(own.to_string());
        // The file is locked and complete before it gets its name, so that no process takes it for a leftover.
        let beside = folder.join(format!("{own}.new"));
        let mut lock = files::replace(&beside).map_err(unwritable(&beside))?;
        lock.try_lock()?;
        let here = place(&lock).map_err(unwritable(&beside))?;
        lock.write_all(here.as_bytes()).map_err(unwritable(&beside))?;
        fs::rename(&beside, &path).map_err(unwritable(&path))?;
        Ok(Self { folder, own, _lock: lock })
    }

    /// Returns the processes of this place that ended without leaving. Each is returned once: its file is removed, as
    /// are files that were copied here.
    pub fn dead(folder: &Path, own: NodeId) -> Vec<NodeId> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let others = entries.filter_map(Result::ok).filter_map(|entry| {
            let id: NodeId = entry.file_name().to_str()?.parse().ok()?;
            (id != own).then(|| (id, entry.path()))
        });
        let gone = others.map(|(id, path)| (id, fate(&path), path));
        let gone =
            gone.filter(|(_, fate, path)| *fate != Fate::Lives && fs::remove_file(path).is_ok());
        gone.filter(|(_, fate, _)| *fate == Fate::Dead).map(|(id, _, _)| id).collect()
    }

    /// Removes this process's file after it has left the list. Otherwise, the others find it dead and remove it.
    pub fn withdraw(&self) {
        let _ = fs::remove_file(self.folder.join(self.own.to_string()));
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns whether no other process of this folder is running.
    pub fn is_alone(&self) -> bool {
        let id = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<NodeId>().ok();
        fs::read_dir(&self.folder).is_ok_and(|entries| {
            entries.filter_map(Result::ok).filter_map(id).all(|id| id == self.own)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::Timestamp;
    use keydesk_token::Entropy;

    fn id(number: u64) -> NodeId {
        NodeId::generate(Timestamp::from_micros(0), &Entropy::seeded(number))
    }

    #[test]
    fn a_process_that_died_here_is_dead_and_one_in_a_copied_folder_is_not() {
        let (here, copy) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
        let own = Identity::take(here.path(), id(1)).expect("takes");
        let other = Identity::take(here.path(), id(2)).expect("takes");
        assert!(Identity::dead(own.folder(), id(1)).is_empty());
        fs::create_dir(copy.path().join("nodes")).expect("is made");
        for entry in fs::read_dir(own.folder()).expect("is there").filter_map(Result::ok) {
            let to = copy.path().join("nodes").join(entry.file_name());
            fs::copy(entry.path(), to).expect("copies");
        }
        let third = Identity::take(copy.path(), id(3)).expect("takes");
        assert!(!third.is_alone());
        assert_eq!(Identity::dead(third.folder(), id(3)), []);
        assert!(third.is_alone(), "what was copied is gone");
        drop(other);
        assert_eq!(Identity::dead(own.folder(), id(1)), [id(2)]);
        assert_eq!(Identity::dead(own.folder(), id(1)), [], "once");
    }
}
