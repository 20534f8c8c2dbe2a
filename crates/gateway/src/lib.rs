//! The data plane: lets valid requests through to the upstream and tells the others why not.
//! Reads a live table in memory; contains no SQL and never waits for a database.

mod arrival;
mod cors;
mod denial;
mod forward;
mod handle;
mod headers;
mod live;
mod permit;
mod present;
mod progress;
mod serve;
mod settings;
mod target;
mod tunnel;
mod verify;
mod whoami;

pub use denial::Denial;
pub use live::LiveTable;
pub use present::Presented;
pub use serve::{Gateway, Listeners, Running};
pub use settings::{Forms, Limits, Settings};
pub use verify::Verified;

use bytes::Bytes;
use http_body_util::{Either, Full};

/// Our own answers are whole; the upstream's are streamed.
pub(crate) type Body = Either<Full<Bytes>, hyper::body::Incoming>;
pub(crate) type Answer = http::Response<Body>;
