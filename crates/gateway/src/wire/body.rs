//! The end of a body (RFC 9112 section 6), and its data without framing.

use super::{Kind, Noted, ResponseHead, field::SingleHeader};
use crate::Rejection;
use http::Version;
use memchr::memchr;

/// The delimitation of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    Length(u64),
    Chunked,
    /// Ended by the end of the connection. Only for responses.
    UntilClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body's framing is broken")]
pub(crate) struct BodyError;

impl Framing {
    /// Requires one `Content-Length` of digits, one `Transfer-Encoding: chunked`, or neither. Everything else is
    /// rejected, because two servers could disagree about where the next request begins.
    pub fn of_request(noted: &Noted, version: Version) -> Result<Self, Rejection> {
        match (noted.transfer_encoding, noted.content_length) {
            (SingleHeader { count: 0, .. }, SingleHeader { count: 0, .. }) => Ok(Self::Empty),
            (SingleHeader { count: 0, .. }, SingleHeader { count: 1, first: Some(value) }) => {
                length(value).ok_or(Rejection::InvalidFraming)
            }
            (SingleHeader { count: 1, first: Some(coding) }, SingleHeader { count: 0, .. }) => {
                if version != Version::HTTP_11 {
                    Err(Rejection::InvalidFraming)
                } else if coding.eq_ignore_ascii_case(b"chunked") {
                    Ok(Self::Chunked)
                } else {
                    Err(Rejection::UnsupportedTransferCoding)
                }
            }
            _ => Err(Rejection::InvalidFraming),
        }
    }

    /// Returns the framing of a response (RFC 9112 section 6.3), and whether another response may follow on the
    /// connection.
    pub fn of_answer(
        head: &ResponseHead,
        noted: &Noted,
        asked_for_head: bool,
    ) -> Result<(Self, bool), BodyError> {
        let may_follow = head.version == Version::HTTP_11 && !noted.says(Kind::Connection, "close");
        // After the switch, another protocol follows until the end.
        if head.status == 101 {
            return Ok((Self::UntilClose, false));
        }
        let never_has_one = matches!(head.status, 204 | 304);
        if asked_for_head || never_has_one {
            // A server that wrongly sends a body may send it late, when another request waits. `HEAD` has the length
            // that `GET` would have; without one, the response to `GET` would last until the connection closes.
            let announces_body = noted.transfer_encoding.count > 0
                || noted.of_kind(Kind::ContentLength).any(|length| length != b"0")
                || !never_has_one && noted.content_length.count == 0;
            return Ok((Self::Empty, may_follow && !announces_body));
        }
        match (noted.transfer_encoding, noted.content_length) {
            (SingleHeader { count: 0, .. }, SingleHeader { count: 0, .. }) => {
                Ok((Self::UntilClose, false))
            }
            (SingleHeader { count: 0, .. }, SingleHeader { first: Some(_), .. }) => {
                // RFC 9112 section 6.3: the same length several times, in one line or in several, counts as that
                // length.
                let length_field = announced_length(noted).and_then(length);
                Ok((length_field.ok_or(BodyError)?, may_follow))
            }
            (SingleHeader { count: 1, first: Some(coding) }, lengths) => {
                if coding.eq_ignore_ascii_case(b"chunked") && head.version == Version::HTTP_11 {
                    // Both together indicate smuggling, so the connection is not reused.
                    Ok((Self::Chunked, may_follow && lengths.count == 0))
                } else {
                    Err(BodyError)
                }
            }
            _ => Err(BodyError),
        }
    }
}

/// Returns the length on which all of a response's `Content-Length` lines agree.
pub(crate) fn announced_length<'a>(noted: &Noted<'a>) -> Option<&'a [u8]> {
    let lines = || noted.of_kind(Kind::ContentLength);
    let mut all = lines().flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let first = all.next()?;
    (length(first).is_some() && all.all(|other| other == first)).then_some(first)
}

fn length(value: &[u8]) -> Option<Framing> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(if length == 0 { Framing::Empty } else { Framing::Length(length) })
}

/// The maximum length of a line between chunks.
const LONGEST_LINE: usize = 1024;
/// The maximum length of all trailers together.
const MOST_TRAILERS: usize = 8 * 1024;

/// A decoder of a body's bytes as they arrive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder {
    state: State,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Done,
}

/// The content at the start of the available bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Skip the given bytes of framing; the given length of data follows.
    Data { skip: usize, length: usize },
    /// Skip the given bytes; the rest is incomplete.
    More { skip: usize },
    /// Skip the given bytes; the body has ended there.
    End { skip: usize },
}

