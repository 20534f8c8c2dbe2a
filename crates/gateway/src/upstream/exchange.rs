//! One request on one connection to an upstream, and the head of its answer.

use super::{
    SharedIo,
    endpoint::{Endpoint, Route},
};
use crate::{
    io::{Io, IoHalf},
    observe::Reason,
    wire::{Buffer, Framing, HeadError, MOST_FIELDS, Noted, ResponseHead},
};
use std::{borrow::Cow, cell::RefCell, mem::MaybeUninit, rc::Rc, sync::Arc};

/// The largest head that an upstream may answer with.
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

/// What the answer's meaning depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangeOptions {
    pub is_head: bool,
    pub is_websocket: bool,
    /// Idempotent (RFC 9110 section 9.2.2).
    pub may_be_repeated: bool,
}

/// What is known of an answer once its head is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseInfo {
    pub status: u16,
    pub framing: Framing,
    /// Whether another answer may follow on the connection.
    pub may_follow: bool,
    /// RFC 9110 section 15.2.2, where it was asked for.
    pub switches: bool,
}

impl ResponseInfo {
    /// RFC 9110 section 15.2: another response follows. What 101 begins is final.
    pub fn is_interim(self) -> bool {
        self.status < 200 && !self.switches
    }
}

/// An answer's head while it can be looked at.
pub(crate) struct ResponseRead<'a> {
    pub head: ResponseHead<'a>,
    pub noted: Noted<'a>,
    pub answered: ResponseInfo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection ended, and nothing had come back.
    Closed,
    /// It ended after an interim response: the request has begun to be carried out.
    Lost,
    /// What came back is no response, or it broke off within the head.
    Unreadable(Reason),
}

impl UpstreamConnection {
    pub fn new(io: Io, route: Arc<Route>, endpoint: Arc<Endpoint>) -> Self {
        let io = Rc::new(RefCell::new(io));
        Self { io, inbox: Buffer::default(), route, endpoint, is_reused: false }
    }

    /// Puts the `Host` of this connection's server in the place of the first server's, with which requests are
    /// written.
    pub fn address(&self, request: &mut Vec<u8>) {
        if let Cow::Owned(addressed) = self.route.addressed(request, &self.endpoint) {
            *request = addressed;
        }
    }

    /// Sends a whole request and reads the head of the answer.
    pub async fn exchange<T>(
        &mut self,
        request: &[u8],
        asked: ExchangeOptions,
        read: &mut impl FnMut(&ResponseRead<'_>) -> T,
    ) -> Result<(ResponseInfo, T), Fault> {
        // A server may answer and close before it has read everything: the answer counts.
        let request = self.route.addressed(request, &self.endpoint);
        let sent = IoHalf(&self.io).write_whole(&request).await;
        match read_answer(&self.io, &mut self.inbox, asked, read).await {
            // What was not sent whole must not be followed by anything.
            Ok((answered, framing)) => {
                let may_follow = answered.may_follow && sent.is_ok();
                Ok((ResponseInfo { may_follow, ..answered }, framing))
            }
            Err(fault) => Err(fault),
        }
    }
}

/// Reads up to the end of the head of the final answer; `read` sees it in the buffer.
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

/// A complete head at the front, if there is one; what `read` says of an interim response is dropped.
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
