//! The names of the console's cookies. Cookies do not tell ports apart, so the gateway, which may share the host, must
//! know what is not for the upstream, and two consoles on one host name theirs by port.

/// A session.
pub const SESSION_COOKIE: &str = "keydesk";
/// By which a browser is known again: opens nothing by itself.
pub const DEVICE_COOKIE: &str = "keydesk-device";
/// By which a browser comes back from a provider of single sign-on.
pub const SSO_COOKIE: &str = "keydesk-sign-on";

/// Whether a cookie of this name is the console's, or that of another console on this host.
pub fn is_console_cookie(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let bare = name.strip_prefix(b"__host-").unwrap_or(&name);
    let rest = bare.strip_prefix(SESSION_COOKIE.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_ours_is_ours_and_no_other() {
        for name in
            ["keydesk", "keydesk-8080", "__Host-keydesk", "keydesk-device", "KEYDESK-SIGN-ON-8080"]
        {
            assert!(is_console_cookie(name.as_bytes()), "{name}");
        }
        for name in ["key", "keydesks", "my-keydesk", "__Secure-session", ""] {
            assert!(!is_console_cookie(name.as_bytes()), "{name}");
        }
    }
}
