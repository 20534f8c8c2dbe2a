//! Time-based one-time codes (RFC 6238): SHA-1, six digits, and 30 seconds, which every authenticator app supports.

use data_encoding::BASE32_NOPAD;
use keydesk_model::{Email, Timestamp};
use qrcode::{QrCode, render::svg};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// A key in the forms that an authenticator app imports.
pub(crate) struct Authenticator {
    /// The key in groups of four letters, for manual entry.
    pub typed: Zeroizing<String>,
    /// The QR code as SVG.
    pub picture: Zeroizing<String>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticator")
    }
}

impl Authenticator {
    pub fn new(key: &[u8], email: &Email, console_url: &str) -> Self {
        let secret = Zeroizing::new(BASE32_NOPAD.encode(key));
        let host = console_url.split_once("://").map_or(console_url, |(_, host)| host);
        let encoded = |text: &str| -> String {
            form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
        };
        let (issuer, user) = (encoded(&format!("Keydesk {host}")), encoded(email.as_str()));
        let url = Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{user}?secret={}&issuer={issuer}",
            secret.as_str()
        ));
        let picture = QrCode::new(url.as_bytes()).map(|code| {
            let svg = code.render::<svg::Color>().min_dimensions(220, 220).build();
            // The SVG is embedded in HTML, so it can't have an XML declaration.
            svg.split_once("?>").map_or(svg.clone(), |(_, svg)| svg.to_owned())
        });
        let groups: Vec<_> = secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        Self {
            typed: Zeroizing::new(groups.join(" ")),
            picture: Zeroizing::new(picture.unwrap_or_default()),
        }
    }
}

fn totp(key: &[u8]) -> Option<Totp> {
    Builder::new().with_secret(key.to_vec()).with_skew(1).build().ok()
}

/// Returns the time step of a current code. The previous and next steps are also accepted, because clocks differ.
pub(super) fn step_of(key: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = u64::try_from(now.as_micros().div_euclid(1_000_000)).ok()?;
    totp(key)?.check(code, seconds).and_then(|step| i64::try_from(step).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// Checks the test vectors of RFC 6238, appendix B, truncated to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(step_of(key, code, at(seconds)), Some(seconds / 30), "{seconds}");
            assert_eq!(step_of(key, code, at(seconds + 30)), Some(seconds / 30), "a step late");
            assert_eq!(step_of(key, code, at(seconds + 90)), None, "three late");
        }
        for wrong in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(step_of(key, wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn an_authenticator_gets_the_key_in_letters_and_as_a_picture() {
        let email = "ann+x@acme.example".parse().expect("an address");
        let made = Authenticator::new(&[0; 20], &email, "https://console.example");
        assert_eq!(made.typed.as_str(), "AAAA AAAA AAAA AAAA AAAA AAAA AAAA AAAA");
        assert!(made.picture.starts_with("<svg") && !made.picture.contains("style="));
    }
}
