//! Consequences as JSON, and the check that they are still what was shown (`If-Match`).

use super::{Fingerprint, named};
use crate::{
    door::api::{ApiError, Etagged, IfMatch, Instant, RequestCode},
    tokens::ObservedClient,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A client that would stop working.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AffectedClient)]
pub(crate) struct ClientObject {
    /// The name of the client, from its user agent.
    name: String,
    /// The IP address that it last sent requests from.
    client_ip: String,
    last_used_at: Instant,
    requests_per_day: i64,
    /// The operations that it used in the last 30 days and that would be rejected, most used first, at most 20.
    operations: Vec<String>,
}

/// What a request would make stop working. Its `ETag` names the clients, however often they send requests: send it in
/// `If-Match` of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Consequences {
    clients: Vec<ClientObject>,
}

pub(crate) fn consequences(clients: Vec<ObservedClient>) -> Etagged<Consequences> {
    let etag = Fingerprint::of(&clients).etag();
    let clients = clients.into_iter().map(|client| ClientObject {
        name: client.name,
        client_ip: client.client_ip,
        last_used_at: Instant(client.last_used_at),
        requests_per_day: client.requests_a_day,
        operations: client.operations,
    });
    Etagged { object: Consequences { clients: clients.collect() }, etag }
}

/// Refuses a request that would make clients stop working, unless it accepts that with `If-Match: *`.
pub(crate) fn accept(if_match: &IfMatch, clients: &[ObservedClient]) -> Result<(), ApiError> {
    if clients.is_empty() || *if_match == IfMatch::Any {
        return Ok(());
    }
    let named = named(clients.iter());
    let detail = format!(
        "These clients would stop working: {named}. Nothing has changed. Send If-Match: * if they may stop working."
    );
    Err(ApiError::new(RequestCode::PreconditionRequired, detail).in_parameter("If-Match"))
}

/// Checks that the clients that would stop working are those that the request names.
pub(crate) fn check(if_match: &IfMatch, clients: &[ObservedClient]) -> Result<(), ApiError> {
    let now = Fingerprint::of(clients);
    if_match.check_consequences(&now.etag(), || {
        let shown = match if_match {
            IfMatch::Tags(tags) => tags.first().map_or("", String::as_str),
            _ => "",
        };
        now.difference(shown, clients)
    })
}
