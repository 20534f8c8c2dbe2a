//! `keydesk key rotate`: rotates the master key while Keydesk is running. An interrupted rotation continues when the
//! command is run again.

use crate::{config::Config, data};
use anyhow::{Context, bail};
use keydesk_control::keys::{self, NextStep};
use keydesk_control::{Keyring, MasterKey};
use keydesk_node::{Keys, system};
use keydesk_store::Store;
use std::path::Path;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Rotate the master key; run it again if it was interrupted
    Rotate,
    /// List the IDs of the keys in the key file and the current key
    List,
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let (store, keyring) = data::open(&config).await?;
    store.checked().await?;
    let keyring = keyring.context("this node serves no console and has no key file")?;
    let file = data::key_file(&config);
    // Two concurrent rotations would overwrite each other's keys. The lock is released when this process ends.
    let lock = std::fs::File::create(config.data.join("key.lock"))?;
    lock.try_lock().context("another “keydesk key” is running on this data folder")?;
    match command {
        Command::Rotate => rotate(&store, &keyring, &file).await?,
        Command::List => list(&store, &keyring).await?,
    }
    store.close().await;
    Ok(())
}

async fn list(store: &Store, keyring: &Keyring) -> anyhow::Result<()> {
    let current = store.read().await?.current_key_id().await?;
    for id in keyring.key_ids() {
        print_line!("{id}{}", if id == current { "  current" } else { "" });
    }
    Ok(())
}

async fn rotate(store: &Store, keyring: &Keyring, file: &Path) -> anyhow::Result<()> {
    let (clock, entropy) = (system::clock(), system::entropy());
    let mut step = keys::next_step(store, keyring).await?;
    if step == NextStep::AddKey {
        let mut masters = data::read_keys(file)?;
        masters.push(MasterKey::new(entropy.bytes::<32>()));
        data::write_keys(file, &masters)?;
        keyring.reload();
        print_line!("Added a new key to {}.", file.display());
        step = keys::next_step(store, keyring).await?;
    }
    if let NextStep::Switch { to } = &step {
        let without = waiting_for(store, to).await?;
        if !without.is_empty() {
            bail!(
                "these nodes do not hold the new key yet: {}. Copy {} to them, and call this again; nothing was changed, and all goes on",
                without.join(", "),
                file.display()
            );
        }
        keys::switch(store, keyring, to, &clock, &entropy).await?;
        print_line!("{to} is now the current key.");
    }
    if let NextStep::Finish { left } = &step {
        print_line!("Finishing an earlier rotation first: {left} values left to re-encrypt.");
    }
    keys::reencrypt_all(store, keyring, &clock, &entropy, |left| {
        eprintln!("{left} values left to re-encrypt");
    })
    .await?;
    let current = store.read().await?.current_key_id().await?;
    let masters = data::read_keys(file)?;
    let kept: Vec<_> = masters.into_iter().filter(|key| id_of(key) == current).collect();
    if kept.is_empty() {
        bail!(
            "the current key {current} is not in {}; put it back from where it is kept. Nothing was changed",
            file.display()
        );
    }
    data::write_keys(file, &kept)?;
    print_line!(
        "The database does not need the old key any more, and it is no longer in {}. Backups from before do.",
        file.display()
    );
    if store.is_shared() {
        print_line!(
            "Copy the file to the other nodes. Until then, their files can keep both keys."
        );
    }
    Ok(())
}

/// Returns the nodes without the key. Nodes on this machine read the same file and need a moment; others need a copy.
async fn waiting_for(store: &Store, key: &str) -> anyhow::Result<Vec<String>> {
    if !store.is_shared() {
        return Ok(Vec::new());
    }
    for _ in 0..10 {
        if keys::nodes_without(store, key).await?.is_empty() {
            return Ok(Vec::new());
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    Ok(keys::nodes_without(store, key).await?)
}

fn id_of(key: &MasterKey) -> String {
    let key = key.clone();
    Keyring::new(move || Some(vec![key.clone()])).key_ids().concat()
}
