//! A hasher for keys that no client can choose: IDs, half of which is random, and account numbers.

use std::hash::Hasher;

/// A hasher that adds the two halves of an ID. One half is random, so the sum is well distributed.
#[derive(Debug, Default)]
pub(super) struct FoldedHash(u64);

impl Hasher for FoldedHash {
    fn finish(&self) -> u64 {
        // The high bits select the shard and the low ones the position in it, so both must vary even for small numbers.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.write_u64(u64::from_le_bytes(padded));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = self.0.rotate_left(29).wrapping_add(word);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.cast_unsigned() as u64);
    }
}
