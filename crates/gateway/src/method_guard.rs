//! The detection of the parameter `_method`, by which some frameworks (Rails, Laravel, Spring) let a form select
//! another method than the one that was checked.

use crate::{
    Rejection,
    wire::{Field, Noted},
};

/// The methods that are served for every path.
pub(crate) const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// The parameter's name after its first character.
const NAME: &[u8] = b"method";
/// The first character: PHP turns dots and brackets into underscores.
const BEGINS: &[u8] = b"_.[";
/// The parameter of `Content-Disposition` that names a part, and the character that continues it (RFC 2231 section 3).
const NAMED: &[u8] = b"name*";
/// The charsets in which an ASCII letter is always the same single byte, so that the name can be found.
const CHARSETS: [&[u8]; 5] = [b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"windows-1252"];

/// A reader of one form's body as it passes.
#[derive(Debug)]
pub(crate) struct MethodGuard {
    place: Place,
    word: Word,
    escape: Escape,
}

/// An incomplete percent escape.
#[derive(Clone, Copy, Debug)]
enum Escape {
    None,
    Percent,
    Digit(u8),
}

/// The position of a parameter's name in a body.
#[derive(Debug)]
enum Place {
    /// Before the equals sign.
    UrlEncoded { is_in_name: bool },
    /// In a line that contains `name`. A line in a part's content that only looks like one counts, too.
    Multipart(Line),
    /// Anywhere, because servers could read the body in several ways.
    Unclear,
}

/// The part of a part's header line that was read.
#[derive(Debug, Default)]
struct Line {
    /// The number of characters of [`NAMED`] that were matched last.
    progress: usize,
    is_naming: bool,
    /// Whether the next byte begins another line. If it is a blank, the line continues.
    is_over: bool,
    previous: u8,
}

/// A matcher of the parameter's name as a word.
#[derive(Debug, Default)]
struct Word {
    /// The number of matched characters, including the first one.
    progress: usize,
    previous: u8,
}

/// # Errors
///
/// [`Rejection::MethodOverride`] if a query has the parameter.
pub(crate) fn check_query(query: Option<&str>) -> Result<(), Rejection> {
    let Some(query) = query else { return Ok(()) };
    let mut guard = MethodGuard::at(Place::UrlEncoded { is_in_name: true });
    guard.read(query.as_bytes())?;
    guard.end()
}

impl MethodGuard {
    /// Returns `None` for bodies that no framework reads the parameter from.
    ///
    /// # Errors
    ///
    /// [`Rejection::MethodOverride`] if the parameter could not be found in a form: it is compressed, or in a charset
    /// that writes letters in other ways.
    pub fn of(noted: &Noted) -> Result<Option<Self>, Rejection> {
        let types: Vec<_> = noted.spelled_like(b"content-type").collect();
        let place = match types[..] {
            [Field { name, value }] if name.eq_ignore_ascii_case("content-type") => {
                Place::of(&value.to_ascii_lowercase())?
            }
            // A missing type is that of a form to Rack; of two, each server takes another one.
            _ => Some(Place::Unclear),
        };
        let mut codings = noted.spelled_like(b"content-encoding");
        let is_plain = codings.all(|coding| coding.value.eq_ignore_ascii_case(b"identity"));
        match place {
            Some(_) if !is_plain => Err(Rejection::MethodOverride),
            place => Ok(place.map(Self::at)),
        }
    }

