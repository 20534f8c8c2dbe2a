//! The master keys and the keys derived from them: for sealing display copies, for peppering password hashes, and for
//! signing receipts. The master keys are in a file outside the database. The database names the current one, so that
//! all nodes agree.

mod database;
pub mod rotation;

use crate::receipts::Signer;
use arc_swap::ArcSwap;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use keydesk_model::{AccountId, Actor, Event, MemberId, Origin, TokenId};
use keydesk_node::Keys;
use keydesk_store::{AuditEntry, NewKeyCheck, Sealer, StoreError, Write};
use keydesk_token::{Entropy, PlainToken};
use sha2::Sha256;
use std::{collections::BTreeMap, sync::Arc};
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;
const CHECK_TEXT: &[u8] = b"keydesk key check";

/// A master key as stored in the file.
pub type MasterKey = Zeroizing<[u8; 32]>;
type Pepper = Zeroizing<[u8; 32]>;

/// The context to which a display copy is sealed. A row that is moved elsewhere can't be opened there.
#[derive(Clone, Copy, Debug)]
pub struct SealedFor {
    pub account: AccountId,
    pub member: MemberId,
    pub token: TokenId,
    pub version: i64,
}

impl SealedFor {
    pub(crate) fn text(self) -> String {
        let Self { account, member, token, version } = self;
        format!("encrypted_copy|{account}|{member}|{token}|{version}")
    }
}

/// A master key and the keys derived from it.
pub(crate) struct Key {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
    pepper: Pepper,
    signer: Signer,
    webhook_signer: Signer,
}

/// A function that rereads the key file. Returns `None` if it can't be read now.
type Source = Arc<dyn Fn() -> Option<Vec<MasterKey>> + Send + Sync>;

pub struct Keyring {
    keys: ArcSwap<BTreeMap<String, Arc<Key>>>,
    source: Source,
    /// The ID of the key for new data, as last known to this process.
    current: ArcSwap<String>,
    /// The peppers of keys that are no longer in the file.
    old_peppers: ArcSwap<BTreeMap<String, Pepper>>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({})", self.key_ids().join(", "))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error(
        "the key file is not the one that this database was written with; put the old file back"
    )]
    WrongKey,
    #[error(
        "the key file does not hold the key {0}, which this database uses now; copy the file from a node that has it"
    )]
    Missing(String),
    #[error("the ciphertext does not belong here, or was changed")]
    Unopenable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Key {
    fn new(master: &MasterKey) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(b"keydesk"), &master[..]);
        let mut id = [0; KEY_ID];
        let mut derived = [const { [0; 32] }; 4].map(Zeroizing::new);
        let [encrypted_copies, pepper, signing, webhooks] = &mut derived;
        for (info, out) in [
            (&b"key id v1"[..], &mut id[..]),
            (b"encrypted copies v1", &mut encrypted_copies[..]),
            (b"password hashes v1", &mut pepper[..]),
            (b"receipt signatures v1", &mut signing[..]),
            (b"webhook signatures v1", &mut webhooks[..]),
        ] {
            hkdf.expand(info, out).expect("32 bytes are within what HKDF gives");
        }
        let cipher =
            XChaCha20Poly1305::new_from_slice(&encrypted_copies[..]).expect("the key has 32 bytes");
        let signer = Signer::new(&hex::encode(id), signing);
        let webhook_signer = Signer::new(&hex::encode(id), webhooks);
        Self { id, cipher, pepper: pepper.clone(), signer, webhook_signer }
    }

    fn id(&self) -> String {
        hex::encode(self.id)
    }

    fn seal(&self, text: &[u8], belongs_to: &[u8], entropy: &Entropy) -> Vec<u8> {
        let nonce = entropy.bytes::<NONCE>();
        let payload = Payload { msg: text, aad: belongs_to };
        let sealed =
            self.cipher.encrypt(&nonce.into(), payload).expect("a short text can be sealed");
        [&[FORMAT][..], &self.id, &nonce, &sealed].concat()
    }

    fn open(&self, sealed: &[u8], belongs_to: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let body = sealed.get(1 + KEY_ID..).ok_or(KeyringError::Unopenable)?;
        let (nonce, body) = body.split_first_chunk::<NONCE>().ok_or(KeyringError::Unopenable)?;
        let payload = Payload { msg: body, aad: belongs_to };
        let opened = self.cipher.decrypt(&(*nonce).into(), payload);
        opened.map(Zeroizing::new).map_err(|_| KeyringError::Unopenable)
    }

    /// Returns the record by which a database recognizes the key.
    fn check(&self, entropy: &Entropy) -> NewKeyCheck {
        let id = self.id();
        let sealed = self.seal(CHECK_TEXT, id.as_bytes(), entropy);
        NewKeyCheck { key_id: id, sealed, public_key: self.signer.public_key() }
    }

    fn seal_pepper(&self, of: &str, pepper: &Pepper, entropy: &Entropy) -> Vec<u8> {
        self.seal(&pepper[..], format!("pepper|{of}").as_bytes(), entropy)
    }

    fn open_pepper(&self, of: &str, sealed: &[u8]) -> Result<Pepper, KeyringError> {
        let opened = self.open(sealed, format!("pepper|{of}").as_bytes())?;
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| KeyringError::Unopenable)?;
        Ok(Zeroizing::new(bytes))
    }
}

