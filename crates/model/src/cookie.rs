//! The names of the console's session cookie. Cookies do not tell ports apart, so the gateway, which
//! may share the host, must know what is not for the upstream.

/// On plain http, and on https.
pub const SESSION_COOKIES: [&str; 2] = ["keydesk", "__Host-keydesk"];

/// By which a browser is known again: opens nothing by itself.
pub const DEVICE_COOKIES: [&str; 2] = ["keydesk-device", "__Host-keydesk-device"];

/// By which a browser comes back from a provider of single sign-on.
pub const SIGN_ON_COOKIES: [&str; 2] = ["keydesk-sign-on", "__Host-keydesk-sign-on"];

/// Whether a cookie of this name is the console's.
pub fn is_console_cookie(name: &[u8]) -> bool {
    let ours = SESSION_COOKIES.iter().chain(&DEVICE_COOKIES).chain(&SIGN_ON_COOKIES);
    ours.into_iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name))
}
