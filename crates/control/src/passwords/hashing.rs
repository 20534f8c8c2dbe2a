//! Argon2id with a secret from the key file, in a limited number of threads, so that many simultaneous logins only
//! delay other requests.

use super::Password;
use crate::Keyring;
use argon2::{Algorithm, Argon2, Params, Version};
use keydesk_token::Entropy;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// OWASP's minimum: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The number of concurrent hashes, and of requests that can wait for one.
const AT_ONCE: usize = 2;
const WAITING: usize = 64;

pub(crate) struct PasswordHashing {
    keyring: Arc<Keyring>,
    /// A placeholder hash, checked if there is no user, so that it takes the same time.
    nobody: String,
    queue: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// The number of computed hashes.
    #[cfg(test)]
    pub computed: std::sync::atomic::AtomicUsize,
}

impl std::fmt::Debug for PasswordHashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHashing")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being hashed")]
pub(crate) struct TooBusy;

impl PasswordHashing {
    pub fn new(keyring: Arc<Keyring>, entropy: &Entropy) -> Self {
        let (key_id, pepper) = keyring.pepper().unwrap_or_default();
        let nobody = compute(&pepper, &key_id, &entropy.bytes::<32>(), &entropy.bytes());
        Self {
            keyring,
            nobody,
            queue: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            #[cfg(test)]
            computed: std::sync::atomic::AtomicUsize::default(),
        }
    }

    /// Returns the hash to store: `argon2id$<key id>$m=…,t=…,p=…$<salt>$<hash>`, both in hexadecimal.
    pub async fn hash(&self, password: Password, entropy: &Entropy) -> Result<String, TooBusy> {
        let (key_id, pepper) = self.keyring.pepper().ok_or(TooBusy)?;
        let salt = entropy.bytes();
        self.in_turn(move || compute(&pepper, &key_id, password.bytes(), &salt)).await
    }

    /// Returns whether a hash was made with a key that is no longer the current one.
    pub fn is_dated(&self, stored: &str) -> bool {
        let current = self.keyring.pepper().map(|(key_id, _)| key_id);
        current.is_some_and(|key_id| stored.split('$').nth(1) != Some(&key_id))
    }

    /// Returns whether `password` matches `stored`. Without a stored hash, it takes the same time and returns `false`.
    pub async fn verify(&self, password: Password, stored: Option<&str>) -> Result<bool, TooBusy> {
        let is_someone = stored.is_some();
        let stored = stored.unwrap_or(&self.nobody).to_owned();
        // A hash with a key that is no longer available matches nothing, and takes the same time.
        let key_id = stored.split('$').nth(1).unwrap_or_default();
        let pepper = self.keyring.pepper_of(key_id).unwrap_or_default();
        let fits = self.in_turn(move || fits(&pepper, password.bytes(), &stored)).await?;
        Ok(fits && is_someone)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TooBusy> {
        let _place = self.queue.try_acquire().map_err(|_| TooBusy)?;
        #[cfg(test)]
        self.computed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| TooBusy)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|_| TooBusy)
    }
}

fn argon2(pepper: &[u8; 32]) -> Argon2<'_> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("OWASP's parameters are valid");
    Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params)
        .expect("32 bytes are a valid secret")
}

fn compute(pepper: &[u8; 32], key_id: &str, password: &[u8], salt: &[u8; 16]) -> String {
    let mut out = Zeroizing::new([0; 32]);
    argon2(pepper).hash_password_into(password, salt, &mut out[..]).expect("the lengths are valid");
    format!(
        "argon2id${key_id}$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
        hex::encode(salt),
        hex::encode(&out[..])
    )
}

/// Computes the hash again with the stored salt and compares in constant time. A stored hash in another format never
/// matches.
fn fits(pepper: &[u8; 32], password: &[u8], stored: &str) -> bool {
    let mut parts = stored.split('$');
    let (Some(_), Some(key_id), Some(_), Some(salt)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let mut salt_bytes = [0; 16];
    if hex::decode_to_slice(salt, &mut salt_bytes).is_err() {
        return false;
    }
    compute(pepper, key_id, password, &salt_bytes).as_bytes().ct_eq(stored.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn keyring(byte: u8) -> Arc<Keyring> {
        Arc::new(Keyring::new(move || Some(vec![Zeroizing::new([byte; 32])])))
    }

    #[tokio::test]
    async fn p2_p8_the_whole_password_and_the_key_count() {
        let entropy = Entropy::seeded(1);
        let hashing = PasswordHashing::new(keyring(1), &entropy);
        let long = "x".repeat(199);
        let stored =
            hashing.hash(Password::typed(&format!("{long}a")), &entropy).await.expect("hashes");
        let verify = async |hashing: &PasswordHashing, last: &str| {
            hashing
                .verify(Password::typed(&format!("{long}{last}")), Some(&stored))
                .await
                .expect("verifies")
        };
        assert!(verify(&hashing, "a").await);
        assert!(!verify(&hashing, "b").await);
        let other_key = PasswordHashing::new(keyring(2), &entropy);
        assert!(!verify(&other_key, "a").await);
        assert!(!hashing.verify(Password::typed("x"), None).await.expect("verifies"));
    }

    /// While two are hashed, 64 can wait, and further requests are rejected.
    #[tokio::test]
    async fn t79_the_queue_is_bounded() {
        let entropy = Entropy::seeded(1);
        let hashing = PasswordHashing::new(keyring(1), &entropy);
        let hashed = || hashing.hash(Password::typed("a password"), &entropy);
        let turns = Arc::clone(&hashing.turns).acquire_many_owned(2).await.expect("both turns");
        let mut waiting: Vec<_> = (0..AT_ONCE + WAITING).map(|_| Box::pin(hashed())).collect();
        for hash in &mut waiting {
            assert!(hash.as_mut().now_or_never().is_none());
        }
        assert!(matches!(hashed().await, Err(TooBusy)));
        drop(turns);
        for hash in waiting {
            hash.await.expect("has its turn");
        }
        hashed().await.expect("there is room again");
    }
}
