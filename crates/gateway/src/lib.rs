//! The data plane: forwards valid requests to the upstream and rejects all others with a reason. Reads a live table in
//! memory, contains no SQL, and never waits for a database.

mod arrival;
mod check;
mod cors;
mod endpoints;
mod forward;
mod handle;
mod headers;
mod io;
mod limit;
mod live;
mod method_guard;
mod observe;
mod permission;
mod permit;
mod present;
#[cfg(feature = "probe")]
pub mod probe;
mod rate_limit;
mod redaction;
mod rejection;
mod rewrite;
mod self_service;
mod serve;
mod settings;
mod signature;
mod spellings;
mod sunset;
mod target;
mod tunnel;
mod upstream;
mod whoami;
mod wire;
mod worker;

pub use check::{CheckRequest, Checker, Pass, is_withheld};
pub use headers::foreign_cookies;
pub use live::{LiveTable, Verified};
pub use observe::{Metrics, Reason, Record, Records};
pub use present::Presented;
pub use rejection::Rejection;
pub use self_service::{
    Question, SelfServiceAction, SelfServiceResponse, TokenService, token_service,
};
pub use serve::{Gateway, Leaver, Listeners, Running, bind};
pub use settings::{
    CorsSettings, Credential, Forms, IntrospectionClient, Limits, SelfService, Settings,
    TokenPlaces, UpstreamHost, UpstreamSettings, UpstreamTimes,
};
pub use signature::{SigningKey, SigningKeyError};
pub use spellings::Spellings;
pub use upstream::UpstreamError;
pub use wire::MOST_FIELDS;

/// One of the gateway's own responses. The upstream's are streamed.
pub(crate) type Response = http::Response<bytes::Bytes>;
