//! Token hashes, the only form in which tokens are looked up or stored for verification.

use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// The SHA-256 hash of a whole token. 190 random bits require no slow hash and no pepper, and rotating a pepper would
/// invalidate every token.
#[derive(Clone, Copy, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Compares in constant time, so that a lookup reveals nothing about how much of a digest matched.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Uses the first eight bytes of the digest, which is already uniform.
impl std::hash::Hash for TokenHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let first = self.0.first_chunk::<8>().expect("a digest has 32 bytes");
        state.write_u64(u64::from_le_bytes(*first));
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{Hash, Hasher};

    /// Keeps what is written to it.
    #[derive(Default)]
    struct Seen(Vec<u8>);

    impl Hasher for Seen {
        fn finish(&self) -> u64 {
            0
        }

        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }

    #[test]
    fn a_hash_equals_itself_and_no_hash_that_differs_in_a_bit() {
        let hash = TokenHash::of(b"text");
        assert_eq!(hash, TokenHash::from_bytes(*hash.as_bytes()));
        for bit in 0..256 {
            let mut other = *hash.as_bytes();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash, TokenHash::from_bytes(other), "{bit}");
        }
    }

    #[test]
    fn the_bytes_are_those_of_sha_256() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected: Vec<u8> = (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&abc[at..at + 2], 16).expect("hexadecimal"))
            .collect();
        assert_eq!(TokenHash::of(b"abc").as_bytes()[..], expected);
        assert_eq!(format!("{:?}", TokenHash::of(b"abc")), "TokenHash(ba78…)");
    }

    #[test]
    fn a_table_finds_it_by_its_first_bytes() {
        let mut seen = Seen::default();
        let hash = TokenHash::of(b"text");
        hash.hash(&mut seen);
        assert_eq!(seen.0, hash.as_bytes()[..8]);
    }
}
