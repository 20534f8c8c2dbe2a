//! The secret string that opens the API: make it, parse it, hash it.
//! Does no I/O, knows no account, and never prints a secret by accident.

mod base62;
mod entropy;
mod format;
mod hash;
mod plain;

pub use entropy::Entropy;
pub use format::{Kind, Prefix, PrefixError};
pub use hash::TokenHash;
pub use plain::{MalformedToken, PlainToken, SCANNER_PATTERN};
