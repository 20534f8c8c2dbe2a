//! `keydesk backup`, `restore` and `migrate`: everything from one database into another.

use crate::{
    config::{Config, place_named},
    data, system,
};
use anyhow::{Context, bail};
use keydesk_store::{CopyProgress, Place, Store};
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// A file that `keydesk backup` has written
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// Where everything is now: sqlite:FILE or postgres://…
    #[arg(long, value_name = "PLACE")]
    from: String,
    /// An empty database that gets everything
    #[arg(long, value_name = "PLACE")]
    to: String,
}

pub async fn backup(config: Config, args: BackupArgs) -> anyhow::Result<()> {
    if args.file.exists() {
        bail!("{} is there already; name a file that is not", args.file.display());
    }
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    // Under another name until it is whole.
    let beside = args.file.with_extension("partial");
    let _ = std::fs::remove_file(&beside);
    store.back_up(&beside, progress()).await.context("the backup cannot be written")?;
    store.close().await;
    finish(&beside, &args.file)?;
    say!(
        "{} holds everything but the key file {}: keep that apart, the backup is useless without it.",
        args.file.display(),
        data::key_file(&config).display()
    );
    Ok(())
}

/// The copy is checked, closed and on the disk before it has its name.
fn finish(beside: &Path, file: &Path) -> anyhow::Result<()> {
    for ending in ["-wal", "-shm"] {
        let mut path = beside.as_os_str().to_owned();
        path.push(ending);
        let _ = std::fs::remove_file(path);
    }
    let written = std::fs::File::open(beside)?;
    let mut permissions = written.metadata()?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(beside, permissions)?;
    written.sync_all()?;
    std::fs::rename(beside, file)?;
    Ok(())
}

/// A restored database is another history: gateways load it anew, and tell it what had ended since.
pub async fn restore(config: Config, args: RestoreArgs) -> anyhow::Result<()> {
    if !args.file.is_file() {
        bail!("there is no file {}", args.file.display());
    }
    if let Place::Sqlite(path) = &config.store {
        set_aside(path)?;
    }
    let backup = Store::open(&Place::Sqlite(copy_of(&args.file, &config.data)?)).await?;
    backup.checked().await.context("the backup cannot be used")?;
    let epoch = hex::encode(system::entropy().bytes::<16>());
    backup
        .copy_to(&config.store, Some(&epoch), progress())
        .await
        .context("nothing was restored")?;
    backup.close().await;
    remove_copy(&config.data);
    say!(
        "{} is restored. Tokens that have ended since the backup stay refused wherever a gateway's journal \
         (ended.journal in its data folder) knows of them.",
        config.store
    );
    Ok(())
}

/// What is there now is kept under another name.
fn set_aside(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if !path.exists() {
        return Ok(());
    }
    let at = system::clock().now().as_millis();
    for ending in ["", "-wal", "-shm"] {
        let mut from = path.as_os_str().to_owned();
        from.push(ending);
        if Path::new(&from).exists() {
            let to = path.with_extension(format!("before-{at}.sqlite{ending}"));
            std::fs::rename(&from, &to).context("the present database cannot be set aside")?;
        }
    }
    say!("The present database is kept beside it, as *.before-{at}.sqlite.");
    Ok(())
}

/// The backup itself is only read.
fn copy_of(file: &Path, data: &Path) -> anyhow::Result<PathBuf> {
    let copy = data.join("restoring.sqlite");
    remove_copy(data);
    std::fs::copy(file, &copy).context("the backup cannot be read")?;
    Ok(copy)
}

fn remove_copy(data: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(data.join(format!("restoring.sqlite{ending}")));
    }
}

pub async fn migrate(args: MigrateArgs) -> anyhow::Result<()> {
    let (from, to) = (place_named(&args.from)?, place_named(&args.to)?);
    if let Place::Sqlite(path) = &from
        && !path.is_file()
    {
        bail!("there is no file {}", path.display());
    }
    let store = Store::open(&from).await?;
    store.checked().await?;
    store.copy_to(&to, None, progress()).await.context("nothing was moved")?;
    store.close().await;
    say!("Everything that was in {from} is in {to}, and every count agrees.");
    say!("Give each node “store = \"…\"” and, where it serves the console, the same keydesk.key.");
    Ok(())
}

/// A line a table; where someone looks on, it moves.
fn progress() -> impl FnMut(CopyProgress) {
    let watched = std::io::stderr().is_terminal();
    move |progress| {
        let CopyProgress { table, rows, of } = progress;
        if rows == of {
            eprintln!("{}{table:<12} {rows}", if watched { "\r" } else { "" });
        } else if watched {
            eprint!("\r{table:<12} {rows} of {of}");
        }
    }
}
