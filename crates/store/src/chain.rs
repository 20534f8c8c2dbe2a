//! The chain of digests over all changes.

use sha2::{Digest, Sha256};

/// Returns the digest of a change and of all changes before it.
pub(crate) fn chain(before: &str, seq: i64, body: &str) -> String {
    hex::encode(Sha256::digest(format!("{before}|{seq}|{body}")))
}
