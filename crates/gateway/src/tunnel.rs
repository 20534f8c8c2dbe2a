//! WebSocket (RFC 6455): forwards an upgrade and then relays bytes both ways while the request is permitted and the
//! gateway serves. Messages are not inspected, except for frame boundaries, so that a close frame can be sent between
//! two frames.

use crate::{
    io::{Io, IoHalf},
    observe::{Reason, RequestTrace},
    wire::{Buffer, Head, Kind, Noted},
};
use http::Version;
use std::{cell::RefCell, io, time::Duration};
use tokio::{io::AsyncWriteExt, time::timeout};

/// Returns whether a WebSocket upgrade is requested. Any `Upgrade` other than `websocket` in HTTP/1.1, such as h2c, is
/// dropped.
pub(crate) fn is_asked_for(head: &Head, noted: &Noted) -> bool {
    noted.has_upgrade
        && head.version == Version::HTTP_11
        && head.method == "GET"
        && noted.says(Kind::Connection, "upgrade")
        && noted.says(Kind::Upgrade, "websocket")
}

/// The reason why the gateway ends a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    GoingAway,
    NotPermitted,
}

impl End {
    /// Returns the close code (RFC 6455 section 7.4.1).
    fn status(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::NotPermitted => 1008,
        }
    }

    /// Returns whether a message in progress may finish soon. If the request is no longer permitted, it may not.
    fn goes_on(self) -> bool {
        self == Self::GoingAway
    }

    fn reason(self) -> Reason {
        match self {
            Self::GoingAway => Reason::Shutdown,
            Self::NotPermitted => Reason::PermissionEnded,
        }
    }
}

/// Both sides, with the bytes that each has sent already.
pub(crate) struct Tunnel<'a> {
    pub client: (&'a RefCell<Io>, &'a mut Buffer),
    pub upstream: (&'a RefCell<Io>, &'a mut Buffer),
}

impl Tunnel<'_> {
    /// Relays between the sides until one of them ends, or `end` resolves with a reason.
    pub async fn join(
        self,
        end: impl Future<Output = End>,
        linger: Duration,
        story: &mut RequestTrace,
    ) {
        let Self { client: (client, said), upstream: (upstream, answered) } = self;
        let mut up = Pump::new(client, upstream, said);
        let mut down = Pump::new(upstream, client, answered);
        // A side that has closed its sending half can still receive, but only for a limited time.
        let pass = async {
            tokio::select! {
                _ = up.run() => drop(timeout(linger, down.run()).await),
                _ = down.run() => drop(timeout(linger, up.run()).await),
            }
        };
        let ended = tokio::select! {
            () = pass => None,
            end = end => Some(end),
        };
        if let Some(end) = ended {
            story.is_cut(end.reason());
            let (to_client, to_upstream) =
                (close_frame(end.status(), false), close_frame(end.status(), true));
            let goodbye = async {
                let (down, up) =
                    (down.say(&to_client, end.goes_on()), up.say(&to_upstream, end.goes_on()));
                tokio::join!(down, up)
            };
            let _ = timeout(linger.min(Duration::from_secs(2)), goodbye).await;
        } else {
            story.completes();
        }
        (story.bytes_received, story.bytes_sent) = (up.passed, down.passed);
    }
}

/// One direction of a tunnel. If dropped at any point, no byte is lost or sent twice.
struct Pump<'a> {
    from: &'a RefCell<Io>,
    to: &'a RefCell<Io>,
    buffer: &'a mut Buffer,
    frames: Frames,
    passed: u64,
}

impl<'a> Pump<'a> {
    fn new(from: &'a RefCell<Io>, to: &'a RefCell<Io>, buffer: &'a mut Buffer) -> Self {
        Self { from, to, buffer, frames: Frames::default(), passed: 0 }
    }

    async fn run(&mut self) -> io::Result<()> {
        while self.step().await? {}
        IoHalf(self.to).shutdown().await
    }

    /// Writes the available bytes, or reads. Returns false at the end.
    async fn step(&mut self) -> io::Result<bool> {
        if self.buffer.is_empty() {
            return Ok(self.buffer.fill(&mut IoHalf(self.from)).await? > 0);
        }
        let count = IoHalf(self.to).write(self.buffer.filled()).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.frames.pass(&self.buffer.filled()[..count]);
        self.passed += count as u64;
        self.buffer.consume(count);
        if self.buffer.is_empty() {
            IoHalf(self.to).flush().await?;
        }
        Ok(true)
    }

    /// Sends the gateway's own frame at a frame boundary. In the middle of a frame, it does so only if the rest may
    /// still pass.
    async fn say(&mut self, frame: &[u8], goes_on: bool) -> io::Result<()> {
        while !self.frames.is_between() {
            if !goes_on {
                return Ok(());
            }
            if !self.step().await? {
                return Ok(());
            }
        }
        IoHalf(self.to).write_whole(frame).await
    }
}

/// The longest head of a frame: 2 bytes, a length of 8, and a mask of 4.
const LONGEST_HEAD: usize = 14;

/// The position of a byte stream within a frame (RFC 6455 section 5.2).
#[derive(Debug, Default)]
struct Frames {
    head: [u8; LONGEST_HEAD],
    seen: usize,
    payload: u64,
}

impl Frames {
    fn is_between(&self) -> bool {
        self.seen == 0 && self.payload == 0
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let skipped = self.payload.min(bytes.len() as u64);
                self.payload -= skipped;
                bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
                continue;
            }
            self.head[self.seen] = *first;
            self.seen += 1;
            bytes = rest;
            if self.seen >= 2 && self.seen == self.head_length() {
                self.payload = self.payload_length();
                self.seen = 0;
            }
        }
    }

    fn head_length(&self) -> usize {
        let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        mask + match self.head[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn payload_length(&self) -> u64 {
        let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |sum, b| sum << 8 | u64::from(*b));
        match self.head[1] & 0x7f {
            126 => big_endian(&self.head[2..4]),
            127 => big_endian(&self.head[2..10]),
            length => u64::from(length),
        }
    }
}

/// Returns a close frame, masked if sent to a server. The mask hides nothing, because the content is public.
fn close_frame(status: u16, is_masked: bool) -> Vec<u8> {
    const MASK: [u8; 4] = *b"kdsk";
    let [high, low] = status.to_be_bytes();
    if is_masked {
        [&[0x88, 0x82], &MASK[..], &[high ^ MASK[0], low ^ MASK[1]]].concat()
    } else {
        vec![0x88, 0x02, high, low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_frame_is_known_however_its_bytes_come() {
        let long = [&[0x82, 126, 0x01, 0x00][..], &[7; 256]].concat();
        let longest = [&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0][..], &vec![7; 65_536]].concat();
        let masked = [&[0x81, 0x85][..], b"mask", b"hello"].concat();
        for frame in [close_frame(1001, false), close_frame(1008, true), long, longest, masked] {
            for piece in [1, 2, 3, 7, frame.len()] {
                let mut frames = Frames::default();
                for (at, part) in frame.chunks(piece).enumerate() {
                    assert!(at == 0 || !frames.is_between(), "{} by {piece}", frame.len());
                    frames.pass(part);
                }
                assert!(frames.is_between(), "{} by {piece}", frame.len());
            }
        }
    }
}