    fn at(place: Place) -> Self {
        Self { place, word: Word::default(), escape: Escape::None }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    ///
    /// [`Rejection::MethodOverride`] if the parameter is in it. The end of the body must not be sent then.
    pub fn read(&mut self, piece: &[u8]) -> Result<(), Rejection> {
        let is_override = piece.iter().any(|byte| self.finds(*byte));
        if is_override { Err(Rejection::MethodOverride) } else { Ok(()) }
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// As [`MethodGuard::read`].
    pub fn end(&mut self) -> Result<(), Rejection> {
        self.read(b"&")
    }

    fn finds(&mut self, byte: u8) -> bool {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match (std::mem::replace(&mut self.escape, Escape::None), digit(byte)) {
            (Escape::None, _) if byte == b'%' => self.escape = Escape::Percent,
            (Escape::Percent, Some(high)) => self.escape = Escape::Digit(high),
            (Escape::None, _) => return self.takes_raw(byte),
            (Escape::Digit(high), Some(low)) => return self.takes(high * 16 + low),
            // Not an escape.
            _ => return self.takes(b'%') || self.finds(byte),
        }
        false
    }

    /// Handles a byte that was not escaped and so may separate parameters.
    fn takes_raw(&mut self, byte: u8) -> bool {
        let found = self.takes(byte);
        if let Place::UrlEncoded { is_in_name } = &mut self.place {
            match byte {
                b'&' | b';' => (*is_in_name, self.word) = (true, Word::default()),
                b'=' => *is_in_name = false,
                _ => {}
            }
        }
        found
    }

    fn takes(&mut self, byte: u8) -> bool {
        let byte = byte.to_ascii_lowercase();
        match &mut self.place {
            Place::UrlEncoded { is_in_name } => *is_in_name && self.word.ends_with(byte),
            Place::Unclear => self.word.ends_with(byte),
            // A quoted pair.
            Place::Multipart(_) if byte == b'\\' => false,
            Place::Multipart(line) => {
                let is_continued = line.takes(byte);
                let ends = self.word.ends_with(byte);
                is_continued || ends && line.is_naming
            }
        }
    }
}

impl Place {
    /// Returns the position for a value of `Content-Type` in lowercase.
    fn of(value: &[u8]) -> Result<Option<Self>, Rejection> {
        let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let essence = parts.next().unwrap_or_default();
        let place = if essence.starts_with(b"multipart/") {
            Self::Multipart(Line::default())
        } else if essence.starts_with(b"application/x-www-form-urlencoded") {
            Self::UrlEncoded { is_in_name: true }
        } else if essence.contains(&b'/') && !value.contains(&b',') {
            return Ok(None);
        } else {
            Self::Unclear
        };
        let mut charsets = parts.filter_map(|part| part.strip_prefix(b"charset"));
        let is_known = charsets.all(|charset| {
            let charset = charset.trim_ascii().strip_prefix(b"=").unwrap_or(charset).trim_ascii();
            let bare = charset.strip_prefix(b"\"").and_then(|bare| bare.strip_suffix(b"\""));
            CHARSETS.contains(&bare.unwrap_or(charset))
        });
        if is_known { Ok(Some(place)) } else { Err(Rejection::MethodOverride) }
    }
}

impl Line {
    /// Returns whether a name is assembled from parts (`name*0`), which is not supported.
    fn takes(&mut self, byte: u8) -> bool {
        if std::mem::take(&mut self.is_over) && !matches!(byte, b' ' | b'\t') {
            (self.progress, self.is_naming) = (0, false);
        }
        if self.progress == NAMED.len() && byte.is_ascii_digit() {
            return true;
        }
        let goes_on = NAMED.get(self.progress) == Some(&byte)
            && (self.progress > 0 || !is_of_name(self.previous));
        self.progress = if goes_on { self.progress + 1 } else { 0 };
        self.is_naming |= self.progress + 1 >= NAMED.len();
        self.is_over = byte == b'\n';
        self.previous = byte;
        false
    }
}

impl Word {
    /// Returns whether the name was complete before this byte, which is not part of it.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.progress > NAME.len() && !is_of_name(byte) {
            return true;
        }
        let goes_on = self.progress > 0 && NAME.get(self.progress - 1) == Some(&byte);
        let begins = BEGINS.contains(&byte) && !is_of_name(self.previous);
        self.progress = if goes_on { self.progress + 1 } else { usize::from(begins) };
        self.previous = byte;
        false
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a request with these headers and this body is rejected, for every way to split the body in two.
    fn is_rejected(fields: &[(&str, &str)], body: &str) -> bool {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| Field { name, value: value.as_bytes() }).collect();
        let noted = Noted::of(&fields);
        let mut verdicts = (0..=body.len()).map(|at| {
            let mut guard = match MethodGuard::of(&noted) {
                Ok(guard) => guard?,
                Err(_) => return Some(true),
            };
            let (first, second) = body.as_bytes().split_at(at);
            Some([guard.read(first), guard.read(second), guard.end()].iter().any(Result::is_err))
        });
        let action = verdicts.next().expect("there is one");
        assert!(verdicts.all(|other| other == action), "{body} is read alike in all pieces");
        action.unwrap_or(false)
    }

