//! The Git hook that stops commits which add a token.

use super::git::Repository;
use anyhow::{Context, bail};
use std::{fs, os::unix::fs::PermissionsExt};

/// Installs the hook in a repository. A hook that is there already is never changed.
pub fn install(repository: &Repository) -> anyhow::Result<()> {
    // The repository may keep its hooks elsewhere.
    let path = repository.ask(&["rev-parse", "--git-path", "hooks/pre-commit"])?;
    let path = repository.root().join(path.trim_end());
    let own = std::env::current_exe().context("this program has a path")?;
    let quoted = own.display().to_string().replace('\'', "'\\''");
    let text = format!(
        "#!/bin/sh\n# Stops a commit that adds a Keydesk token. Written by “keydesk scan --install-hook”.\n\
         keydesk=$(command -v keydesk || echo '{quoted}')\n\"$keydesk\" scan --staged && exit\n\
         echo 'The commit was stopped. If a token was found, remove it, or exclude its file in .keydeskignore.' >&2\nexit 1\n"
    );
    match fs::read(&path) {
        Ok(present) if present == text.as_bytes() => {
            print_line!("{} is already installed", path.display());
            return Ok(());
        }
        Ok(_) => bail!(
            "{} exists already; add this line to it: keydesk scan --staged || exit 1",
            path.display()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} can’t be read", path.display()));
        }
    }
    let written = (|| {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, &text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    })();
    written.with_context(|| format!("{} can’t be written", path.display()))?;
    print_line!("installed {}, which scans each commit before it is created", path.display());
    Ok(())
}
