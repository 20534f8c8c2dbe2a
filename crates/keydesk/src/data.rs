//! The data folder: the database and, beside it, the key file that the database is useless without.

use anyhow::{Context, bail};
use keydesk_control::{Desk, Keyring, Mailer, OpenApiSource, Settings};
use keydesk_store::Store;
use keydesk_token::Entropy;
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};
use zeroize::Zeroizing;

use crate::{config::Config, system};

const HEADER: &str = "keydesk-key-1";

/// Opens the database and the key file, and checks that they belong together.
pub async fn open(config: &Config) -> anyhow::Result<(Store, Keyring)> {
    let folder = &config.data;
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    }
    let database = folder.join("keydesk.sqlite");
    let key_file = folder.join("keydesk.key");
    if database.exists() && !key_file.exists() {
        bail!(
            "the key file {} is missing, but the database is there. Put the file back from where it is kept; \
             without it no bearer token can be shown and no password checked",
            key_file.display()
        );
    }
    let entropy = system::entropy();
    let keyring = Keyring::new(&*read_or_make_key(&key_file, &entropy)?);
    let store = Store::open(&database).await?;
    keyring.check(&store, system::clock().now(), &entropy).await.with_context(|| {
        format!("the key file {} does not open this database", key_file.display())
    })?;
    Ok((store, keyring))
}

/// The desk of a command that runs beside the server or without it.
pub async fn desk(config: &Config) -> anyhow::Result<Desk> {
    let (store, keyring) = open(config).await?;
    store.checked().await?;
    let settings = settings(config, config.console, config.gateway);
    let nowhere = OpenApiSource::file(Path::new("").to_owned());
    Ok(Desk::new(
        settings,
        store,
        keyring,
        Mailer::Off,
        nowhere,
        system::clock(),
        system::entropy(),
    ))
}

/// The console's settings, once the addresses that are really bound are known.
pub fn settings(
    config: &Config,
    console: std::net::SocketAddr,
    gateway: std::net::SocketAddr,
) -> Settings {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let own_url = format!("{scheme}://{console}");
    let console_url = config.public_console_url.clone().unwrap_or_else(|| own_url.clone());
    // On loopback people also type localhost.
    let is_plain_loopback = console.ip().is_loopback() && console_url.starts_with("http:");
    let aliases = [own_url, format!("http://localhost:{}", console.port())];
    Settings {
        console_aliases: aliases
            .into_iter()
            .filter(|url| is_plain_loopback && *url != console_url)
            .collect(),
        console_url,
        gateway_url: config
            .public_gateway_url
            .clone()
            .unwrap_or_else(|| format!("{scheme}://{gateway}")),
        account_in_path: config.forms.path,
        reserved_prefix: config.reserved_prefix.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        token_prefix: config.token_prefix.clone(),
        is_local: config.is_local(),
    }
}

fn read_or_make_key(path: &Path, entropy: &Entropy) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    if !path.exists() {
        return make_key(path, entropy);
    }
    let mode = fs::metadata(path)?.mode();
    if mode & 0o077 != 0 {
        bail!(
            "others can read the key file {0}: run “chmod 600 {0}”, and think about who may have read it",
            path.display()
        );
    }
    let text = Zeroizing::new(
        fs::read_to_string(path)
            .with_context(|| format!("the key file {} cannot be read", path.display()))?,
    );
    let digits = text.trim_end().strip_prefix(HEADER).map(str::trim_start);
    digits.and_then(unhex).with_context(|| {
        format!(
            "the key file {} is damaged: it holds “{HEADER}” and 64 hexadecimal digits",
            path.display()
        )
    })
}

/// Made on first start, for its owner's eyes only, and on the disk before anything depends on it.
fn make_key(path: &Path, entropy: &Entropy) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let key = Zeroizing::new(entropy.bytes::<32>());
    let text = Zeroizing::new(format!(
        "{HEADER} {}
",
        hex::encode(&key[..])
    ));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("the key file {} cannot be made", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(key)
}

fn unhex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text, &mut key[..]).ok()?;
    Some(key)
}