    const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
    const PARTS: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=x");

    #[test]
    fn t10_a_form_cannot_ask_for_another_method() {
        let blanks = format!("{}_method=DELETE", "+".repeat(70));
        for body in [
            "_method=DELETE",
            "a=b&_method=delete&c=d",
            "a=b;_METHOD=put",
            "%5Fmethod=put",
            "%5fm%65thod=put",
            "+_method=put",
            ".method=put",
            "[method=put",
            "[_method]=DELETE",
            "_method]=DELETE",
            "_method%00x=put",
            "a=b&_method",
            &blanks,
        ] {
            assert!(is_rejected(&[FORM], body), "{body}");
        }
        for body in
            ["method=put", "a=_method", "x_method=put", "_methods=put", "a=%&x[method]=y", ""]
        {
            assert!(!is_rejected(&[FORM], body), "{body}");
        }
        assert!(check_query(Some("a=b&_method=PUT")).is_err() && check_query(Some("a=b")).is_ok());
    }

    #[test]
    fn t10_a_part_of_a_form_cannot_ask_for_another_method() {
        let blanks = format!("name=\"{}_method\"", " ".repeat(100));
        for parameters in [
            "name=\"_method\"\r\n\r\nDELETE\r\n--x--",
            "NAME=_method\r\n",
            "name = \"_method\"",
            "name*=UTF-8''_method\r\n",
            "name*=UTF-8''%5Fmethod\r\n",
            "name='_method'",
            "name=\"_me\\thod\"",
            "name=\"\\_method\"",
            "name=\"[_method]\"",
            "name=\r\n \"_method\"",
            "name*0=\"_me\"; name*1=\"thod\"",
            &blanks,
        ] {
            let body = format!("--x\r\nContent-Disposition: form-data; {parameters}");
            assert!(is_rejected(&[PARTS], &body), "{body}");
        }
        for parameters in [
            "name=\"a\"\r\n\r\nthe _method is",
            "name=\"a\"; filename=\"b\"\r\n\r\n_method",
            "name=\"a\"; filename*0=\"long\"",
        ] {
            let body = format!("--x\r\nContent-Disposition: form-data; {parameters}");
            assert!(!is_rejected(&[PARTS], &body), "{body}");
        }
    }

    #[test]
    fn t10_a_form_is_found_by_whatever_a_server_could_take_for_its_type() {
        const BODY: &str = "_method=DELETE";
        let text = ("Content-Type", "text/plain");
        for fields in [
            &[][..],
            &[("Content-Type", "")],
            &[("Content-Type", "form")],
            &[text, ("Connection", "Content-Type")],
            &[("Content_Type", "text/plain")],
            &[text, ("Content.Type", FORM.1)],
            &[text, FORM],
            &[("Content-Type", "text/plain, application/x-www-form-urlencoded")],
            &[FORM, ("Content-Encoding", "gzip")],
            &[("Content-Type", "application/x-www-form-urlencoded; charset=utf-16le")],
            &[("Content-Type", "multipart/form-data; boundary=x; charset = utf-7")],
        ] {
            assert!(is_rejected(fields, BODY), "{fields:?}");
        }
        for fields in [
            &[text][..],
            &[("Content-Type", "application/json; charset=utf-16")],
            &[("Content-Type", "application/octet-stream"), ("Content-Encoding", "gzip")],
        ] {
            assert!(!is_rejected(fields, BODY), "{fields:?}");
        }
        let known = "application/x-www-form-urlencoded; charset=\"UTF-8\"";
        assert!(!is_rejected(&[("Content-Type", known)], "a=b"));
    }
}