impl Decoder {
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Empty => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state, trailers: 0 }
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Returns whether the end of the stream is the end of the body.
    pub fn ends_with_stream(&self) -> bool {
        matches!(self.state, State::Done | State::UntilClose)
    }

    /// Decodes one step. Must be repeated with the bytes after skip and data.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, BodyError> {
        let mut skip = 0;
        loop {
            let rest = &bytes[skip..];
            match self.state {
                State::Done => return Ok(Step::End { skip }),
                State::Length(left) | State::Chunk(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    if length == 0 {
                        return Ok(Step::More { skip });
                    }
                    self.state = self.after_data(left - length as u64);
                    return Ok(Step::Data { skip, length });
                }
                State::UntilClose if rest.is_empty() => return Ok(Step::More { skip }),
                State::UntilClose => return Ok(Step::Data { skip, length: rest.len() }),
                State::ChunkSize | State::ChunkEnd | State::Trailers => {
                    let Some(line) = line(rest)? else { return Ok(Step::More { skip }) };
                    self.state = self.after_line(line)?;
                    skip += line.len() + 2;
                }
            }
        }
    }

    fn after_data(&self, left: u64) -> State {
        match (self.state, left) {
            (State::Length(_), 0) => State::Done,
            (State::Length(_), left) => State::Length(left),
            (_, 0) => State::ChunkEnd,
            (_, left) => State::Chunk(left),
        }
    }

    fn after_line(&mut self, line: &[u8]) -> Result<State, BodyError> {
        match self.state {
            State::ChunkEnd if line.is_empty() => Ok(State::ChunkSize),
            State::ChunkSize => match chunk_size(line)? {
                0 => Ok(State::Trailers),
                size => Ok(State::Chunk(size)),
            },
            State::Trailers if line.is_empty() => Ok(State::Done),
            State::Trailers => {
                self.trailers += line.len();
                let is_field =
                    line.contains(&b':') && !line.starts_with(b" ") && !line.starts_with(b"\t");
                if self.trailers > MOST_TRAILERS || !is_field {
                    return Err(BodyError);
                }
                Ok(State::Trailers)
            }
            _ => Err(BodyError),
        }
    }
}

/// Returns the first line without its `\r\n`, or `None` while it is incomplete.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, BodyError> {
    let Some(end) = memchr(b'\n', bytes) else {
        return if bytes.len() > LONGEST_LINE { Err(BodyError) } else { Ok(None) };
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or(BodyError)?;
    let is_text = line.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\t');
    if is_text && line.len() <= LONGEST_LINE { Ok(Some(line)) } else { Err(BodyError) }
}

