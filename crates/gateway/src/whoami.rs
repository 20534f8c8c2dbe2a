//! `GET {endpoint}/keydesk/whoami`: what the gateway makes of the caller's token.

use crate::{
    Answer, Denial, LiveTable,
    arrival::Arrival,
    live::{Identity, Subject},
    permit::Permitted,
    settings::Settings,
    target::Target,
};
use bytes::Bytes;
use http::{HeaderValue, Response, header};

/// The operation below the reserved prefix that a target names; None: it is the upstream's.
pub(crate) fn reserved<'a>(target: &Target<'a>, settings: &Settings) -> Option<&'a str> {
    let rest = target.path.strip_prefix('/')?.strip_prefix(settings.reserved_prefix.as_str())?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

pub(crate) fn answer(
    operation: &str,
    method: &str,
    permitted: &Permitted,
    identity: &Identity,
    table: &LiveTable,
    arrival: &Arrival,
) -> Result<Answer, Denial> {
    if operation.trim_end_matches('/') != "whoami" || !matches!(method, "GET" | "HEAD") {
        return Err(Denial::NoSuchOperation);
    }
    let token = permitted.token();
    let (binding, member) = match identity.subject {
        Subject::Member(member) => ("member", Some(member)),
        Subject::Account(_) => ("account", None),
    };
    let body = serde_json::json!({
        "token": { "id": identity.token, "name": table.name(token), "binding": binding, "member": member },
        "account": token.number.to_string(),
        "scopes": identity.limits.held().iter().collect::<Vec<_>>(),
        "addresses": identity.limits.grant.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "expires_at": table.expires_at(token).map(|at| at.to_string()),
        "client_addr": arrival.client_addr,
        "request_id": arrival.request_id.as_str(),
    });
    let mut response = Response::new(Bytes::from(format!("{body:#}\n")));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
