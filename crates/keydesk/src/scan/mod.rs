//! `keydesk scan`: finds tokens in files, in the history of a Git repository, in what the next commit adds, and in
//! standard input. The checksum identifies a token without a request; with `--check`, the console returns the
//! state of each token from its digest.

mod files;
mod finding;
mod git;
mod hook;
mod report;
mod rules;
mod text;

use crate::remote::check_secrets;
use anyhow::{Context, bail};
use clap::ValueEnum;
use files::Excluded;
use finding::Finding;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Files and folders to scan, or “-” for standard input
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    console: Console,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Install a Git hook that scans every commit before it is made
    #[arg(long, conflicts_with_all = ["git", "staged", "no_ignore", "check", "format"])]
    install_hook: bool,
}

/// What is scanned, if not the files.
#[derive(Debug, clap::Args)]
struct Source {
    /// Scan the history of the Git repository: all branches, tags, and stashes
    #[arg(long, conflicts_with = "staged")]
    git: bool,
    /// Scan what the next Git commit adds
    #[arg(long)]
    staged: bool,
    /// Also scan the files that Git ignores
    #[arg(long, conflicts_with_all = ["git", "staged"])]
    no_ignore: bool,
}

/// Whom to ask which tokens work.
#[derive(Debug, clap::Args)]
struct Console {
    /// Ask the console which tokens work; only their SHA-256 digests are sent
    #[arg(long)]
    check: bool,
    #[arg(long, value_name = "URL", requires = "check", help = "Console URL [env: KEYDESK_URL]")]
    url: Option<String>,
    #[arg(
        long,
        value_name = "NAME",
        requires = "check",
        conflicts_with = "url",
        help = "Profile whose console to ask [default: that of the last login] [env: KEYDESK_PROFILE]"
    )]
    profile: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print rules for another scanner, or what to send to GitHub or GitLab
    Rules(rules::Args),
}

/// The result of a scan that isn't a success.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("tokens were found")]
    Found,
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl ScanError {
    /// Returns the exit status, as docs/guide/leaks.md lists them.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Found => 1,
            Self::Failed(_) => 2,
        }
    }
}

/// What was scanned, and what was found there.
#[derive(Debug, Default)]
struct Scanned {
    findings: Vec<Finding>,
    /// The number of files, or of objects in a repository.
    count: usize,
    /// The files that couldn't be read, each with the reason.
    unread: Vec<String>,
}

pub async fn run(args: Args) -> Result<(), ScanError> {
    if let Some(Command::Rules(args)) = &args.command {
        rules::print(args);
        return Ok(());
    }
    if args.install_hook {
        return Ok(hook::install(&git::Repository::find(only_path(&args)?)?)?);
    }
    let mut scanned = scan(&args)?;
    if args.console.check && !scanned.findings.is_empty() {
        check(&args.console, &mut scanned.findings).await?;
    }
    report::print(args.format, &scanned.findings)?;
    for unread in &scanned.unread {
        eprintln!("not scanned: {}", report::printable(unread));
    }
    let found = scanned.findings.iter().filter(|finding| finding.is_live()).count();
    let works = match (args.console.check, found) {
        (false, _) => "",
        (true, 1) => " that works or can be restored",
        (true, _) => " that work or can be restored",
    };
    let (tokens, files) = (counted(found, "token"), counted(scanned.count, "file"));
    let of_history = if args.source.git { " of the history" } else { "" };
    eprintln!("found {tokens}{works} in {files}{of_history}");
    if found > 0 {
        return Err(ScanError::Found);
    }
    if !scanned.unread.is_empty() {
        return Err(anyhow::anyhow!("not everything could be scanned").into());
    }
    Ok(())
}

fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn scan(args: &Args) -> anyhow::Result<Scanned> {
    if args.source.git || args.source.staged {
        let repository = git::Repository::find(only_path(args)?)?;
        let excluded = Excluded::read(repository.root())?;
        return if args.source.git {
            repository.history(&excluded)
        } else {
            repository.staged(&excluded)
        };
    }
    let mut scanned = Scanned::default();
    for path in &args.paths {
        files::scan(path, args.source.no_ignore, &mut scanned)?;
    }
    Ok(scanned)
}

/// Returns the folder of the repository.
fn only_path(args: &Args) -> anyhow::Result<&PathBuf> {
    match args.paths.as_slice() {
        [path] if path.is_dir() && (is_here(path) || is_root(path)) => Ok(path),
        [path] if path.is_dir() => {
            bail!(
                "{} isn’t the root of a Git repository; --git and --staged scan a whole one",
                path.display()
            )
        }
        [path] => bail!("{} isn’t a folder of a Git repository", path.display()),
        _ => bail!("specify only one Git repository"),
    }
}

fn is_here(path: &Path) -> bool {
    path == Path::new(".")
}

/// Returns whether a folder is the root of a repository, of a worktree, or of a bare repository.
fn is_root(path: &Path) -> bool {
    path.join(".git").exists() || path.join("HEAD").is_file()
}

/// Asks for the state of every token that was found, once each.
async fn check(args: &Console, findings: &mut [Finding]) -> anyhow::Result<()> {
    let mut digests: Vec<_> = findings.iter().map(Finding::digest).collect();
    digests.sort_unstable();
    digests.dedup();
    let states = check_secrets(args.url.as_deref(), args.profile.as_deref(), &digests).await?;
    for finding in findings {
        let state = states.get(&finding.digest());
        let state = state.context("the console returned no state for some tokens")?;
        finding.state = Some(state.clone());
    }
    Ok(())
}
