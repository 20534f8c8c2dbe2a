//! Which store the processes of a data folder serve from, for commands that run beside them: the file `serving`, locked
//! for as long as one of them runs.

use crate::config::Config;
use anyhow::{Context, bail};
use keydesk_store::{DatabaseUrl, files};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::Path,
};

/// Held while a process serves.
#[derive(Debug)]
pub struct Serving {
    _lock: File,
}

/// The store without a password, and a file by its whole path.
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
    // Several processes may serve from one folder; the first says the store. A command that looks holds the lock for
    // a moment.
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

/// Rejects where a process of the folder serves from another store than this command would use.
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
