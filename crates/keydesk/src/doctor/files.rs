//! The data folder: its permissions, its file system, and the space on it.

use super::Finding;
use crate::{
    config::Config,
    data::{key_file, read_keys},
};
use keydesk_store::DatabaseUrl;
use rustix::fs::FsWord;
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const CHECK: &str = "data folder";
/// The free space below which a database may soon be unable to grow.
const LITTLE_SPACE: u64 = 1 << 30;
/// The numbers of file systems by which the kernel names them (statfs(2)).
const IN_MEMORY: [FsWord; 2] = [0x0102_1994, 0x8584_58f6];
const ON_THE_NETWORK: [FsWord; 4] = [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546];

pub fn check(config: &Config) -> Vec<Finding> {
    let folder = &config.data;
    let Ok(found) = std::fs::metadata(folder) else {
        return vec![new_folder(folder)];
    };
    let shown = folder.display();
    let mut findings = Vec::new();
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own {
        findings.push(Finding::error(
            CHECK,
            format!("{shown} belongs to user {}, and this process runs as user {own}", found.uid()),
            format!("Run Keydesk as the owner, or run “chown -R {own} {shown}”."),
        ));
    } else if found.mode() & 0o077 != 0 {
        let text = format!("other users can enter {shown}");
        findings.push(Finding::warning(
            CHECK,
            text,
            "Keydesk makes it private when it starts, or run “chmod 700” now.",
        ));
    }
    findings.extend(file_system(config, folder));
    findings.extend(key(config));
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, shown.to_string()));
    }
    findings
}

/// A folder that Keydesk creates when it starts, if it can.
fn new_folder(folder: &Path) -> Finding {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let shown = folder.display();
    if rustix::fs::access(&parent, rustix::fs::Access::WRITE_OK).is_ok() {
        Finding::ok(CHECK, format!("{shown} will be created when Keydesk starts"))
    } else {
        let text = format!("{shown} doesn’t exist, and {} isn’t writable", parent.display());
        Finding::error(CHECK, text, "Create the folder, or set another one as data.")
    }
}

fn file_system(config: &Config, folder: &Path) -> Vec<Finding> {
    let Ok(found) = rustix::fs::statfs(folder) else { return Vec::new() };
    let shown = folder.display();
    let mut findings = Vec::new();
    if IN_MEMORY.contains(&found.f_type) {
        findings.push(Finding::error(
            CHECK,
            format!("{shown} is in memory: a restart of the machine loses all tokens and the key"),
            "Set a folder on a disk as data.",
        ));
    } else if ON_THE_NETWORK.contains(&found.f_type)
        && matches!(config.store, DatabaseUrl::Sqlite(_))
    {
        findings.push(Finding::warning(
            CHECK,
            format!("{shown} is on a network file system, on which SQLite’s locks may not work"),
            "Use a local disk, or PostgreSQL.",
        ));
    }
    let Ok(space) = rustix::fs::statvfs(folder) else { return findings };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free < LITTLE_SPACE {
        findings.push(Finding::warning(
            CHECK,
            format!("{} MiB are free at {shown}", free >> 20),
            "Free some space: without any, nothing can be changed.",
        ));
    }
    findings
}

fn key(config: &Config) -> Option<Finding> {
    let file = key_file(config);
    if !config.role.has_console() || !file.exists() {
        return None;
    }
    let error = read_keys(&file).err()?;
    Some(Finding::error("key file", format!("{error:#}"), "Correct this before you start Keydesk."))
}
