//! Files and folders, and standard input.

use super::{Scanned, text};
use anyhow::Context;
use ignore::{WalkBuilder, gitignore::Gitignore};
use std::{
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
        self.rules.matched_path_or_any_parents(self.root.join(path), false).is_ignore()
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
    std::fs::metadata(path).with_context(|| format!("{} can’t be read", path.display()))?;
    let mut walk = WalkBuilder::new(path);
    let uses_ignore = !no_ignore;
    walk.hidden(false).ignore(false).parents(uses_ignore).require_git(true);
    walk.git_ignore(uses_ignore).git_exclude(uses_ignore).git_global(uses_ignore);
    walk.add_custom_ignore_filename(EXCLUDED);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                scanned.unread.push(error.to_string());
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let name = entry.path().display().to_string();
        let name = name.strip_prefix("./").unwrap_or(&name);
        match File::open(entry.path()).and_then(|file| text::find(name, file)) {
            Ok(found) => {
                scanned.findings.extend(found);
                scanned.count += 1;
            }
            Err(error) => scanned.unread.push(format!("{name}: {error}")),
        }
    }
    Ok(())
}
