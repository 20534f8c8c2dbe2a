//! The data folder, with the database and the key file, without which the database is unusable.

use anyhow::{Context, anyhow, bail};
use keydesk_control::{
    AppServices, AppState, Keyring, KeyringError, Mailer, MasterKey, OpenApiSource, Settings,
};
use keydesk_node::{Nodes, system};
use keydesk_store::{DatabaseUrl, Sealer, Store, files};
use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

use crate::{config::Config, serving};

const HEADER: &str = "keydesk-key-1";

/// Opens the database for a command and logs which one it is. Never creates one: a command on a different database
/// than the server's would report success without effect.
pub async fn open(config: &Config) -> anyhow::Result<(Store, Option<Arc<Keyring>>)> {
    if config.data.is_dir() {
        keep_private(&config.data)?;
    }
    if let DatabaseUrl::Sqlite(file) = &config.store
        && !file.is_file()
    {
        bail!(
            "there is no Keydesk database at {}. Run this in the folder that the server runs in: paths in the configuration are relative to it",
            file.display()
        );
    }
    serving::check(config)?;
    eprintln!("Database: {}", config.store);
    open_or_create(config).await
}

/// Opens the database and, if the node serves the console, the key file, and checks that they belong together. Creates
/// whatever is missing.
pub async fn open_or_create(config: &Config) -> anyhow::Result<(Store, Option<Arc<Keyring>>)> {
    let folder = &config.data;
    files::make_folder(folder)
        .with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    keep_private(folder)?;
    if !config.role.has_console() {
        return Ok((Store::open_as_it_is(&config.store).await?, None));
    }
    let key_file = key_file(config);
    // A new key with which no database is known to be encrypted yet.
    let first = key_file.with_extension("key.first");
    if let DatabaseUrl::Sqlite(database) = &config.store
        && database.exists()
        && !key_file.exists()
        && !first.exists()
    {
        bail!(
            "the key file {} is missing, but the database is there. Put the file back from where it is kept; \
             without it no bearer token can be shown and no password checked",
            key_file.display()
        );
    }
    let store = Store::open(&config.store).await?;
    let entropy = system::entropy();
    if !key_file.exists() {
        make_key_file(config, &store, &key_file, &first).await?;
    }
    let keyring = keyring(&key_file)?;
    keyring.check(&store, system::clock().now(), &entropy).await.with_context(|| {
        format!("the key file {} does not open this database", key_file.display())
    })?;
    let keyring = Arc::new(keyring);
    store.seal_with(Arc::clone(&keyring) as Arc<dyn Sealer>);
    Ok((store, Some(keyring)))
}

/// Creates the first key of a database. The file gets its name only after the database has accepted the key: if
/// several consoles start together, one is first, and the others don't keep a wrong file.
async fn make_key_file(
    config: &Config,
    store: &Store,
    key_file: &Path,
    first: &Path,
) -> anyhow::Result<()> {
    let entropy = system::entropy();
    let is_in_use = || {
        anyhow!(
            "the key file {} is missing, but {} is in use already. Copy the file from another node of this Keydesk",
            key_file.display(),
            config.store
        )
    };
    if !first.exists() {
        if store.read().await?.has_key_check().await? {
            return Err(is_in_use());
        }
        write_keys(first, &[Zeroizing::new(entropy.bytes::<32>())])?;
    }
    match keyring(first)?.check(store, system::clock().now(), &entropy).await {
        Ok(()) => {}
        Err(KeyringError::WrongKey | KeyringError::Missing(_)) => {
            fs::remove_file(first)?;
            return Err(is_in_use());
        }
        Err(error) => return Err(error.into()),
    }
    fs::rename(first, key_file)?;
    if let Some(folder) = key_file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Makes the data folder private to its owner. In an existing folder, only Keydesk's own files are changed.
pub fn keep_private(folder: &Path) -> anyhow::Result<()> {
    let found = fs::metadata(folder)?;
    let mode = found.mode();
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    let is_here = folder.canonicalize().ok() == std::env::current_dir().ok();
    if is_ours && !is_here {
        if files::tighten(folder)? {
            let folder = folder.display();
            tracing::warn!(%folder, "others could enter the data folder; now only its owner can");
        }
    } else if mode & 0o022 != 0 {
        bail!(
            "others can write to the data folder {0}: run “chmod 700 {0}”, or name another folder as data",
            folder.display()
        );
    }
    // Keydesk's existing files, whatever their permissions.
    for entry in fs::read_dir(folder)?.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !OWN_FILES.iter().any(|own| name.starts_with(own)) {
            continue;
        }
        let (path, itself) = (entry.path(), entry.metadata()?);
        if !itself.is_symlink() {
            files::tighten(&path)
                .with_context(|| format!("{} must be its owner's alone", path.display()))?;
        } else if ![0, rustix::process::geteuid().as_raw()].contains(&itself.uid()) {
            bail!("{} is a link that another user created: remove it", path.display());
        }
    }
    Ok(())
}

/// The files that Keydesk creates in its data folder, except for the key file: if others could read that, the operator
/// must decide what to do.
const OWN_FILES: [&str; 8] = [
    "serving",
    "keydesk.sqlite",
    "sample-api.sqlite",
    "restoring.sqlite",
    "revocations.journal",
    "key.lock",
    "nodes",
    "acme",
];

pub fn key_file(config: &Config) -> PathBuf {
    config.data.join("keydesk.key")
}

