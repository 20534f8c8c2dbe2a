//! A Git repository, read with the `git` command of this machine.

use super::{Scanned, files::Excluded, text};
use anyhow::{Context, bail};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
};

/// Returns the files of a folder that are in a repository, relative to the folder. There are none without `git`.
pub fn tracked(folder: &Path) -> Vec<PathBuf> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let mut list = Command::new("git");
    let listed = list.arg("-C").arg(folder).args(["ls-files", "-z", "--cached"]).output();
    let listed = listed.ok().filter(|output| output.status.success());
    let names = listed.map(|output| output.stdout).unwrap_or_default();
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect()
}

pub struct Repository {
    root: PathBuf,
}

/// The kind and size of an object in the database of a repository, and the path of a file.
struct Header {
    id: String,
    kind: String,
    size: u64,
    path: String,
    is_missing: bool,
}

impl Repository {
    /// Finds the repository that a folder belongs to.
    pub fn find(folder: &Path) -> anyhow::Result<Self> {
        let root = Self { root: folder.to_owned() }.ask(&["rev-parse", "--show-toplevel"]);
        let root = root.with_context(|| {
            format!(
                "{} isn’t in a Git repository with a working tree (scan a clone of a bare one)",
                folder.display()
            )
        })?;
        Ok(Self { root: PathBuf::from(root.trim_end()) })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        // A replaced object is still what others get.
        command
            .arg("--no-replace-objects")
            .arg("-C")
            .arg(&self.root)
            .args(args)
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command and returns its output.
    pub fn ask(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.command(args).output().context("the command git can’t be run")?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!("git {}: {}", args.first().unwrap_or(&""), error.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Scans all objects of all commits, branches, tags, and stashes.
    pub fn history(&self, excluded: &Excluded) -> anyhow::Result<Scanned> {
        let mut scanned = Scanned::default();
        if self.ask(&["rev-parse", "--is-shallow-repository"])?.trim() == "true" {
            let why = "the history that this shallow clone lacks (run “git fetch --unshallow”)";
            scanned.unread.push(why.to_owned());
        }
        let stashes = self.stashes()?;
        let stashes = stashes.iter().map(String::as_str);
        let list: Vec<_> = ["rev-list", "--objects", "--all"].into_iter().chain(stashes).collect();
        let mut list = self.command(&list).stdout(Stdio::piped()).spawn().context("git")?;
        let names = list.stdout.take().context("git has an output")?;
        let mut reading = self
            .command(&["cat-file", "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)"]);
        let mut reading = reading
            .stdin(names)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the command git can’t be run")?;
        let objects = reading.stdout.take().context("git has an output")?;
        let mut objects = BufReader::new(objects);
        while let Some(header) = next_object(&mut objects)? {
            let Some(header) = header.present(&mut scanned) else { continue };
            self.scan_object(&header, &mut objects, excluded, &mut scanned)?;
        }
        let error = list.wait_with_output().context("git rev-list")?;
        if !error.status.success() {
            bail!("git rev-list: {}", String::from_utf8_lossy(&error.stderr).trim());
        }
        if !reading.wait().context("git cat-file")?.success() {
            bail!("git cat-file couldn’t read every object");
        }
        Ok(scanned)
    }

    fn scan_object(
        &self,
        header: &Header,
        objects: &mut BufReader<ChildStdout>,
        excluded: &Excluded,
        scanned: &mut Scanned,
    ) -> anyhow::Result<()> {
        let mut content = objects.by_ref().take(header.size);
        let path = if header.path.is_empty() { header.kind.as_str() } else { &header.path };
        // A tree holds names only, which come with their files.
        let is_tree = header.kind == "tree";
        let mut found = if is_tree { Vec::new() } else { text::find(path, content.by_ref())? };
        std::io::copy(&mut content, &mut std::io::sink())?;
        let mut end = [0];
        objects.read_exact(&mut end)?;
        scanned.count += usize::from(header.kind == "blob");
        if !found.is_empty() && !self.is_excluded(header, excluded)? {
            let commit = match header.kind.as_str() {
                "blob" => self.oldest_commit_with(&header.id)?,
                _ => Some(header.id.clone()),
            };
            for finding in &mut found {
                finding.commit.clone_from(&commit);
            }
            scanned.findings.append(&mut found);
        }
        Ok(())
    }

    fn stashes(&self) -> anyhow::Result<Vec<String>> {
        let listed = self.ask(&["stash", "list", "--format=%H"])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// Returns whether every path of an object is excluded. Git names an object once, although it can be in several files.
    fn is_excluded(&self, header: &Header, excluded: &Excluded) -> anyhow::Result<bool> {
        if header.kind != "blob" || !excluded.contains(&header.path) {
            return Ok(false);
        }
        let find = format!("--find-object={}", header.id);
        let log = ["log", "--all", "-m", "-z", "--name-only", "--no-renames", "--format=", &find];
        let paths = self.ask(&log)?;
        Ok(paths
            .split(['\0', '\n'])
            .filter(|path| !path.is_empty())
            .all(|path| excluded.contains(path)))
    }

    /// Returns the commit that added a file's content.
    fn oldest_commit_with(&self, blob: &str) -> anyhow::Result<Option<String>> {
        let find = format!("--find-object={blob}");
        let ask = |more: &[&str]| {
            let stashes = self.stashes()?;
            let log = ["log", "--all", "--reverse", "--format=%H", "--no-abbrev", &find];
            let stashes: Vec<_> = stashes.iter().map(String::as_str).collect();
            self.ask(&[&log, more, &stashes].concat())
        };
        let mut found = ask(&[])?;
        if found.is_empty() {
            // A merge may have added it.
            found = ask(&["-m"])?;
        }
        Ok(found.lines().next().map(str::to_owned))
    }

    /// Scans the files of the next commit, without the tokens that the last commit has in the same file.
    pub fn staged(&self, excluded: &Excluded) -> anyhow::Result<Scanned> {
        let mut scanned = Scanned::default();
        let diff =
            ["diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=AMT"];
        let listed = self.ask(&diff)?;
        let mut parts = listed.split('\0');
        while let (Some(what), Some(path)) = (parts.next(), parts.next()) {
            // “:100644 100644 <before> <after> M”
            let fields: Vec<_> = what.split(' ').collect();
            let [_, mode, before, after, _] = fields.as_slice() else {
                bail!("unexpected output of git diff: “{what}”");
            };
            // A submodule is a commit of another repository.
            if *mode == "160000" || excluded.contains(path) {
                continue;
            }
            let blobs = self.blobs(&[before, after])?;
            if !blobs.contains_key(*after) {
                scanned.unread.push(format!("{path}: Git doesn’t have its content"));
            }
            let find = |id: &str| {
                blobs
                    .get(id)
                    .map_or_else(|| Ok(Vec::new()), |bytes| text::find(path, bytes.as_slice()))
            };
            let known: Vec<_> = find(before)?.iter().map(super::Finding::hash).collect();
            let added = find(after)?.into_iter().filter(|finding| !known.contains(&finding.hash()));
            scanned.findings.extend(added);
            scanned.count += 1;
        }
        Ok(scanned)
    }

    /// Reads the contents of files. The ID of a file that doesn't exist consists of zeros.
    fn blobs(&self, ids: &[&str]) -> anyhow::Result<HashMap<String, Vec<u8>>> {
        let mut reading =
            self.command(&["cat-file", "--batch=%(objectname) %(objecttype) %(objectsize) "]);
        let mut reading =
            reading.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("git")?;
        let mut input = reading.stdin.take().context("git has an input")?;
        for id in ids.iter().filter(|id| !id.bytes().all(|digit| digit == b'0')) {
            writeln!(input, "{id}")?;
        }
        drop(input);
        let mut objects = BufReader::new(reading.stdout.take().context("git has an output")?);
        let mut found = HashMap::new();
        while let Some(header) = next_object(&mut objects)? {
            if header.is_missing {
                continue;
            }
            let mut content = Vec::new();
            objects.by_ref().take(header.size).read_to_end(&mut content)?;
            objects.read_exact(&mut [0])?;
            found.insert(header.id, content);
        }
        reading.wait().context("git cat-file")?;
        Ok(found)
    }
}

/// Reads the line before the next object.
fn next_object(objects: &mut impl BufRead) -> anyhow::Result<Option<Header>> {
    let mut line = Vec::new();
    if objects.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let line = String::from_utf8_lossy(&line);
    let line = line.trim_end_matches('\n');
    let mut fields = line.splitn(4, ' ');
    let (id, kind) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let is_missing = kind == "missing";
    let size = if is_missing { Some(0) } else { fields.next().and_then(|size| size.parse().ok()) };
    let size = size.with_context(|| format!("unexpected output of git cat-file: “{line}”"))?;
    let path = fields.next().unwrap_or_default().to_owned();
    Ok(Some(Header { id: id.to_owned(), kind: kind.to_owned(), size, path, is_missing }))
}

impl Header {
    /// Returns the header of an object that the repository has. Another one is noted as not read.
    fn present(self, scanned: &mut Scanned) -> Option<Self> {
        if self.is_missing {
            scanned.unread.push(format!("the object {}, which the repository lacks", self.id));
            return None;
        }
        Some(self)
    }
}
