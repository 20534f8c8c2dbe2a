//! `keydesk backup`, `restore`, and `migrate`: copy everything from one database to another.

use crate::{
    config::{Config, place_named},
    data,
};
use anyhow::{Context, bail};
use keydesk_control::{ListedNode, list_nodes};
use keydesk_model::NodeId;
use keydesk_node::{Identity, system};
use keydesk_store::{CopyProgress, DatabaseUrl, Store, files};
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// File to create; it must not exist yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// File that `keydesk backup` created
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// Database to copy from: sqlite:FILE or postgres://…
    #[arg(long, value_name = "DATABASE_URL")]
    from: String,
    /// Empty database to copy to
    #[arg(long, value_name = "DATABASE_URL")]
    to: String,
    /// Replace NUL characters, which PostgreSQL cannot store, instead of failing
    #[arg(long)]
    replace_nul: bool,
}

pub async fn backup(config: Config, args: BackupArgs) -> anyhow::Result<()> {
    if args.file.exists() {
        bail!("{} already exists; name a new file", args.file.display());
    }
    let (store, _) = data::open(&config).await?;
    store.checked().await?;
    // Has a temporary name until it is complete.
    let beside = args.file.with_extension("partial");
    drop(files::replace(&beside).context("the backup cannot be written")?);
    store.back_up(&beside, progress()).await.context("the backup cannot be written")?;
    store.close().await;
    finish(&beside, &args.file)?;
    print_line!(
        "{} holds everything but the key file {}: keep that apart, the backup is useless without it.",
        args.file.display(),
        data::key_file(&config).display()
    );
    Ok(())
}

/// Gives the copy its name after it is closed and synced to disk.
fn finish(beside: &Path, file: &Path) -> anyhow::Result<()> {
    for ending in ["-wal", "-shm"] {
        let mut path = beside.as_os_str().to_owned();
        path.push(ending);
        let holds_something =
            ending == "-wal" && std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0);
        if holds_something {
            bail!(
                "the backup is not whole: is the disk full? {} is left as it is",
                beside.display()
            );
        }
        let _ = std::fs::remove_file(path);
    }
    let written = std::fs::File::open(beside)?;
    written.sync_all()?;
    std::fs::rename(beside, file)?;
    Ok(())
}

/// Restores a backup. A restored database has a new epoch, so gateways reload it and report what has been revoked
/// since the backup.
pub async fn restore(config: Config, args: RestoreArgs) -> anyhow::Result<()> {
    if !args.file.is_file() {
        bail!("there is no file {}", args.file.display());
    }
    let _alone = alone(&config)?;
    let restored = restore_from(&config, &args.file).await;
    remove_copy(&config.data);
    restored
}

async fn restore_from(config: &Config, file: &Path) -> anyhow::Result<()> {
    let backup = Store::open(&DatabaseUrl::Sqlite(copy_of(file, &config.data)?)).await?;
    backup.checked().await.context("the backup cannot be used")?;
    // A database without its key is unusable.
    let key_file = data::key_file(config);
    let keyring = data::keyring(&key_file)?;
    keyring.opens(&backup).await.with_context(|| {
        format!(
            "{} does not hold the key that this backup was written with; put the file back that was in use then. Nothing was restored",
            key_file.display()
        )
    })?;
    // Moved only now, so that the current database is replaced only by a complete one.
    let aside = match &config.store {
        DatabaseUrl::Sqlite(path) => eject_(path)?,
        DatabaseUrl::Postgres(_) => Vec::new(),
    };
    let epoch = hex::encode(system::entropy().bytes::<16>());
    let copied = backup
        .copy_to(&config.store, Some((&epoch, system::clock().now())), false, progress())
        .await;
    if copied.is_err() {
        put_back(&aside);
    }
    copied.context("nothing was restored; the current database is unchanged")?;
    backup.close().await;
    if let Some((_, kept)) = aside.first() {
        print_line!("The previous database is kept as {}.", kept.display());
    }
    print_line!(
        "{} is restored. Tokens that have ended since the backup stay rejected wherever a gateway's journal \
         (revocations.journal in its data folder) knows of them.",
        config.store
    );
    Ok(())
}

