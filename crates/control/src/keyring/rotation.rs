//! Rotation of the master key without downtime. All tokens stay valid, including unused ones: display copies are
//! reencrypted in batches, and data that can't be recomputed is kept sealed under the new key.

use crate::keyring::{Keyring, KeyringError, SealedFor, operator_entry};
use keydesk_model::{Clock, Event};
use keydesk_node::Keys;
use keydesk_store::{Store, StoreError};
use keydesk_token::Entropy;

const AT_ONCE: u32 = 200;

/// The next step of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// An earlier rotation is incomplete, with this number of display copies left.
    Finish { left: i64 },
    /// This key is in the file but hasn't been used yet, and becomes the current one.
    Switch { to: String },
    /// A new key must be added first.
    AddKey,
}

pub async fn next_step(store: &Store, keyring: &Keyring) -> Result<NextStep, KeyringError> {
    let mut read = store.read().await?;
    let current = current(&mut read).await?;
    let left = count_under_others(&mut read, &current).await?;
    if left > 0 {
        return Ok(NextStep::Finish { left });
    }
    let used = read.list_key_checks().await?;
    let unused = keyring.key_ids().into_iter().find(|id| used.iter().all(|key| key.key_id != *id));
    Ok(unused.map_or(NextStep::AddKey, |to| NextStep::Switch { to }))
}

/// Counts all data that is sealed under other keys.
async fn count_under_others(
    read: &mut keydesk_store::Read,
    current: &[u8],
) -> Result<i64, StoreError> {
    Ok(read.count_display_copies_under_others(current).await?
        + read.count_totps_under_others(current).await?
        + read.count_ssos_under_others(current).await?
        + read.count_mail_under_others(current).await?
        + read.count_webhook_secrets_under_others(current).await?)
}

async fn current(read: &mut keydesk_store::Read) -> Result<Vec<u8>, StoreError> {
    let id = read.current_key_id().await?;
    hex::decode(id).map_err(|_| StoreError::Unreadable { column: "head.key_id" })
}

/// Returns the console nodes that don't have this key yet and couldn't show tokens sealed under it.
pub async fn nodes_without(store: &Store, key_id: &str) -> Result<Vec<String>, StoreError> {
    let nodes = store.list_nodes().await?.into_iter().filter(|node| node.row.is_console);
    let without = nodes.filter(|node| !node.keys.iter().any(|held| held == key_id));
    Ok(without.map(|node| node.row.name).collect())
}

/// Makes a key the current one, under which new data is sealed.
pub async fn switch(
    store: &Store,
    keyring: &Keyring,
    to: &str,
    clock: &Clock,
    entropy: &Entropy,
) -> Result<(), KeyringError> {
    keyring.switch(store, to, clock.now(), entropy).await
}

/// Reencrypts display copies until none is left under another key, and reports the remaining number after each batch.
/// Can be stopped at any point and resumed.
pub async fn reencrypt_all(
    store: &Store,
    keyring: &Keyring,
    clock: &Clock,
    entropy: &Entropy,
    mut tell: impl FnMut(i64),
) -> Result<(), KeyringError> {
    loop {
        let mut write = store.write(clock.now()).await?;
        let key_id = write.current_key_id().await?;
        keyring.note_current(&key_id);
        let current = current(&mut write).await?;
        let copies = write.list_display_copies_under_others(&current, AT_ONCE).await?;
        let totps = write.list_totps_under_others(&current, AT_ONCE).await?;
        let ssos = write.list_ssos_under_others(&current, AT_ONCE).await?;
        let mails = write.list_mail_under_others(&current, AT_ONCE).await?;
        let webhooks = write.list_webhook_secrets_under_others(&current, AT_ONCE).await?;
        let resealed = copies.len() + totps.len() + ssos.len() + mails.len() + webhooks.len();
        if resealed == 0 {
            return Ok(());
        }
        for copy in &copies {
            let belongs_to = SealedFor {
                account: copy.account,
                member: copy.member,
                token: copy.token,
                version: copy.version,
            };
            let sealed = keyring.reencrypt(&copy.sealed, &belongs_to.text(), entropy)?;
            write.reencrypt(copy, &sealed).await?;
        }
        for totp in &totps {
            let belongs_to = crate::factors::belongs_to(totp.user);
            let sealed = keyring.reencrypt(&totp.sealed, &belongs_to, entropy)?;
            write.reencrypt_totp(totp, &sealed).await?;
        }
        for secret in &ssos {
            let belongs_to = crate::sso::belongs_to(secret.account);
            let sealed = keyring.reencrypt(&secret.sealed, &belongs_to, entropy)?;
            write.reencrypt_sso(secret, &sealed).await?;
        }
        for (id, old) in &mails {
            let sealed = keyring.reencrypt(old, crate::mail::BELONGS_TO, entropy)?;
            write.reencrypt_mail(*id, (old, &sealed)).await?;
        }
        for secret in &webhooks {
            let belongs_to = crate::webhooks::belongs_to(secret.webhook);
            let sealed = keyring.reencrypt(&secret.sealed, &belongs_to, entropy)?;
            write.reencrypt_webhook_secret(secret, &sealed).await?;
        }
        let left = count_under_others(&mut write, &current).await?;
        let (resealed, left_over) = (Some(resealed), Some(left));
        let rotated = Event::KeyRotated { before: None, after: None, resealed, left: left_over };
        write.commit(operator_entry(rotated, key_id)).await?;
        tell(left);
    }
}
