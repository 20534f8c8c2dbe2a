//! Base62 in the alphabet `0-9A-Za-z`, without bias and without a big-number library.

use crate::Entropy;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns `N` uniform base62 characters. A byte of 248 or more is discarded, because 248 is the largest multiple of
/// 62 that fits in a byte; so every character is equally likely.
pub(crate) fn random<const N: usize>(entropy: &Entropy) -> [u8; N] {
    let mut out = [0; N];
    let mut filled = 0;
    while filled < N {
        for byte in entropy.bytes::<64>().into_iter().filter(|byte| *byte < 248) {
            if filled == N {
                break;
            }
            out[filled] = ALPHABET[usize::from(byte % 62)];
            filled += 1;
        }
    }
    out
}

/// Encodes a 32-bit number as six base62 digits, most significant first (62⁶ > 2³²).
pub(crate) fn encode_u32(mut number: u32) -> [u8; 6] {
    let mut out = [b'0'; 6];
    for digit in out.iter_mut().rev() {
        *digit = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    out
}

pub(crate) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_checksum_fits_six_digits() {
        assert_eq!(&encode_u32(u32::MAX), b"4gfFC3");
        assert_eq!(&encode_u32(0), b"000000");
    }

    #[test]
    fn every_character_of_the_alphabet_is_drawn() {
        let drawn = random::<4096>(&Entropy::seeded(1));
        assert!(ALPHABET.iter().all(|c| drawn.contains(c)));
    }

    /// 248 would make the first characters likelier than the last.
    #[test]
    fn a_byte_beyond_the_largest_multiple_is_discarded() {
        let entropy = Entropy::new(|out| {
            out.fill(248);
            out[0] = 247;
        });
        assert_eq!(&random::<3>(&entropy), b"zzz");
    }
}
