//! Tokens in a stream of bytes, with their lines and columns. Text in UTF-16, which Windows programs write, is read, too.

use super::finding::Finding;
use keydesk_token::{LONGEST_TOKEN, PlainToken, find_tokens};
use std::io::{self, Read};

/// The number of bytes that are searched at a time.
const BLOCK: usize = 256 * 1024;

/// Finds the tokens in a file, and in its name.
pub fn find(path: &str, mut reader: impl Read) -> io::Result<Vec<Finding>> {
    let mut start = Vec::with_capacity(2);
    (&mut reader).take(2).read_to_end(&mut start)?;
    let in_name = find_in(path, path.as_bytes())?.into_iter().map(Finding::in_name);
    let in_text = match start.as_slice() {
        [0xff, 0xfe] => find_in(path, Utf16 { reader, high: 1 })?,
        [0xfe, 0xff] => find_in(path, Utf16 { reader, high: 0 })?,
        _ => find_in(path, start.as_slice().chain(reader))?,
    };
    Ok(in_name.chain(in_text).collect())
}

fn find_in(path: &str, mut reader: impl Read) -> io::Result<Vec<Finding>> {
    let mut found = Vec::new();
    let (mut line, mut column) = (1, 1);
    // The bytes that aren't searched completely.
    let mut bytes = Vec::with_capacity(BLOCK + LONGEST_TOKEN);
    loop {
        let read = (&mut reader).take(BLOCK as u64).read_to_end(&mut bytes)?;
        let mut done = 0;
        for place in find_tokens(&bytes) {
            advance(&bytes[done..place.start], &mut line, &mut column);
            let token = std::str::from_utf8(&bytes[place.clone()]).ok();
            if let Some(token) = token.and_then(|token| PlainToken::parse(token).ok()) {
                found.push(Finding::new(path, (line, column), &token));
            }
            done = place.start;
            advance(&bytes[place.clone()], &mut line, &mut column);
            done += place.len();
        }
        // A token may continue in the next block.
        let kept = if read == 0 { bytes.len() } else { bytes.len().saturating_sub(LONGEST_TOKEN) };
        if kept > done {
            advance(&bytes[done..kept], &mut line, &mut column);
            done = kept;
        }
        bytes.drain(..done);
        if read == 0 {
            return Ok(found);
        }
    }
}

/// Moves the position past some bytes.
fn advance(bytes: &[u8], line: &mut usize, column: &mut usize) {
    for byte in bytes {
        if *byte == b'\n' {
            (*line, *column) = (*line + 1, 1);
        } else if byte & 0b1100_0000 != 0b1000_0000 {
            // The first byte of a character.
            *column += 1;
        }
    }
}

/// Text in UTF-16, as one byte for each unit. No token contains other characters than ASCII.
struct Utf16<R> {
    reader: R,
    /// The place of a unit's high byte: 0 if it comes first, else 1.
    high: usize,
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut units = vec![0; buffer.len().min(BLOCK) * 2];
        let mut filled = 0;
        // A unit may be read in two parts.
        while filled < units.len() {
            match self.reader.read(&mut units[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        let whole = units[..filled].as_chunks::<2>().0;
        for (byte, unit) in buffer.iter_mut().zip(whole) {
            let is_ascii = unit[self.high] == 0 && unit[1 - self.high].is_ascii();
            *byte = if is_ascii { unit[1 - self.high] } else { b'?' };
        }
        Ok(whole.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::{Entropy, Kind, Prefix};

    fn token() -> String {
        let plain = PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(9));
        plain.expose().to_owned()
    }

    fn places(bytes: &[u8]) -> Vec<(usize, usize)> {
        let found = find("f", bytes).expect("reads");
        found.iter().map(|finding| (finding.line, finding.column)).collect()
    }

    #[test]
    fn f13_a_token_is_found_at_every_place_of_a_block() {
        let token = token();
        for before in (0..3).chain(BLOCK - 60..BLOCK + 60).chain([2 * BLOCK - 20, 3 * BLOCK]) {
            let text = format!("{}{token}\nx {token}", "-".repeat(before));
            assert_eq!(places(text.as_bytes()), [(1, before + 1), (2, 3)], "{before}");
        }
        assert_eq!(places(format!("ü€ {token}").as_bytes()), [(1, 4)]);
        let lines = format!("{}{token}", "line\n".repeat(BLOCK));
        assert_eq!(places(lines.as_bytes()), [(BLOCK + 1, 1)]);
        assert!(places(b"").is_empty() && places(b"k").is_empty());
    }

    #[test]
    fn f13_a_file_in_utf_16_is_read() {
        let text = format!("\u{feff}Schlüssel:\r\n  {}\r\n", token());
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(places(&little), [(2, 3)]);
        assert_eq!(places(&big), [(2, 3)]);
        assert_eq!(places(&[&little[..], &[7]].concat()), [(2, 3)]);
    }
}
