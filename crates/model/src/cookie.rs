//! The names of the console's session cookie. Cookies do not tell ports apart, so the gateway, which
//! may share the host, must know what is not for the upstream.

/// On plain http, and on https.
pub const SESSION_COOKIES: [&str; 2] = ["keydesk", "__Host-keydesk"];
