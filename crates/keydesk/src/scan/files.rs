//! Files and folders, and standard input.

use super::{Scanned, git, text};
use anyhow::Context;
use ignore::{WalkBuilder, gitignore::Gitignore};
use std::{
    collections::HashSet,
    fs::File,
    path::{Path, PathBuf},
};

/// The file at the root of a project that names what is not scanned, written like a `.gitignore`.
const EXCLUDED: &str = ".keydeskignore";

/// The paths that a project excludes.
pub struct Excluded {
    root: PathBuf,
    rules: Gitignore,
}

impl Excluded {
    /// Reads the project's file, if it has one.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let path = root.join(EXCLUDED);
        let root = root.to_owned();
        if !path.exists() {
            return Ok(Self { root, rules: Gitignore::empty() });
        }
        let (rules, error) = Gitignore::new(&path);
        match error {
            Some(error) => Err(error).with_context(|| format!("{} can’t be read", path.display())),
            None => Ok(Self { root, rules }),
        }
    }

    /// Returns whether a path, relative to the root, is excluded.
    pub fn contains(&self, path: &str) -> bool {
        // An absolute path, which only a crafted repository has, would not be below the root.
        let path = self.root.join(path.trim_start_matches('/'));
        self.rules.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// Scans a file or a folder, and adds to what was found.
pub fn scan(path: &Path, no_ignore: bool, scanned: &mut Scanned) -> anyhow::Result<()> {
    if path == Path::new("-") {
        let found = text::find("-", std::io::stdin().lock());
        scanned.findings.extend(found.context("standard input can’t be read")?);
        scanned.count += 1;
        return Ok(());
    }
    // A misspelled path must not look like a clean one.
    let about = std::fs::metadata(path);
    let about = about.with_context(|| format!("{} can’t be read", path.display()))?;
    if !about.is_dir() {
        scan_file(path, scanned);
        return Ok(());
    }
    let found = walk(path, no_ignore, scanned);
    // Git doesn't ignore files that are in the repository, whatever a `.gitignore` says.
    let tracked = if no_ignore { Vec::new() } else { git::tracked(path) };
    let excluded = Excluded::read(path)?;
    for name in tracked.iter().filter(|name| !excluded.contains(&name.to_string_lossy())) {
        let file = path.join(name);
        if !found.contains(&file) && file.is_file() && !file.is_symlink() {
            scan_file(&file, scanned);
        }
    }
    Ok(())
}

/// Scans the files of a folder, and returns their paths.
fn walk(path: &Path, no_ignore: bool, scanned: &mut Scanned) -> HashSet<PathBuf> {
    let mut walk = WalkBuilder::new(path);
    let uses_ignore = !no_ignore;
    // A folder that is named is scanned, even if a folder above ignores it.
    walk.hidden(false).ignore(false).parents(false).require_git(true);
    walk.git_ignore(uses_ignore).git_exclude(uses_ignore).git_global(uses_ignore);
    walk.add_custom_ignore_filename(EXCLUDED);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    let mut found = HashSet::new();
    for entry in walk.build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                scan_file(entry.path(), scanned);
                found.insert(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => scanned.unread.push(error.to_string()),
        }
    }
    found
}

fn scan_file(path: &Path, scanned: &mut Scanned) {
    let name = path.display().to_string();
    let name = name.strip_prefix("./").unwrap_or(&name);
    match File::open(path).and_then(|file| text::find(name, file)) {
        Ok(found) => {
            scanned.findings.extend(found);
            scanned.count += 1;
        }
        Err(error) => scanned.unread.push(format!("{name}: {error}")),
    }
}
