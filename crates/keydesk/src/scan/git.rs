//! A Git repository, read with the `git` command of this machine.

use super::{Scanned, files::Excluded, text};
use anyhow::{Context, bail};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
};

pub struct Repository {
    root: PathBuf,
}

/// The kind and size of an object in the database of a repository, and the path of a file.
struct Header {
    id: String,
    kind: String,
    size: u64,
    path: String,
}

impl Repository {
    /// Finds the repository that a folder belongs to.
    pub fn find(folder: &Path) -> anyhow::Result<Self> {
        let root = Self { root: folder.to_owned() }.ask(&["rev-parse", "--show-toplevel"]);
        let root = root.with_context(|| {
            format!("{} isn’t in a Git repository with files", folder.display())
        })?;
        Ok(Self { root: PathBuf::from(root.trim_end()) })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root).args(args).stderr(Stdio::piped());
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
        let list = ["rev-list", "--objects", "--all"];
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
        // A tree holds names only.
        let is_skipped =
            header.kind == "tree" || header.kind == "blob" && excluded.contains(&header.path);
        let path = if header.path.is_empty() { header.kind.as_str() } else { &header.path };
        let mut found = if is_skipped { Vec::new() } else { text::find(path, content.by_ref())? };
        std::io::copy(&mut content, &mut std::io::sink())?;
        let mut end = [0];
        objects.read_exact(&mut end)?;
        scanned.count += usize::from(header.kind == "blob");
        if !found.is_empty() {
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

    /// Returns the commit that added a file's content.
    fn oldest_commit_with(&self, blob: &str) -> anyhow::Result<Option<String>> {
        let find = format!("--find-object={blob}");
        let ask = |more: &[&str]| {
            let log = ["log", "--all", "--reverse", "--format=%H", "--no-abbrev", &find];
            self.ask(&[&log, more].concat())
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
                bail!("git diff answered with “{what}”");
            };
            // A submodule is a commit of another repository.
            if *mode == "160000" || excluded.contains(path) {
                continue;
            }
            let blobs = self.blobs(&[before, after])?;
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
            let mut content = Vec::new();
            objects.by_ref().take(header.size).read_to_end(&mut content)?;
            objects.read_exact(&mut [0])?;
            found.insert(header.id, content);
        }
        reading.wait().context("git cat-file")?;
        Ok(found)
    }
}

/// Reads the line before the next object. An object that a partial clone lacks is skipped.
fn next_object(objects: &mut impl BufRead) -> anyhow::Result<Option<Header>> {
    loop {
        let mut line = Vec::new();
        if objects.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\n');
        let mut fields = line.splitn(4, ' ');
        let (id, kind) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        if kind == "missing" {
            continue;
        }
        let size = fields.next().and_then(|size| size.parse().ok());
        let size = size.with_context(|| format!("git cat-file answered with “{line}”"))?;
        let path = fields.next().unwrap_or_default().to_owned();
        return Ok(Some(Header { id: id.to_owned(), kind: kind.to_owned(), size, path }));
    }
}
