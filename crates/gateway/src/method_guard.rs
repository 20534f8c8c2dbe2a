//! Finds the parameter `_method`, by which some frameworks (Rails, Laravel, Spring) let a form ask for another
//! method than the one that was checked.

use crate::{
    Denial,
    wire::{Field, Noted},
};

/// The parameter, as servers compare it after folding.
const NAME: &[u8] = b"_method";
/// A name longer than this, escapes included, is another one.
const LONGEST_NAME: usize = 64;
/// As much of a multipart body as may stand before the name in its part's head.
const TAIL: usize = 64;

/// Reads the body of one form as it passes.
#[derive(Debug)]
pub(crate) enum MethodGuard {
    UrlEncoded {
        name: Vec<u8>,
        is_in_name: bool,
    },
    /// What was read last, so that a name is found across two pieces.
    Multipart(Vec<u8>),
}

/// # Errors
///
/// [`Denial::MethodOverride`] if a query has the parameter.
pub(crate) fn check_query(query: Option<&str>) -> Result<(), Denial> {
    let names = query.unwrap_or_default().split(['&', ';']);
    let is_override = |pair: &str| is_name(pair.split('=').next().unwrap_or_default().as_bytes());
    if names.into_iter().any(is_override) { Err(Denial::MethodOverride) } else { Ok(()) }
}

impl MethodGuard {
    /// Returns `None` for bodies that no framework reads the parameter from.
    pub fn of(noted: &Noted) -> Option<Self> {
        let is_type = |field: &&Field| field.name.eq_ignore_ascii_case("content-type");
        let value = noted.fields.iter().find(is_type)?.value.to_ascii_lowercase();
        if value.starts_with(b"multipart/") {
            Some(Self::Multipart(Vec::new()))
        } else if value.starts_with(b"application/x-www-form-urlencoded") {
            Some(Self::UrlEncoded { name: Vec::new(), is_in_name: true })
        } else {
            None
        }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    ///
    /// [`Denial::MethodOverride`] if the parameter is in it. The end of the body must not be sent then.
    pub fn read(&mut self, piece: &[u8]) -> Result<(), Denial> {
        let is_override = match self {
            Self::UrlEncoded { name, is_in_name } => read_form(name, is_in_name, piece),
            Self::Multipart(tail) => {
                tail.extend_from_slice(piece);
                let found = names_method(tail);
                tail.drain(..tail.len().saturating_sub(TAIL));
                found
            }
        };
        if is_override { Err(Denial::MethodOverride) } else { Ok(()) }
    }

    /// The body is over.
    ///
    /// # Errors
    ///
    /// As [`MethodGuard::read`].
    pub fn end(&self) -> Result<(), Denial> {
        match self {
            Self::UrlEncoded { name, is_in_name: true } if is_name(name) => {
                Err(Denial::MethodOverride)
            }
            _ => Ok(()),
        }
    }
}

fn read_form(name: &mut Vec<u8>, is_in_name: &mut bool, piece: &[u8]) -> bool {
    for byte in piece {
        match byte {
            b'&' | b';' | b'=' => {
                if *is_in_name && is_name(name) {
                    return true;
                }
                name.clear();
                *is_in_name = *byte != b'=';
            }
            byte if *is_in_name && name.len() < LONGEST_NAME => name.push(*byte),
            _ => {}
        }
    }
    false
}

/// As the loosest servers compare names: decoded, cut at NUL, without blanks in front; PHP turns dots, blanks,
/// and brackets into underscores.
fn is_name(raw: &[u8]) -> bool {
    let decoded = form_urlencoded::parse(raw).next().map(|(name, _)| name.into_owned());
    let decoded = decoded.unwrap_or_default();
    let name = decoded.split('\0').next().unwrap_or_default().trim_start();
    let folded = name.bytes().map(|byte| match byte {
        b'.' | b' ' | b'[' => b'_',
        byte => byte.to_ascii_lowercase(),
    });
    folded.eq(NAME.iter().copied())
}

/// Whether the head of a part could give it the name. What only looks like one in a part's content counts, too.
fn names_method(bytes: &[u8]) -> bool {
    let lower = bytes.to_ascii_lowercase();
    memchr::memmem::find_iter(&lower, &NAME[1..]).any(|at| {
        let Some((separator, before)) = lower[..at].split_last() else { return false };
        let before = before.trim_ascii_end();
        let before = before.strip_suffix(b"\"").unwrap_or(before).trim_ascii_end();
        let is_value =
            before.strip_suffix(b"=").is_some_and(|key| key.trim_ascii_end().ends_with(b"name"));
        let is_extended = before.ends_with(b"''");
        b"_. [".contains(separator) && (is_value || is_extended)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pieces: &[&str]) -> bool {
        let mut guard = MethodGuard::UrlEncoded { name: Vec::new(), is_in_name: true };
        pieces.iter().any(|piece| guard.read(piece.as_bytes()).is_err()) || guard.end().is_err()
    }

    fn multipart(pieces: &[&str]) -> bool {
        let mut guard = MethodGuard::Multipart(Vec::new());
        pieces.iter().any(|piece| guard.read(piece.as_bytes()).is_err())
    }

    #[test]
    fn t10_a_form_cannot_ask_for_another_method() {
        for pieces in [
            &["_method=DELETE"][..],
            &["a=b&_method=delete&c=d"],
            &["a=b&_me", "thod", "=put"],
            &["a=b;_METHOD=put"],
            &["%5Fmethod=put"],
            &["+_method=put"],
            &[".method=put"],
            &["_method%00x=put"],
            &["a=b&_method"],
        ] {
            assert!(form(pieces), "{pieces:?}");
        }
        for pieces in
            [&["method=put"][..], &["a=_method"], &["x_method=put"], &["_methods=put"], &[""]]
        {
            assert!(!form(pieces), "{pieces:?}");
        }
        for pieces in [
            &["--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--"][..],
            &["Content-Disposition: form-data; NAME=_method\r\n"],
            &["Content-Disposition: form-data; name = \"_me", "thod\""],
            &["Content-Disposition: form-data; name*=UTF-8''_method\r\n"],
        ] {
            assert!(multipart(pieces), "{pieces:?}");
        }
        assert!(!multipart(&["Content-Disposition: form-data; name=\"a\"\r\n\r\nthe _method is"]));
        assert!(check_query(Some("a=b&_method=PUT")).is_err() && check_query(Some("a=b")).is_ok());
    }
}
