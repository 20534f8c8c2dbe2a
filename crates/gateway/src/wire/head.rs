//! The head of a request or a response, parsed strictly: input that two servers are known to read in two ways is
//! rejected.

use super::{Field, MOST_FIELDS};
use http::Version;
use memchr::memchr_iter;
use std::mem::MaybeUninit;

/// Memory for the fields of one head, on the stack of its reader.
pub(crate) type HeaderStorage<'a> = [MaybeUninit<Field<'a>>; MOST_FIELDS];

/// A request's head, borrowed from the buffer.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub method: &'a str,
    pub version: Version,
    /// The authority from absolute form or HTTP/2's `:authority`.
    pub authority: Option<&'a str>,
    /// The path and query, exactly as received.
    pub target: &'a str,
    pub fields: &'a [Field<'a>],
    /// Whether an HTTP/2 body of unknown length follows.
    pub has_unsized_body: bool,
}

#[derive(Debug)]
pub(crate) struct ResponseHead<'a> {
    pub status: u16,
    pub version: Version,
    pub fields: &'a [Field<'a>],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadError {
    #[error("not HTTP, or not in the one way that it is to be written")]
    Malformed,
    #[error("more than {MOST_FIELDS} fields")]
    TooManyHeaders,
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooManyHeaders,
            _ => Self::Malformed,
        }
    }
}

impl<'a> Head<'a> {
    /// Returns the head at the start of `bytes` and its length, or `None` while it is incomplete.
    pub fn read(
        bytes: &'a [u8],
        room: &'a mut HeaderStorage<'a>,
    ) -> Result<Option<(Self, usize)>, HeadError> {
        // RFC 9112 section 2.2: one empty line before a request is tolerated, and nothing else.
        let blank = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        let bytes = &bytes[blank..];
        if bytes.first().is_some_and(|first| !first.is_ascii_alphabetic()) {
            // A lone `\r` may still become the tolerated line.
            return if bytes == b"\r" && blank == 0 { Ok(None) } else { Err(HeadError::Malformed) };
        }
        let mut request = httparse::Request::new(&mut []);
        let length = match request.parse_with_uninit_headers(bytes, room)? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => return Ok(None),
        };
        reject_bare_line_ends(&bytes[..length])?;
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(HeadError::Malformed);
        };
        let version = if minor == 1 { Version::HTTP_11 } else { Version::HTTP_10 };
        let (authority, target) = split_target(target)?;
        let fields: &'a [Field<'a>] = request.headers;
        let head = Self { method, version, authority, target, fields, has_unsized_body: false };
        Ok(Some((head, blank + length)))
    }
}

impl<'a> ResponseHead<'a> {
    pub fn read(
        bytes: &'a [u8],
        room: &'a mut HeaderStorage<'a>,
    ) -> Result<Option<(Self, usize)>, HeadError> {
        let mut answer = httparse::Response::new(&mut []);
        // RFC 9112 section 5.1: a proxy removes spaces between a field's name and the colon from a response.
        let parsed = httparse::ParserConfig::default()
            .allow_spaces_after_header_name_in_responses(true)
            .parse_response_with_uninit_headers(&mut answer, bytes, room)?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        let (Some(status), Some(minor)) = (answer.code, answer.version) else {
            return Err(HeadError::Malformed);
        };
        let version = if minor == 1 { Version::HTTP_11 } else { Version::HTTP_10 };
        let fields: &'a [Field<'a>] = answer.headers;
        Ok(Some((Self { status, version, fields }, length)))
    }
}

/// Rejects lone line feeds: RFC 9112 allows them to end a line, so two servers may see different lines.
fn reject_bare_line_ends(head: &[u8]) -> Result<(), HeadError> {
    let is_bare = |at: usize| at == 0 || head[at - 1] != b'\r';
    if memchr_iter(b'\n', head).any(is_bare) { Err(HeadError::Malformed) } else { Ok(()) }
}

/// Splits origin form, or absolute form with its authority. `*` and authority form are not paths and fail later, when
/// paths are checked.
fn split_target(target: &str) -> Result<(Option<&str>, &str), HeadError> {
    if target.starts_with('/') {
        return Ok((None, target));
    }
    let Some((scheme, rest)) = target.split_once("://") else { return Ok((None, target)) };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(HeadError::Malformed);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    Ok((Some(authority), if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> Result<Option<(String, usize)>, HeadError> {
        let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let read = Head::read(bytes.as_bytes(), &mut room)?;
        Ok(read.map(|(head, length)| {
            let names: Vec<_> = head.fields.iter().map(|field| field.name).collect();
            let authority = head.authority.unwrap_or("-");
            (format!("{} {authority} {} {}", head.method, head.target, names.join(" ")), length)
        }))
    }

    #[test]
    fn a_head_is_read_when_it_is_all_there() {
        let head = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
        for cut in 0..head.len() {
            assert_eq!(read(&head[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(
            read(&format!("{head}more")),
            Ok(Some(("GET - /a?b=c Host A".to_owned(), head.len())))
        );
        assert_eq!(read(&format!("\r\n{head}")).map(|o| o.map(|o| o.1)), Ok(Some(head.len() + 2)));
    }

    #[test]
    fn w9_w10_what_can_be_read_in_two_ways_is_rejected() {
        for head in [
            "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\0\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET /\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "\nGET / HTTP/1.1\r\n\r\n",
            " GET / HTTP/1.1\r\n\r\n",
            "\x16\x03\x01",
            "GET ftp://x/ HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(read(head), Err(HeadError::Malformed), "{head:?}");
        }
    }

    #[test]
    fn w2_absolute_form_tells_the_authority() {
        let read = |target: &str| read(&format!("GET {target} HTTP/1.1\r\n\r\n"));
        assert_eq!(read("http://a:1/b").expect("reads").expect("all").0, "GET a:1 /b ");
        assert_eq!(read("HTTP://a").expect("reads").expect("all").0, "GET a / ");
        assert_eq!(read("*").expect("reads").expect("all").0, "GET - * ");
    }

    #[test]
    fn w13_more_fields_than_allowed_are_rejected() {
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MOST_FIELDS + 1));
        assert_eq!(read(&head), Err(HeadError::TooManyHeaders));
    }
}
