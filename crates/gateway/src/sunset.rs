//! The headers for clients that still use a previous secret: since when it is deprecated (RFC 9745), from when it is
//! rejected (RFC 8594), and where to get a new one.

use crate::{settings::Settings, wire::http_date};
use keydesk_model::{Closing, TokenId};
use std::sync::Arc;

pub(crate) fn announce(
    (token, closing): (TokenId, Closing),
    settings: &Settings,
    added: &mut Vec<(&'static str, Arc<str>)>,
) {
    let since = closing.since.as_micros().div_euclid(1_000_000);
    added.push(("deprecation", format!("@{since}").into()));
    added.push(("sunset", http_date(closing.at).into()));
    added.push((
        "link",
        format!("<{}/tokens/{token}>; rel=\"deprecation\"", settings.console_url).into(),
    ));
}
