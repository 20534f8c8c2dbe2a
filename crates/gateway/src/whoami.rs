//! `GET {endpoint}/keydesk/whoami`: what the gateway makes of the caller's token.

use crate::{
    Answer, Body, Denial, arrival::Arrival, permit::Permitted, settings::Settings, target::Target,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, header};
use http_body_util::Full;
use keydesk_model::Binding;

/// The operation below the reserved prefix that a target names; None: it is the upstream's.
pub(crate) fn reserved<'a>(target: &'a Target, settings: &Settings) -> Option<&'a str> {
    let rest = target.path.strip_prefix('/')?.strip_prefix(settings.reserved_prefix.as_str())?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

pub(crate) fn answer(
    operation: &str,
    method: &Method,
    permitted: &Permitted,
    arrival: &Arrival,
) -> Result<Answer, Denial> {
    if operation.trim_end_matches('/') != "whoami" || !matches!(*method, Method::GET | Method::HEAD)
    {
        return Err(Denial::NoSuchOperation);
    }
    let secret = &permitted.entry().secret;
    let (binding, member) = match secret.binding {
        Binding::Member(member) => ("member", Some(member)),
        Binding::Account => ("account", None),
    };
    let body = serde_json::json!({
        "token": { "id": secret.token, "name": secret.name, "binding": binding, "member": member },
        "account": secret.number.to_string(),
        "scopes": secret.scopes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "expires_at": secret.expires_at.map(|at| at.to_string()),
        "client_addr": arrival.client_addr,
        "request_id": arrival.request_id,
    });
    let mut response = Response::new(Body::Left(Full::new(Bytes::from(format!("{body:#}\n")))));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
