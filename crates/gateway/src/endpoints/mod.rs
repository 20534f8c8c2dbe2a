//! The gateway's own endpoints, besides requests to the API: a token's self-service below its endpoint URL, and the
//! endpoints for other servers below the bare reserved prefix.

mod ask;
mod documents;
mod form;
mod forward_auth;
mod introspect;

pub(crate) use ask::{DeferredAction, DeferredRequest};
pub(crate) use documents::Document;
pub(crate) use form::MOST_FORM;
pub(crate) use forward_auth::{Forwarded, pass_answer};
pub(crate) use introspect::Credentials;

use crate::{LiveTable, Presented, arrival::Arrival, settings::Settings, target::Target};
use keydesk_model::CanaryUse;
use std::net::IpAddr;

/// A request below an endpoint URL to Keydesk itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SelfServiceRoute {
    WhoAmI,
    Rotate,
    Revoke,
    /// A path below the reserved prefix with another method.
    Otherwise {
        allowed: &'static str,
    },
    /// An unknown path below the reserved prefix.
    Nothing,
}

impl SelfServiceRoute {
    /// Returns `None` if the request is for the upstream.
    pub fn of(method: &str, target: &Target, settings: &Settings) -> Option<Self> {
        let service = &settings.self_service;
        let is_rotate_path = service.rotate_path.as_deref() == Some(target.path);
        if method == "POST" && service.rotate && is_rotate_path {
            return Some(Self::Rotate);
        }
        let name = below(target.path, settings)?.trim_end_matches('/');
        Some(match (method, name) {
            ("GET" | "HEAD", "whoami") => Self::WhoAmI,
            ("POST", "rotate") if service.rotate => Self::Rotate,
            ("POST", "revoke") if service.revoke => Self::Revoke,
            (_, "whoami") => Self::Otherwise { allowed: "GET, HEAD" },
            (_, "rotate") if service.rotate => Self::Otherwise { allowed: "POST" },
            (_, "revoke") if service.revoke => Self::Otherwise { allowed: "POST" },
            _ => Self::Nothing,
        })
    }
}

/// An endpoint for other servers. Its path names no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthEndpoint {
    /// Whether to forward a request that a proxy holds. Some proxies support only two rejection statuses.
    ForwardAuth { knows_two_refusals: bool },
    /// RFC 7662.
    Introspect,
    /// RFC 7009.
    Revoke,
    /// The description of the other endpoints.
    Describe(Document),
    /// One of these paths with another method.
    Otherwise { allowed: &'static str },
}

impl AuthEndpoint {
    /// Returns the endpoint of a request. `target` is the path and query as received.
    pub fn of(method: &str, target: &str, settings: &Settings) -> Option<Self> {
        let path = target.split('?').next().unwrap_or_default();
        match (method, below(path, settings)?) {
            (_, "forward-auth") => Some(Self::ForwardAuth { knows_two_refusals: false }),
            (_, "auth-request") => Some(Self::ForwardAuth { knows_two_refusals: true }),
            ("POST", "oauth/introspect") => Some(Self::Introspect),
            ("POST", "oauth/revoke") if settings.self_service.revoke => Some(Self::Revoke),
            (_, "oauth/introspect") if !settings.introspection.is_empty() => {
                Some(Self::Otherwise { allowed: "POST" })
            }
            (_, "oauth/revoke") if settings.self_service.revoke => {
                Some(Self::Otherwise { allowed: "POST" })
            }
            ("GET" | "HEAD", "openapi.json") => Some(Self::Describe(Document::SelfService)),
            ("GET" | "HEAD", "oauth/openapi.json") => Some(Self::Describe(Document::OAuth)),
            _ => None,
        }
    }
}

/// A token that is the parameter of an OAuth endpoint.
struct NamedToken<'a> {
    presented: &'a Presented,
    from: IpAddr,
    client: &'a str,
    /// The path of the endpoint below `oauth/`.
    path: &'static str,
}

impl NamedToken<'_> {
    /// Records the use of an unknown token if it is a canary, of which the client learns nothing.
    fn note_canary(self, (table, arrival): (&LiveTable, &Arrival), settings: &Settings) {
        table.note_canary(self.presented, |canary| CanaryUse {
            canary,
            at: arrival.at,
            client_ip: self.from.to_string(),
            client: self.client.to_owned(),
            method: "POST".to_owned(),
            path: format!("/{}/oauth/{}", settings.reserved_prefix, self.path),
            request_id: arrival.request_id.to_string(),
            uses: 1,
        });
    }
}

/// Returns the part of the path after the reserved prefix.
fn below<'a>(path: &'a str, settings: &Settings) -> Option<&'a str> {
    let rest = path.strip_prefix('/')?.strip_prefix(settings.reserved_prefix.as_str())?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}
