//! Secret strings that authenticate to the API: generation, parsing, and hashing. Does no I/O, has no notion of
//! accounts, and never prints a secret by accident.

mod base62;
mod entropy;
mod format;
mod hash;
mod plain;
mod redact;
mod search;

pub use entropy::Entropy;
pub use format::{Kind, Prefix, PrefixError};
pub use hash::TokenHash;
pub use plain::{MalformedToken, PlainToken, SCANNER_PATTERN};
pub use redact::without_tokens;
pub use search::{LONGEST_TOKEN, find_tokens};
