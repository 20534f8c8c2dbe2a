//! The master key and what is derived from it: the cipher of display copies, and the secret that
//! goes into password hashes. The key lives in a file outside the database.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use keydesk_model::{AccountId, Action, Actor, MemberId, Origin, Timestamp, TokenId};
use keydesk_store::{AuditEntry, Store, StoreError};
use keydesk_token::{Entropy, PlainToken};
use sha2::Sha256;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;
const CHECK_TEXT: &[u8] = b"keydesk key check";

/// What a display copy is sealed to. A row moved elsewhere does not open there.
#[derive(Clone, Copy, Debug)]
pub struct SealedFor {
    pub account: AccountId,
    pub member: MemberId,
    pub token: TokenId,
    pub version: i64,
}

impl SealedFor {
    fn bytes(self) -> Vec<u8> {
        let Self { account, member, token, version } = self;
        format!("display|{account}|{member}|{token}|{version}").into_bytes()
    }
}

pub struct Keyring {
    key_id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
    pepper: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({})", self.key_id())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error(
        "the key file is not the one that this database was written with; put the old file back"
    )]
    WrongKey,
    #[error("the ciphertext does not belong here, or was changed")]
    Unopenable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Keyring {
    pub fn new(master: &[u8; 32]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(b"keydesk"), master);
        let mut key_id = [0; KEY_ID];
        let (mut display, mut pepper) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        for (info, out) in [
            (&b"key id v1"[..], &mut key_id[..]),
            (b"display copies v1", &mut display[..]),
            (b"password hashes v1", &mut pepper[..]),
        ] {
            hkdf.expand(info, out).expect("32 bytes are within what HKDF gives");
        }
        let cipher = XChaCha20Poly1305::new_from_slice(&display[..]).expect("the key has 32 bytes");
        Self { key_id, cipher, pepper }
    }

    /// Names the key without telling anything of it.
    pub fn key_id(&self) -> String {
        hex::encode(self.key_id)
    }

    pub(crate) fn pepper(&self) -> Zeroizing<[u8; 32]> {
        self.pepper.clone()
    }

    fn seal(&self, text: &[u8], belongs_to: &[u8], entropy: &Entropy) -> Vec<u8> {
        let nonce = entropy.bytes::<NONCE>();
        let payload = Payload { msg: text, aad: belongs_to };
        let sealed =
            self.cipher.encrypt(&nonce.into(), payload).expect("a short text can be sealed");
        [&[FORMAT][..], &self.key_id, &nonce, &sealed].concat()
    }

    fn open(&self, sealed: &[u8], belongs_to: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let (head, body) =
            sealed.split_at_checked(1 + KEY_ID + NONCE).ok_or(KeyringError::Unopenable)?;
        let (format, rest) = (head[0], &head[1..]);
        let (key_id, nonce) = rest.split_at(KEY_ID);
        if format != FORMAT || key_id != self.key_id {
            return Err(KeyringError::Unopenable);
        }
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| KeyringError::Unopenable)?;
        let payload = Payload { msg: body, aad: belongs_to };
        self.cipher
            .decrypt(&nonce.into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| KeyringError::Unopenable)
    }

    /// The display copy of a bearer token, to be stored beside its digest.
    pub fn seal_token(
        &self,
        token: &PlainToken,
        belongs_to: SealedFor,
        entropy: &Entropy,
    ) -> Vec<u8> {
        self.seal(token.expose().as_bytes(), &belongs_to.bytes(), entropy)
    }

    pub fn open_token(
        &self,
        sealed: &[u8],
        belongs_to: SealedFor,
    ) -> Result<PlainToken, KeyringError> {
        let text = self.open(sealed, &belongs_to.bytes())?;
        let text = std::str::from_utf8(&text).map_err(|_| KeyringError::Unopenable)?;
        PlainToken::parse(text).map_err(|_| KeyringError::Unopenable)
    }

    /// Refuses a database that was written with another key, before anything is harmed by it. The
    /// first key is noted.
    pub async fn check(
        &self,
        store: &Store,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<(), KeyringError> {
        let key_id = self.key_id();
        let mut write = store.write(now).await?;
        match write.find_key_check(&key_id).await? {
            Some(sealed) => {
                let text =
                    self.open(&sealed, key_id.as_bytes()).map_err(|_| KeyringError::WrongKey)?;
                if text.as_slice() == CHECK_TEXT { Ok(()) } else { Err(KeyringError::WrongKey) }
            }
            None if write.has_key_check().await? => Err(KeyringError::WrongKey),
            None => {
                let sealed = self.seal(CHECK_TEXT, key_id.as_bytes(), entropy);
                write.add_key_check(&key_id, &sealed).await?;
                let entry = AuditEntry {
                    action: Action::AddKey,
                    actor: Actor::Operator,
                    origin: Origin::default(),
                    account: None,
                    target: key_id,
                    detail: serde_json::json!({}),
                };
                Ok(write.commit(entry).await?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn t59_a_display_copy_opens_only_in_its_own_row() {
        let keyring = Keyring::new(&[7; 32]);
        let entropy = Entropy::seeded(1);
        let token = PlainToken::generate(&Prefix::default(), Kind::User, &entropy);
        let sealed = keyring.seal_token(&token, belongs_to(1), &entropy);
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
        let entropy = Entropy::seeded(1);
        let token = PlainToken::generate(&Prefix::default(), Kind::User, &entropy);
        let sealed = Keyring::new(&[7; 32]).seal_token(&token, belongs_to(1), &entropy);
        assert!(Keyring::new(&[8; 32]).open_token(&sealed, belongs_to(1)).is_err());
        assert!(Keyring::new(&[7; 32]).open_token(&sealed[..10], belongs_to(1)).is_err());
    }
}
