//! The database that the processes of a data folder serve from, for commands that run at the same time: the file
//! `serving`, which is locked while any of them runs.

use crate::config::Config;
use anyhow::{Context, bail};
use keydesk_store::{DatabaseUrl, files};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::Path,
};

/// A lock that is held while a process serves.
#[derive(Debug)]
pub struct Serving {
    _lock: File,
}

/// Returns the database URL without its password, or the absolute path of a file.
fn name(place: &DatabaseUrl) -> String {
    match place {
        DatabaseUrl::Sqlite(file) => {
            file.canonicalize().unwrap_or_else(|_| file.clone()).display().to_string()
        }
        DatabaseUrl::Postgres(_) => place.to_string(),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
}

pub fn begin(config: &Config) -> anyhow::Result<Serving> {
    check(config)?;
    let path = config.data.join("serving");
    files::keep_private(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    let mut file = open(&path)?;
    // Several processes may serve from one folder; the first one writes the database. A command holds the lock only
    // briefly while it checks.
    for _ in 0..50 {
        if file.try_lock().is_ok() {
            file.set_len(0)?;
            file.write_all(name(&config.store).as_bytes())?;
            file.unlock()?;
            break;
        }
        if std::fs::read_to_string(&path)? == name(&config.store) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    file.lock_shared()?;
    Ok(Serving { _lock: file })
}

/// Returns whether a process serves from the data folder.
pub fn is_running(config: &Config) -> bool {
    open(&config.data.join("serving")).is_ok_and(|file| file.try_lock().is_err())
}

/// Rejects the command if a process of the folder serves from a different database than the command would use.
pub fn check(config: &Config) -> anyhow::Result<()> {
    let Ok(mut file) = open(&config.data.join("serving")) else { return Ok(()) };
    let own = name(&config.store);
    if file.try_lock().is_ok() {
        return Ok(());
    }
    let mut theirs = String::new();
    file.read_to_string(&mut theirs)?;
    if !theirs.is_empty() && theirs != own {
        bail!(
            "Keydesk is running in {} with the store {theirs}, and this would use {own}. Name the server's configuration with --config",
            config.data.display()
        );
    }
    Ok(())
}