impl Sealer for Keyring {
    fn seal(&self, text: &[u8]) -> Option<(String, Vec<u8>)> {
        self.seal_change(text)
    }
}

impl Keys for Keyring {
    fn key_ids(&self) -> Vec<String> {
        self.keys.load().keys().cloned().collect()
    }

    fn reload(&self) {
        let Some(masters) = (self.source)() else { return };
        let mut keys = BTreeMap::clone(&self.keys.load());
        keys.extend(ring(&masters));
        self.keys.store(Arc::new(keys));
    }

    fn note_current(&self, id: &str) {
        if !id.is_empty() && **self.current.load() != id {
            self.current.store(Arc::new(id.to_owned()));
        }
    }
}

/// Returns the ID of the key that the data was sealed under.
fn sealed_under(sealed: &[u8]) -> Option<String> {
    let (format, rest) = sealed.split_first()?;
    let id = rest.first_chunk::<KEY_ID>().filter(|_| *format == FORMAT)?;
    Some(hex::encode(id))
}

fn ring(masters: &[MasterKey]) -> BTreeMap<String, Arc<Key>> {
    masters.iter().map(Key::new).map(|key| (key.id(), Arc::new(key))).collect()
}

impl Keyring {
    /// Creates a key ring from a file, which is reread when a key is missing. The last key in it is the current one
    /// until a database names another.
    pub fn new(source: impl Fn() -> Option<Vec<MasterKey>> + Send + Sync + 'static) -> Self {
        let masters = source().unwrap_or_default();
        let current = masters.last().map(|master| Key::new(master).id()).unwrap_or_default();
        Self {
            keys: ArcSwap::from_pointee(ring(&masters)),
            source: Arc::new(source),
            current: ArcSwap::from_pointee(current),
            old_peppers: ArcSwap::default(),
        }
    }

    /// Returns whether a key is available, rereading the file if necessary.
    pub fn holds(&self, id: &str) -> bool {
        self.key(id).is_some()
    }

    fn key(&self, id: &str) -> Option<Arc<Key>> {
        if let Some(key) = self.keys.load().get(id) {
            return Some(Arc::clone(key));
        }
        self.reload();
        self.keys.load().get(id).cloned()
    }

    fn current(&self) -> Result<Arc<Key>, KeyringError> {
        let id = self.current.load();
        self.key(&id).ok_or_else(|| KeyringError::Missing(id.to_string()))
    }

    /// Signs receipts. The public key is in the database.
    pub(crate) fn sign(&self, claims: &[u8]) -> Result<String, KeyringError> {
        Ok(self.current()?.signer.sign(claims))
    }

    /// Signs a webhook.
    pub(crate) fn sign_webhook(&self, text: &[u8]) -> Result<Vec<u8>, KeyringError> {
        Ok(self.current()?.webhook_signer.sign_raw(text))
    }

    /// Returns the public key that verifies webhooks, in base64url, with its ID.
    pub(crate) fn webhook_public_key(&self) -> Result<(String, String), KeyringError> {
        let key = self.current()?;
        Ok((key.id(), key.webhook_signer.public_key()))
    }

    /// Returns the current key's ID and its signature.
    fn seal_change(&self, text: &[u8]) -> Option<(String, Vec<u8>)> {
        let current = self.current();
        let key = current.inspect_err(|error| tracing::error!(%error, "a change is not sealed"));
        let key = key.ok()?;
        Some((key.id(), key.signer.sign_raw(text)))
    }

    /// Returns the pepper for new password hashes and the ID of its key.
    pub(crate) fn pepper(&self) -> Option<(String, Pepper)> {
        let key = self.current().ok()?;
        Some((key.id(), key.pepper.clone()))
    }

    /// Returns the pepper that an older hash was created with.
    pub(crate) fn pepper_of(&self, id: &str) -> Option<Pepper> {
        if let Some(pepper) = self.old_peppers.load().get(id) {
            return Some(pepper.clone());
        }
        self.key(id).map(|key| key.pepper.clone())
    }

    /// Creates the display copy of a bearer token, which is stored with its digest.
    pub(crate) async fn seal_token(
        &self,
        write: &mut Write,
        token: &PlainToken,
        belongs_to: SealedFor,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal_secret(write, token.expose().as_bytes(), &belongs_to.text(), entropy).await
    }