/// Parses `1*HEXDIG [ ";" extensions ]` and drops the extensions.
fn chunk_size(line: &[u8]) -> Result<u64, BodyError> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(BodyError);
    }
    let text = std::str::from_utf8(digits).map_err(|_| BodyError)?;
    u64::from_str_radix(text, 16).map_err(|_| BodyError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes in pieces of `piece` bytes, and returns the number of remaining bytes, too.
    fn decode(framing: Framing, bytes: &[u8], piece: usize) -> Result<(Vec<u8>, usize), BodyError> {
        let (mut decoder, mut data) = (Decoder::new(framing), Vec::new());
        let (mut at, mut seen) = (0, 0);
        loop {
            match decoder.step(&bytes[at..seen])? {
                Step::Data { skip, length } => {
                    data.extend_from_slice(&bytes[at + skip..at + skip + length]);
                    at += skip + length;
                }
                Step::End { skip } => return Ok((data, bytes.len() - at - skip)),
                Step::More { skip } => {
                    at += skip;
                    if seen == bytes.len() {
                        return Err(BodyError);
                    }
                    seen = (seen + piece).min(bytes.len());
                }
            }
        }
    }

    #[test]
    fn chunks_are_joined_and_what_follows_is_left_alone() {
        let body = b"5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\nX: y\r\n\r\nGET";
        for piece in 1..body.len() {
            assert_eq!(
                decode(Framing::Chunked, body, piece),
                Ok((b"hello world".to_vec(), 3)),
                "{piece}"
            );
        }
        assert_eq!(decode(Framing::Length(3), b"abcdef", 2), Ok((b"abc".to_vec(), 3)));
    }

    #[test]
    fn t24_w10_chunk_tricks_are_rejected() {
        for body in [
            "0x1\r\na\r\n0\r\n\r\n",
            "+1\r\na\r\n0\r\n\r\n",
            "-1\r\na\r\n0\r\n\r\n",
            "1 \r\na\r\n0\r\n\r\n",
            " 1\r\na\r\n0\r\n\r\n",
            "1\na\r\n0\r\n\r\n",
            "1\r\na\n0\r\n\r\n",
            "1\r\nab\r\n0\r\n\r\n",
            "1;a\nb\r\na\r\n0\r\n\r\n",
            "1;a\rb\r\na\r\n0\r\n\r\n",
            "ffffffffffffffff1\r\na\r\n0\r\n\r\n",
            ";\r\n\r\n",
            "\r\n\r\n",
            "0\r\nno field\r\n\r\n",
            "0\r\n folded: x\r\n\r\n",
            "0\r\nA: b\n\r\n",
            "1\r\na0\r\n\r\n",
        ] {
            assert_eq!(decode(Framing::Chunked, body.as_bytes(), 1000), Err(BodyError), "{body:?}");
        }
        let endless = format!("0\r\n{}\r\n", "A: b\r\n".repeat(5_000));
        assert_eq!(decode(Framing::Chunked, endless.as_bytes(), 1000), Err(BodyError));
        let extension = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(5_000));
        assert_eq!(decode(Framing::Chunked, extension.as_bytes(), 100), Err(BodyError));
    }

    fn fields<'a>(lines: &'a [(&'a str, &'a str)]) -> Vec<crate::wire::Field<'a>> {
        let field = |(name, value): &(&'a str, &'a str)| crate::wire::Field {
            name,
            value: value.as_bytes(),
        };
        lines.iter().map(field).collect()
    }

    #[test]
    fn a_request_has_one_length_or_one_coding() {
        const CODED: (&str, &str) = ("Transfer-Encoding", "Chunked");
        let of = |lines: &[(&str, &str)], version| {
            Framing::of_request(&Noted::of(&fields(lines)), version)
        };
        let framed = |lines: &[(&str, &str)]| of(lines, Version::HTTP_11);
        let length = |value| [("Content-Length", value)];
        assert_eq!(framed(&[]), Ok(Framing::Empty));
        assert_eq!(framed(&length("0")), Ok(Framing::Empty));
        assert_eq!(framed(&length("10")), Ok(Framing::Length(10)));
        assert_eq!(
            framed(&length("9999999999999999999")),
            Ok(Framing::Length(9_999_999_999_999_999_999))
        );
        assert_eq!(framed(&[CODED]), Ok(Framing::Chunked));
        for wrong in ["", "+1", "1 ", "1,1", "0x1", "10000000000000000000"] {
            assert_eq!(framed(&length(wrong)), Err(Rejection::InvalidFraming), "{wrong}");
        }
        assert_eq!(of(&[CODED], Version::HTTP_10), Err(Rejection::InvalidFraming));
        for wrong in ["gzip", "gzip, chunked", "chunked, chunked", ""] {
            let found = framed(&[("Transfer-Encoding", wrong)]);
            assert_eq!(found, Err(Rejection::UnsupportedTransferCoding), "{wrong}");
        }
        for both in
            [&[CODED, CODED][..], &[CODED, ("Content-Length", "1")], &[("Content-Length", "1"); 2]]
        {
            assert_eq!(framed(both), Err(Rejection::InvalidFraming), "{both:?}");
        }
    }

    /// A response's framing, and whether another response may follow.
    fn answered(
        status: u16,
        lines: &[(&str, &str)],
        asked_for_head: bool,
    ) -> Option<(Framing, bool)> {
        let fields = fields(lines);
        let head = ResponseHead { status, version: Version::HTTP_11, fields: &fields };
        Framing::of_answer(&head, &Noted::of(&fields), asked_for_head).ok()
    }

    #[test]
    fn a_response_ends_as_its_head_says() {
        const CODED: (&str, &str) = ("Transfer-Encoding", "chunked");
        const THREE: (&str, &str) = ("Content-Length", "3");
        let get = |status, lines: &[(&str, &str)]| answered(status, lines, false);
        assert_eq!(get(200, &[]), Some((Framing::UntilClose, false)));
        assert_eq!(get(200, &[THREE]), Some((Framing::Length(3), true)));
        assert_eq!(
            get(200, &[THREE, ("Connection", "x, Close")]),
            Some((Framing::Length(3), false))
        );
        assert_eq!(get(200, &[THREE, THREE]), Some((Framing::Length(3), true)));
        assert_eq!(get(200, &[("Content-Length", "3, 3")]), Some((Framing::Length(3), true)));
        for lengths in [
            &[THREE, ("Content-Length", "4")][..],
            &[("Content-Length", "3, 4")],
            &[("Content-Length", "x")],
        ] {
            assert_eq!(get(200, lengths), None, "{lengths:?}");
        }
        assert_eq!(get(200, &[CODED]), Some((Framing::Chunked, true)));
        assert_eq!(get(200, &[CODED, THREE]), Some((Framing::Chunked, false)), "not reused");
        assert_eq!(get(200, &[CODED, CODED]), None);
        assert_eq!(get(200, &[("Transfer-Encoding", "gzip")]), None);
        assert_eq!(get(101, &[THREE]), Some((Framing::UntilClose, false)));
        let old = fields(&[CODED]);
        let head = ResponseHead { status: 200, version: Version::HTTP_10, fields: &old };
        assert!(
            Framing::of_answer(&head, &Noted::of(&old), false).is_err(),
            "HTTP/1.0 has no chunks"
        );
    }

    #[test]
    fn a_response_without_a_body_may_announce_none() {
        const THREE: (&str, &str) = ("Content-Length", "3");
        const NOTHING: (&str, &str) = ("Content-Length", "0");
        const CODED: (&str, &str) = ("Transfer-Encoding", "chunked");
        let follows = |status, lines: &[(&str, &str)], asked_for_head| {
            let (framing, may_follow) = answered(status, lines, asked_for_head).expect("is framed");
            assert_eq!(framing, Framing::Empty);
            may_follow
        };
        for status in [204, 304] {
            assert!(follows(status, &[], false), "{status}");
            assert!(follows(status, &[NOTHING], false), "{status}");
            assert!(!follows(status, &[THREE], false), "{status}: a body may come late");
            assert!(!follows(status, &[CODED], false), "{status}");
        }
        // A response to HEAD has the length that GET would have.
        assert!(!follows(200, &[THREE], true));
        assert!(follows(200, &[NOTHING], true));
        assert!(!follows(200, &[], true), "the response to GET would last until the end");
        assert!(!follows(200, &[CODED], true));
        assert!(follows(204, &[], true));
        assert!(!follows(204, &[("Connection", "close")], true));
    }

    #[test]
    fn all_lengths_of_a_response_agree() {
        let of = |lines: &[(&str, &str)]| {
            let fields = fields(lines);
            announced_length(&Noted::of(&fields)).map(<[u8]>::to_vec)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("Content-Length", " 12 ,12")]), Some(b"12".to_vec()));
        assert_eq!(of(&[("Content-Length", "12"), ("Content-Length", "13")]), None);
        assert_eq!(of(&[("Content-Length", "-1")]), None);
    }

    #[test]
    fn a_decoder_knows_when_it_is_done() {
        for (framing, bytes, is_done, ends) in [
            (Framing::Empty, &b""[..], true, true),
            (Framing::Length(2), b"a", false, false),
            (Framing::Length(2), b"ab", true, true),
            (Framing::UntilClose, b"ab", false, true),
            (Framing::Chunked, b"1\r\na\r\n", false, false),
            (Framing::Chunked, b"0\r\n\r\n", true, true),
        ] {
            let (mut decoder, mut at) = (Decoder::new(framing), 0);
            while let Ok(step) = decoder.step(&bytes[at..]) {
                match step {
                    Step::Data { skip, length } => at += skip + length,
                    Step::More { .. } | Step::End { .. } => break,
                }
            }
            assert_eq!(
                (decoder.is_done(), decoder.ends_with_stream()),
                (is_done, ends),
                "{framing:?}"
            );
        }
        let mut open = Decoder::new(Framing::UntilClose);
        assert_eq!(open.step(b""), Ok(Step::More { skip: 0 }));
        assert_eq!(open.step(b"ab"), Ok(Step::Data { skip: 0, length: 2 }));
    }

    #[test]
    fn lines_and_trailers_may_be_as_long_as_that() {
        let chunked = |body: String| decode(Framing::Chunked, body.as_bytes(), 10_000).is_ok();
        let extension = |length: usize| format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(length - 2));
        assert!(chunked(extension(LONGEST_LINE)) && !chunked(extension(LONGEST_LINE + 1)));
        let trailers = |length: usize| {
            let line = format!("A: {}\r\n", "x".repeat(509));
            format!("0\r\n{}B:{}\r\n\r\n", line.repeat(15), "x".repeat(length - 15 * 512 - 2))
        };
        assert!(chunked(trailers(MOST_TRAILERS)) && !chunked(trailers(MOST_TRAILERS + 1)));
        let mut decoder = Decoder::new(Framing::Chunked);
        assert_eq!(decoder.step(&[b'1'; LONGEST_LINE]), Ok(Step::More { skip: 0 }));
        assert_eq!(decoder.step(&[b'1'; LONGEST_LINE + 1]), Err(BodyError));
    }

    proptest! {
        #[test]
        fn what_is_chunked_is_decoded_to_itself(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..6), piece in 1usize..40
        ) {
            let mut bytes = Vec::new();
            for part in &parts {
                bytes.extend(format!("{:x}\r\n", part.len()).bytes());
                bytes.extend(part);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            prop_assert_eq!(decode(Framing::Chunked, &bytes, piece), Ok((parts.concat(), 0)));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic_or_take_more_than_there_is(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), Just(b'1'), any::<u8>()], 0..60)
        ) {
            let _ = decode(Framing::Chunked, &bytes, 7);
        }
    }
}
