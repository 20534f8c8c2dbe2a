//! W3C Trace Context: the trace of a request, and its propagation to the upstream.

use keydesk_token::Entropy;
use std::{cell::Cell, fmt};

/// The gateway's own span of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    pub is_sampled: bool,
}

impl TraceContext {
    pub fn parts(self) -> super::TraceParts {
        (self.trace, self.span, self.parent)
    }
}

/// The value of `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace), u64::from_be_bytes(self.span));
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.is_sampled))
    }
}

/// One worker's source of ids: unique, not secret.
#[derive(Debug)]
pub(crate) struct TraceIds(Cell<u64>);

impl TraceIds {
    pub fn new(entropy: &Entropy) -> Self {
        Self(Cell::new(u64::from_le_bytes(entropy.bytes())))
    }

    /// Returns the next number of `SplitMix64` (Steele, Lea and Flood 2014), which visits each state once and is well
    /// distributed.
    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) | 1
    }

    /// Continues the caller's trace, or starts one, of which the fraction `ratio` is sampled.
    pub fn follow(&self, parent: Option<&[u8]>, ratio: f64) -> TraceContext {
        let span = self.next().to_be_bytes();
        if let Some((trace, parent, is_sampled)) = parent.and_then(parse) {
            return TraceContext { trace, span, parent: Some(parent), is_sampled };
        }
        let (high, low) = (self.next(), self.next());
        let trace = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        // The upper 32 bits as a fraction of one.
        let drawn = f64::from(u32::try_from(low >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        TraceContext { trace, span, parent: None, is_sampled: drawn < ratio }
    }
}

/// Parses version 00, or a later one that begins like it.
fn parse(value: &[u8]) -> Option<([u8; 16], [u8; 8], bool)> {
    let text = std::str::from_utf8(value).ok()?;
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.splitn(5, '-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = (version.len(), trace.len(), span.len(), flags.len());
    let is_whole = version != "00" || parts.next().is_none();
    if lengths != (2, 32, 16, 2) || version == "ff" || !is_whole {
        return None;
    }
    if ![version, trace, span, flags].into_iter().all(is_hex) {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|trace| *trace != 0)?;
    let span = u64::from_str_radix(span, 16).ok().filter(|span| *span != 0)?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some((trace.to_be_bytes(), span.to_be_bytes(), flags & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_s_trace_is_gone_on_with_and_rubbish_begins_a_new_one() {
        let ids = TraceIds::new(&Entropy::seeded(1));
        let given = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let ours = ids.follow(Some(given), 0.0);
        assert!(
            ours.is_sampled && ours.to_string().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-")
        );
        assert_eq!(ours.parent.map(u64::from_be_bytes), Some(0x00f0_67aa_0ba9_02b7));
        assert_eq!(ours.to_string().len(), given.len());
        for rubbish in [
            "",
            "00-0-0-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            let trace = ids.follow(Some(rubbish.as_bytes()), 0.0);
            assert!(trace.parent.is_none() && !trace.is_sampled, "{rubbish}");
        }
        assert!(ids.follow(None, 1.1).is_sampled);
        assert_ne!(ids.follow(None, 0.0).trace, ids.follow(None, 0.0).trace);
    }
}
