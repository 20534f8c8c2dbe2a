//! Randomness as a parameter: code that creates a secret receives the source of its random bits.

use std::{fmt, sync::Arc};

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// A source of random bytes. The binary passes the operating system's; tests pass a seeded one.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

impl Entropy {
    /// Creates a source. `fill` must overwrite the whole slice with unpredictable bytes.
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Returns a reproducible stream for tests and examples: SHA-256 in counter mode over `seed`.
    pub fn seeded(seed: u64) -> Self {
        use sha2::{Digest, Sha256};
        let counter = std::sync::atomic::AtomicU64::new(0);
        Self::new(move |out| {
            for chunk in out.chunks_mut(32) {
                let n = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let block =
                    Sha256::new().chain_update(seed.to_le_bytes()).chain_update(n.to_le_bytes());
                chunk.copy_from_slice(&block.finalize()[..chunk.len()]);
            }
        })
    }

    pub fn fill(&self, out: &mut [u8]) {
        (self.0)(out);
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_tells_nothing_and_a_seed_repeats() {
        assert_eq!(format!("{:?}", Entropy::seeded(1)), "Entropy");
        assert_eq!(Entropy::seeded(1).bytes::<40>(), Entropy::seeded(1).bytes::<40>());
        assert_ne!(Entropy::seeded(1).bytes::<40>(), Entropy::seeded(2).bytes::<40>());
    }
}
