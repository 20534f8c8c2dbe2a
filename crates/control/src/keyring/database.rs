//! The consistency between the key ring and a database: whether they belong together, and which key is current.

use super::{CHECK_TEXT, Key, Keyring, KeyringError, operator_entry, sealed_under};
use keydesk_model::{Event, Timestamp, audit::KeyDetail};
use keydesk_node::Keys;
use keydesk_store::{KeyCheck, Store, Write};
use keydesk_token::Entropy;
use std::{collections::BTreeMap, sync::Arc};

impl Key {
    /// Returns whether the check was sealed under this key.
    fn proves(&self, check: &KeyCheck) -> bool {
        let text = self.open(&check.sealed, check.key_id.as_bytes());
        text.is_ok_and(|text| text.as_slice() == CHECK_TEXT)
    }
}

impl Keyring {
    /// Rejects a database that was written with other keys before it can be damaged, and records the first key.
    pub async fn check(
        &self,
        store: &Store,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<(), KeyringError> {
        let mut write = store.write(now).await?;
        let current = write.current_key_id().await?;
        if current.is_empty() {
            return self.note_first(write, entropy).await;
        }
        for check in write.list_key_checks().await? {
            let Some(key) = self.key(&check.key_id) else { continue };
            if !key.proves(&check) {
                return Err(KeyringError::WrongKey);
            }
            if check.public_key.is_empty() {
                write.set_public_key(&check.key_id, &key.signer.public_key()).await?;
            }
        }
        if !self.holds(&current) {
            let knows_another = !self.key_ids().is_empty();
            return Err(if knows_another {
                KeyringError::WrongKey
            } else {
                KeyringError::Missing(current)
            });
        }
        self.note_current(&current);
        self.load_peppers(&mut write).await?;
        Ok(write.keep().await?)
    }

    /// Checks that the data in a database can be opened with these keys, without changing anything.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Missing`] names the key that it was written with.
    pub async fn opens(&self, store: &Store) -> Result<(), KeyringError> {
        let mut read = store.read().await?;
        let current = read.current_key_id().await?;
        let Some(key) = self.key(&current) else { return Err(KeyringError::Missing(current)) };
        let checks = read.list_key_checks().await?;
        let check = checks.into_iter().find(|check| check.key_id == current);
        if check.is_some_and(|check| key.proves(&check)) {
            Ok(())
        } else {
            Err(KeyringError::WrongKey)
        }
    }

    async fn note_first(&self, mut write: Write, entropy: &Entropy) -> Result<(), KeyringError> {
        if write.has_key_check().await? {
            return Err(KeyringError::WrongKey);
        }
        let key = self.current()?;
        write.add_key_check(&key.check(entropy)).await?;
        write.set_current_key_id(&key.id()).await?;
        write.commit(operator_entry(Event::KeyAdded {}, key.id())).await?;
        Ok(())
    }

    /// Loads the peppers of removed keys from the database, where they are sealed under the current key.
    async fn load_peppers(&self, write: &mut Write) -> Result<(), KeyringError> {
        let mut peppers = BTreeMap::new();
        for check in write.list_key_checks().await? {
            if let Some(sealed) = &check.pepper {
                let id = sealed_under(sealed).ok_or(KeyringError::Unopenable)?;
                let key = self.key(&id).ok_or(KeyringError::Missing(id))?;
                peppers.insert(check.key_id.clone(), key.open_pepper(&check.key_id, sealed)?);
            }
        }
        self.old_peppers.store(Arc::new(peppers));
        Ok(())
    }

    /// Makes `id` the current key and seals the peppers of all others under it, in one transaction, after which only
    /// display copies still need the previous key.
    pub(crate) async fn switch(
        &self,
        store: &Store,
        id: &str,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<(), KeyringError> {
        let key = self.key(id).ok_or_else(|| KeyringError::Missing(id.to_owned()))?;
        let mut write = store.write(now).await?;
        let before = write.current_key_id().await?;
        write.add_key_check(&key.check(entropy)).await?;
        for check in write.list_key_checks().await?.iter().filter(|check| check.key_id != id) {
            let pepper = self.pepper_of(&check.key_id);
            let pepper = pepper.ok_or_else(|| KeyringError::Missing(check.key_id.clone()))?;
            let sealed = key.seal_pepper(&check.key_id, &pepper, entropy);
            write.set_sealed_pepper(&check.key_id, &sealed).await?;
        }
        write.set_current_key_id(id).await?;
        self.load_peppers(&mut write).await?;
        let rotated = Event::KeyRotated {
            before: Some(KeyDetail { key: before }),
            after: Some(KeyDetail { key: id.to_owned() }),
            resealed: None,
            left: None,
        };
        write.commit(operator_entry(rotated, id.to_owned())).await?;
        self.note_current(id);
        Ok(())
    }
}