/// Returns the keys of the file, which is read again if a key is missing.
pub fn keyring(key_file: &Path) -> anyhow::Result<Keyring> {
    read_keys(key_file)?;
    let path = key_file.to_owned();
    Ok(Keyring::new(move || {
        let read = read_keys(&path);
        read.inspect_err(|error| tracing::error!(error = format!("{error:#}"), "the key file")).ok()
    }))
}

/// Returns the state for a command that runs with or without the server.
pub async fn app(config: &Config) -> anyhow::Result<AppState> {
    app_with(config, Mailer::Off).await
}

/// Returns the state of [`app`] with a mailer.
pub async fn app_with(config: &Config, mailer: Mailer) -> anyhow::Result<AppState> {
    make_app(config, mailer, open(config).await?).await
}

/// Returns the state of [`app`], and creates the database if there is none.
pub async fn new_app(config: &Config) -> anyhow::Result<AppState> {
    make_app(config, Mailer::Off, open_or_create(config).await?).await
}

async fn make_app(
    config: &Config,
    mailer: Mailer,
    (store, keyring): (Store, Option<Arc<Keyring>>),
) -> anyhow::Result<AppState> {
    store.checked().await?;
    let keyring = keyring.context("this command needs the key file: omit role")?;
    let settings = settings(config, config.console.first(), config.gateway.first());
    let nowhere = OpenApiSource::file(Path::new("").to_owned());
    // Doesn't revoke tokens, so it waits for no node.
    let outbound = config.outbound.clone();
    let base = AppServices { store, keyring, nodes: Arc::new(Nodes::alone()), outbound };
    Ok(AppState::new(settings, base, mailer, nowhere, system::clock(), system::entropy()))
}

/// Returns the console's settings for the addresses that were actually bound.
pub fn settings(
    config: &Config,
    console: std::net::SocketAddr,
    gateway: std::net::SocketAddr,
) -> Settings {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let own_url = format!("{scheme}://{}", reachable(console));
    let console_url = config.public_console_url.clone().unwrap_or_else(|| own_url.clone());
    // On loopback, users may also enter localhost.
    let is_plain_loopback = console.ip().is_loopback() && console_url.starts_with("http:");
    let port = console.port();
    let mut console_addrs = vec![format!("localhost:{port}")];
    for address in config.console.iter() {
        console_addrs.push(std::net::SocketAddr::new(address.addr.ip(), port).to_string());
    }
    let aliases = [
        own_url,
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("http://[::1]:{port}"),
    ];
    Settings {
        console_addrs,
        console_aliases: aliases
            .into_iter()
            .filter(|url| is_plain_loopback && *url != console_url)
            .collect(),
        console_url,
        gateway_url: config
            .public_gateway_url
            .clone()
            .unwrap_or_else(|| format!("{scheme}://{}", reachable(gateway))),
        account_in_path: config.forms.path,
        reserved_prefix: config.reserved_prefix.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        token_prefix: config.token_prefix.clone(),
        is_local: config.is_local(),
        users: config.users,
        plans: config.plans.clone(),
        has_account_cors: config.requests.cors.is_for_accounts,
        expiry: config.expiry,
        management_keys: config.management_keys,
        request_log: config.request_log,
        secret_scanning: config.secret_scanning.clone(),
        provider_contact: config.requests.provider_contact.clone(),
    }
}

/// Reads the keys, one per line with the newest last.
pub fn read_keys(path: &Path) -> anyhow::Result<Vec<MasterKey>> {
    let metadata = fs::metadata(path)
        .with_context(|| format!("the key file {} cannot be read", path.display()))?;
    if metadata.mode() & 0o077 != 0 {
        bail!(
            "others can read the key file {0}: run “chmod 600 {0}”, and think about who may have read it",
            path.display()
        );
    }
    let text = Zeroizing::new(
        fs::read_to_string(path)
            .with_context(|| format!("the key file {} cannot be read", path.display()))?,
    );
    let keys = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.trim().strip_prefix(HEADER).map(str::trim_start).and_then(unhex));
    let keys: Option<Vec<_>> = keys.collect();
    keys.filter(|keys| !keys.is_empty()).with_context(|| {
        format!(
            "the key file {} is damaged: each of its lines holds “{HEADER}” and 64 hexadecimal digits",
            path.display()
        )
    })
}

/// Writes the keys to a file that only its owner can read, atomically and synced to disk before anything depends on
/// it.
pub fn write_keys(path: &Path, keys: &[MasterKey]) -> anyhow::Result<()> {
    let unwritable = || format!("the key file {} cannot be written", path.display());
    let mut text = Zeroizing::new(String::new());
    for key in keys {
        let digits = Zeroizing::new(hex::encode(&key[..]));
        text.push_str(HEADER);
        text.push(' ');
        text.push_str(&digits);
        text.push('\n');
    }
    let beside = path.with_extension("key.new");
    let mut file = files::replace(&beside).with_context(unwritable)?;
    file.write_all(text.as_bytes()).with_context(unwritable)?;
    file.sync_all().with_context(unwritable)?;
    fs::rename(&beside, path).with_context(unwritable)?;
    // Syncs the directory entry, too.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn unhex(text: &str) -> Option<MasterKey> {
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text, &mut key[..]).ok()?;
    Some(key)
}

/// Returns an address to connect to, because the unspecified address isn't one.
pub fn reachable(mut addr: std::net::SocketAddr) -> std::net::SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(if addr.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    addr
}
