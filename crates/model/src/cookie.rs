//! The names of the console's cookies. Cookies aren't isolated by port, so a gateway on the same host must know which
//! ones to withhold from the upstream, and two consoles on one host add the port to theirs.

/// The session cookie.
pub const SESSION_COOKIE: &str = "keydesk";
/// The cookie that recognizes a browser; it grants no access by itself.
pub const DEVICE_COOKIE: &str = "keydesk-device";
/// The cookie that identifies a browser when it returns from an identity provider.
pub const SSO_COOKIE: &str = "keydesk-sign-on";

/// Returns whether a cookie with this name belongs to this console or to another console on this host.
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