    /// Seals a secret to a row, under the key that the database names in the same transaction.
    pub(crate) async fn seal_secret(
        &self,
        write: &mut Write,
        secret: &[u8],
        belongs_to: &str,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        let id = write.current_key_id().await?;
        let key = self.key(&id).ok_or_else(|| {
            tracing::error!(
                key = id,
                "the key file does not hold the current key; copy it from a node that has it"
            );
            StoreError::Unreadable { column: "head.key_id" }
        })?;
        Ok(key.seal(secret, belongs_to.as_bytes(), entropy))
    }

    /// Seals text that returns within minutes and isn't stored.
    pub(crate) fn seal_for_now(
        &self,
        text: &str,
        belongs_to: &str,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, KeyringError> {
        Ok(self.current()?.seal(text.as_bytes(), belongs_to.as_bytes(), entropy))
    }

    pub(crate) fn open_token(
        &self,
        sealed: &[u8],
        belongs_to: SealedFor,
    ) -> Result<PlainToken, KeyringError> {
        let text = self.open_secret(sealed, &belongs_to.text())?;
        let text = std::str::from_utf8(&text).map_err(|_| KeyringError::Unopenable)?;
        PlainToken::parse(text).map_err(|_| KeyringError::Unopenable)
    }

    pub(crate) fn open_secret(
        &self,
        sealed: &[u8],
        belongs_to: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let id = sealed_under(sealed).ok_or(KeyringError::Unopenable)?;
        let key = self.key(&id).ok_or(KeyringError::Missing(id))?;
        key.open(sealed, belongs_to.as_bytes())
    }

    /// Seals the same secret under the current key.
    pub(crate) fn reencrypt(
        &self,
        sealed: &[u8],
        belongs_to: &str,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, KeyringError> {
        let secret = self.open_secret(sealed, belongs_to)?;
        Ok(self.current()?.seal(&secret, belongs_to.as_bytes(), entropy))
    }
}

/// Returns an audit entry for an operation on the keys by an operator.
pub(crate) fn operator_entry(event: Event, target: String) -> AuditEntry {
    AuditEntry {
        event,
        actor: Actor::Operator { user: None },
        origin: Origin::default(),
        account: None,
        target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::Timestamp;
    use keydesk_token::{Kind, Prefix};

    fn belongs_to(version: i64) -> SealedFor {
        let entropy = Entropy::seeded(9);
        let now = Timestamp::from_micros(1);
        SealedFor {
            account: AccountId::generate(now, &entropy),
            member: MemberId::generate(now, &entropy),
            token: TokenId::generate(now, &entropy),
            version,
        }
    }

    fn key(byte: u8) -> MasterKey {
        Zeroizing::new([byte; 32])
    }

    fn sealed(token: &PlainToken, byte: u8) -> Vec<u8> {
        let text = token.expose().as_bytes();
        Key::new(&key(byte)).seal(text, belongs_to(1).text().as_bytes(), &Entropy::seeded(1))
    }

    fn keyring(byte: u8) -> Keyring {
        Keyring::new(move || Some(vec![key(byte)]))
    }

    #[test]
    fn t59_a_display_copy_opens_only_in_its_own_row() {
        let keyring = keyring(7);
        let token = PlainToken::generate(&Prefix::default(), Kind::User, &Entropy::seeded(1));
        let sealed = sealed(&token, 7);
        assert_eq!(keyring.open_token(&sealed, belongs_to(1)).expect("opens").hash(), token.hash());
        assert!(keyring.open_token(&sealed, belongs_to(2)).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keyring.open_token(&changed, belongs_to(1)).is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_key_opens_nothing() {
        let token = PlainToken::generate(&Prefix::default(), Kind::User, &Entropy::seeded(1));
        assert!(keyring(8).open_token(&sealed(&token, 7), belongs_to(1)).is_err());
        assert!(keyring(7).open_token(&sealed(&token, 7)[..10], belongs_to(1)).is_err());
    }

    #[test]
    fn a_key_that_is_added_to_the_file_is_found_when_it_is_needed() {
        let file = Arc::new(std::sync::Mutex::new(vec![key(7)]));
        let source = Arc::clone(&file);
        let keyring = Keyring::new(move || Some(source.lock().expect("not poisoned").clone()));
        let token = PlainToken::generate(&Prefix::default(), Kind::User, &Entropy::seeded(1));
        assert!(keyring.open_token(&sealed(&token, 8), belongs_to(1)).is_err());
        file.lock().expect("not poisoned").push(key(8));
        assert!(keyring.open_token(&sealed(&token, 8), belongs_to(1)).is_ok());
        file.lock().expect("not poisoned").clear();
        assert!(keyring.open_token(&sealed(&token, 7), belongs_to(1)).is_ok(), "kept in memory");
    }
}
