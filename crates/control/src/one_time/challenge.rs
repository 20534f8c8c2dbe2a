//! One-time state that a browser holds for a few minutes, such as a passkey challenge or a redirect to an identity
//! provider. It is sealed, so it can't be read or changed, and nothing is written to the database before it returns.

use crate::{AppState, Keyring, KeyringError, one_time::codes, sessions::SessionSecret};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keydesk_model::Timestamp;
use keydesk_store::{StoreError, Write};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

#[derive(Deserialize, Serialize)]
struct Carried<T> {
    what: T,
    until: i64,
}

/// Seals a value that is accepted only for the same `belongs_to`.
pub(crate) fn seal<T: Serialize>(
    app: &AppState,
    belongs_to: &str,
    what: T,
    lasts: Duration,
) -> Result<SessionSecret, KeyringError> {
    let carried = Carried { what, until: app.now().plus(lasts).as_micros() };
    let text = serde_json::to_string(&carried).expect("it has string keys only");
    let sealed = app.keyring.seal_for_now(&text, belongs_to, &app.entropy)?;
    Ok(SessionSecret::new(URL_SAFE_NO_PAD.encode(sealed)))
}

/// A value that was returned in time.
pub(crate) struct Back<T> {
    pub what: T,
    hash: [u8; 32],
    until: Timestamp,
}

/// Returns `None` if the value was not sealed here, belongs to another user, or has expired.
pub(crate) fn open<T: DeserializeOwned>(
    app: &AppState,
    belongs_to: &str,
    text: &str,
) -> Option<Back<T>> {
    open_at(&app.keyring, app.now(), belongs_to, text)
}

fn open_at<T: DeserializeOwned>(
    keyring: &Keyring,
    now: Timestamp,
    belongs_to: &str,
    text: &str,
) -> Option<Back<T>> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let opened = keyring.open_secret(&sealed, belongs_to).ok()?;
    let Carried { what, until } = serde_json::from_slice(&opened).ok()?;
    let until = Timestamp::from_micros(until);
    (until > now).then(|| Back { what, hash: codes::digest(text), until })
}

impl<T> Back<T> {
    /// Consumes the value, which works once. Returns `None` if it was already consumed.
    pub async fn take(self, write: &mut Write) -> Result<Option<T>, StoreError> {
        Ok(write.spend_challenge(self.hash, self.until).await?.then_some(self.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::Entropy;
    use zeroize::Zeroizing;

    #[test]
    fn a_challenge_opens_for_whom_it_was_made_and_in_time() {
        let keyring = Keyring::new(|| Some(vec![Zeroizing::new([7; 32])]));
        let text = serde_json::to_string(&Carried { what: "state", until: 9 }).expect("JSON");
        let sealed = keyring.seal_for_now(&text, "ann", &Entropy::seeded(1)).expect("seals");
        let carried = URL_SAFE_NO_PAD.encode(&sealed);
        let open = |now, belongs_to: &str, text: &str| {
            let back = open_at::<String>(&keyring, Timestamp::from_micros(now), belongs_to, text);
            back.map(|back| back.what)
        };
        assert_eq!(open(3, "ann", &carried).as_deref(), Some("state"));
        assert_eq!(open(9, "ann", &carried), None, "its time");
        assert_eq!(open(3, "bob", &carried), None, "of somebody else");
        assert_eq!(open(3, "ann", &carried[1..]), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(3, "ann", &URL_SAFE_NO_PAD.encode(&changed)), None, "byte {at}");
        }
    }
}