/// Rejects the command while a process serves from the file, because that process would keep writing to the replaced
/// file.
fn alone(config: &Config) -> anyhow::Result<Option<Identity>> {
    if matches!(config.store, DatabaseUrl::Postgres(_)) {
        return Ok(None);
    }
    let locks = config.store.locks(&config.data);
    alone_in(&locks, &config.data.display().to_string())
}

/// Registers this process among those that serve from a file, if it is the only one.
fn alone_in(locks: &Path, shown: &str) -> anyhow::Result<Option<Identity>> {
    files::make_folder(locks)?;
    let own = NodeId::generate(system::clock().now(), &system::entropy());
    let identity = Identity::take(locks, own)?;
    Identity::dead(identity.folder(), own);
    if !identity.is_alone() {
        bail!("Keydesk is running on {shown}: stop it first");
    }
    Ok(Some(identity))
}

/// Renames the current database files. Returns the old and new path of each.
fn eject_(path: &Path) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    if let Some(folder) = path.parent() {
        files::make_folder(folder)?;
    }
    let at = system::clock().now().as_millis();
    let mut aside = Vec::new();
    for ending in ["", "-wal", "-shm"] {
        let mut from = path.as_os_str().to_owned();
        from.push(ending);
        let from = PathBuf::from(from);
        if from.exists() {
            let to = path.with_extension(format!("before-{at}.sqlite{ending}"));
            std::fs::rename(&from, &to).context("the current database cannot be moved")?;
            aside.push((from, to));
        }
    }
    Ok(aside)
}

/// Restores the original names after a failure.
fn put_back(aside: &[(PathBuf, PathBuf)]) {
    for (from, to) in aside {
        if let Err(error) = std::fs::rename(to, from) {
            tracing::error!(%error, "{} could not be put back; rename it to {}", to.display(), from.display());
        }
    }
}

/// Copies the backup, because the backup itself must not be modified.
fn copy_of(file: &Path, data: &Path) -> anyhow::Result<PathBuf> {
    files::make_folder(data)?;
    data::keep_private(data)?;
    let copy = data.join("restoring.sqlite");
    remove_copy(data);
    let mut from = std::fs::File::open(file).context("the backup cannot be read")?;
    std::io::copy(&mut from, &mut files::replace(&copy)?).context("the backup cannot be copied")?;
    Ok(copy)
}

fn remove_copy(data: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(data.join(format!("restoring.sqlite{ending}")));
    }
}

pub async fn migrate(args: MigrateArgs) -> anyhow::Result<()> {
    let (from, to) = (place_named(&args.from)?, place_named(&args.to)?);
    if let DatabaseUrl::Sqlite(path) = &from
        && !path.is_file()
    {
        bail!("there is no file {}", path.display());
    }
    // Held to the end, so that no process starts to serve from it.
    let _alone = alone_on(&from)?;
    let store = Store::open(&from).await?;
    store.checked().await?;
    reject_while_served(&store).await?;
    store.copy_to(&to, None, args.replace_nul, progress()).await.context("nothing was migrated")?;
    store.note_moved(&to).await.context(
        "everything was copied, but the source could not be closed: do not serve from it any more",
    )?;
    store.close().await;
    print_line!(
        "Everything that was in {from} is in {to}, and every count agrees. Nothing serves from {from} any more."
    );
    print_line!(
        "Configure each node with “database_url = \"…\"” and, where it serves the console, the same keydesk.key."
    );
    Ok(())
}

/// Rejects the command while a process serves from a file, because changes after the copy would be lost.
fn alone_on(place: &DatabaseUrl) -> anyhow::Result<Option<Identity>> {
    match place {
        DatabaseUrl::Sqlite(file) => {
            alone_in(&place.locks(Path::new("")), &file.display().to_string())
        }
        DatabaseUrl::Postgres(_) => Ok(None),
    }
}

/// Checks the list of nodes instead, because there is no file to lock.
async fn reject_while_served(store: &Store) -> anyhow::Result<()> {
    let (nodes, now) = list_nodes(store, system::clock().now()).await?;
    let is_alive = |listed: &&ListedNode| listed.lease_ends_at > now;
    if let Some(listed) = nodes.iter().find(is_alive) {
        bail!(
            "the node {} serves from this database: stop it first, or what it takes after the copy stays behind. If it has crashed, its lease is over at {}",
            listed.node.row.name.escape_debug(),
            listed.lease_ends_at
        );
    }
    Ok(())
}

/// Prints one line for each table, updated in place on a terminal.
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
