//! `keydesk completions` and `keydesk man`: generated from the command line itself.

use crate::cli::Cli;
use anyhow::Context;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// Shell
    shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Folder for the pages, such as ~/.local/share/man/man1
    folder: PathBuf,
}

pub fn complete(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::grammar(), "keydesk", &mut script);
    print_line!("{}", String::from_utf8(script)?);
    Ok(())
}

pub fn write_man_pages(args: &ManArgs) -> anyhow::Result<()> {
    let written = std::fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(Cli::grammar(), &args.folder));
    written.with_context(|| format!("the man pages can’t be written to {}", args.folder.display()))
}
