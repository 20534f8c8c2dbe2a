//! One request on a connection to an upstream, and the head of its response.

use super::endpoint::{Endpoint, Route};
use crate::{
    io::{Io, IoHalf, SharedIo},
    observe::Reason,
    wire::{Buffer, Framing, HeadError, MOST_FIELDS, Noted, ResponseHead},
};
use std::{borrow::Cow, cell::RefCell, mem::MaybeUninit, rc::Rc, sync::Arc};

/// The largest response head accepted from an upstream.
const LARGEST_HEAD: usize = 64 * 1024;

/// A connection to an upstream.
#[derive(Debug)]
pub(crate) struct UpstreamConnection {
    pub io: SharedIo,
    pub inbox: Buffer,
    pub route: Arc<Route>,
    pub endpoint: Arc<Endpoint>,
    pub is_reused: bool,
}

/// The properties of a request that determine how its response is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangeOptions {
    pub is_head: bool,
    pub is_websocket: bool,
    /// Whether the method is idempotent (RFC 9110 section 9.2.2).
    pub may_be_repeated: bool,
}

/// The properties of a response that its head determines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseInfo {
    pub status: u16,
    pub framing: Framing,
    /// Whether another response may follow on the connection.
    pub may_follow: bool,
    /// Whether the response switches protocols (RFC 9110 section 15.2.2), if that was requested.
    pub switches: bool,
}

impl ResponseInfo {
    /// Returns whether another response follows (RFC 9110 section 15.2). 101 is final.
    pub fn is_interim(self) -> bool {
        self.status < 200 && !self.switches
    }
}

/// A response's head, borrowed from the buffer.
pub(crate) struct ResponseRead<'a> {
    pub head: ResponseHead<'a>,
    pub noted: Noted<'a>,
    pub answered: ResponseInfo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ended before any response.
    Closed,
    /// The connection ended after an interim response, so the upstream has begun to process the request.
    Lost,
    /// The bytes received are not a response, or the response ended within the head.
    Unreadable(Reason),
}

impl UpstreamConnection {
    pub fn new(io: Io, route: Arc<Route>, endpoint: Arc<Endpoint>) -> Self {
        let io = Rc::new(RefCell::new(io));
        Self { io, inbox: Buffer::default(), route, endpoint, is_reused: false }
    }

    /// Replaces the `Host` of the first server, for which requests are written, with that of this connection's server.
    pub fn address(&self, request: &mut Vec<u8>) {
        if let Cow::Owned(addressed) = self.route.addressed(request, &self.endpoint) {
            *request = addressed;
        }
    }

    /// Sends a whole request and reads the head of the response.
    pub async fn exchange<T>(
        &mut self,
        request: &[u8],
        asked: ExchangeOptions,
        read: &mut impl FnMut(&ResponseRead<'_>) -> T,
    ) -> Result<(ResponseInfo, T), Fault> {
        // A server may respond and close before it has read everything, and that response counts.
        let request = self.route.addressed(request, &self.endpoint);
        let sent = IoHalf(&self.io).write_whole(&request).await;
        match read_answer(&self.io, &mut self.inbox, asked, read).await {
            // Nothing must follow a request that was sent only partly.
            Ok((answered, framing)) => {
                let may_follow = answered.may_follow && sent.is_ok();
                Ok((ResponseInfo { may_follow, ..answered }, framing))
            }
            Err(fault) => Err(fault),
        }
    }
}

/// Reads up to the end of the final response's head, which `read` receives in the buffer.
pub(crate) async fn read_answer<T>(
    io: &RefCell<Io>,
    inbox: &mut Buffer,
    asked: ExchangeOptions,
    read: &mut impl FnMut(&ResponseRead<'_>) -> T,
) -> Result<(ResponseInfo, T), Fault> {
    let mut has_begun = false;
    loop {
        if !inbox.is_empty()
            && let Some((answered, framing, length)) = look(inbox.filled(), asked, read)?
        {
            inbox.consume(length);
            if let Some(framing) = framing {
                return Ok((answered, framing));
            }
            has_begun = true;
            continue;
        }
        if inbox.len() > LARGEST_HEAD {
            return Err(Fault::Unreadable(Reason::ResponseHeadTooLarge));
        }
        match inbox.fill(&mut IoHalf(io)).await {
            Ok(count) if count > 0 => {}
            _ if inbox.is_empty() && has_begun => return Err(Fault::Lost),
            _ if inbox.is_empty() => return Err(Fault::Closed),
            _ => return Err(Fault::Unreadable(Reason::ResponseMalformed)),
        }
    }
}

/// Returns `read`'s result for a complete head at the start of the buffer. For an interim response, it is dropped.
fn look<T>(
    bytes: &[u8],
    asked: ExchangeOptions,
    read: &mut impl FnMut(&ResponseRead<'_>) -> T,
) -> Result<Option<(ResponseInfo, Option<T>, usize)>, Fault> {
    let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let unreadable = |error| match error {
        HeadError::TooManyHeaders => Fault::Unreadable(Reason::ResponseTooManyFields),
        HeadError::Malformed => Fault::Unreadable(Reason::ResponseMalformed),
    };
    let Some((head, length)) = ResponseHead::read(bytes, &mut room).map_err(unreadable)? else {
        return Ok(None);
    };
    if length > LARGEST_HEAD {
        return Err(Fault::Unreadable(Reason::ResponseHeadTooLarge));
    }
    let noted = Noted::of(head.fields);
    let (framing, may_follow) = Framing::of_answer(&head, &noted, asked.is_head)
        .map_err(|_| Fault::Unreadable(Reason::ResponseBadFraming))?;
    let status = head.status;
    let switches = status == 101 && asked.is_websocket;
    let answered = ResponseInfo { status, framing, may_follow, switches };
    match status {
        101 if !asked.is_websocket => Err(Fault::Unreadable(Reason::ResponseMalformed)),
        100..200 if answered.is_interim() => {
            read(&ResponseRead { head, noted, answered });
            Ok(Some((answered, None, length)))
        }
        100.. => Ok(Some((answered, Some(read(&ResponseRead { head, noted, answered })), length))),
        _ => Err(Fault::Unreadable(Reason::ResponseMalformed)),
    }
}
