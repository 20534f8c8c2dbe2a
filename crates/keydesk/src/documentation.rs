//! `keydesk completions` and `keydesk man`: generated from the command line itself.

use crate::cli::Cli;
use anyhow::Context;
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

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
    let written = write_pages(&args.folder);
    written.with_context(|| format!("the man pages can’t be written to {}", args.folder.display()))
}

/// Everyone can read the pages, although this program otherwise creates private files.
fn write_pages(folder: &Path) -> std::io::Result<()> {
    let is_new = !folder.exists();
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::grammar(), folder)?;
    if is_new {
        std::fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("keydesk") && name.ends_with(".1") {
            std::fs::set_permissions(&path, Permissions::from_mode(0o644))?;
        }
    }
    Ok(())
}
