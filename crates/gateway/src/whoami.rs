//! `GET {endpoint}/keydesk/whoami`: the gateway's view of the caller's token.

use crate::{
    LiveTable, Response,
    arrival::Arrival,
    live::{Identity, Subject},
    permit::Permitted,
};
use bytes::Bytes;
use http::{HeaderValue, header};

pub(crate) fn answer(
    permitted: &Permitted,
    identity: &Identity,
    table: &LiveTable,
    arrival: &Arrival,
) -> Response {
    let token = permitted.token();
    let (owner, member) = match identity.subject {
        Subject::Member(member) => ("member", Some(member)),
        Subject::Account(_) => ("account", None),
    };
    let body = serde_json::json!({
        "token": { "id": identity.token, "name": table.name(token), "owner": owner, "member": member },
        "account": token.number.to_string(),
        "scopes": identity.limits.held().iter().collect::<Vec<_>>(),
        "ip_allowlist": identity.limits.grant.ip_allowlist.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "expires_at": identity.limits.expires_at.or(table.expires_at(token)).map(|at| at.to_string()),
        "previous_secret_expires_at": identity.limits.closing.map(|closing| closing.at.to_string()),
        "client_ip": arrival.client_ip,
        "request_id": arrival.request_id.as_str(),
    });
    let mut response = Response::new(Bytes::from(format!("{body:#}\n")));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
