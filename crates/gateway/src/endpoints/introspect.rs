//! RFC 7662 token introspection, answered from the live table without waiting.

use super::{NamedToken, ask::json, form::Parameters};
use crate::{
    LiveTable, Presented, Rejection, Response,
    arrival::Arrival,
    live::{Identity, UsageCounter, UsageEvent},
    settings::{IntrospectionClient, Settings},
};
use keydesk_model::{AccountNumber, Called, IpAllowlist, Timestamp, Violation};
use keydesk_token::PlainToken;
use std::net::IpAddr;

/// The credentials of a client.
pub(crate) struct Credentials {
    id: String,
    secret: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// Returns `None` if the header has no credentials. Unreadable ones match no client.
    pub fn in_field(value: Option<&[u8]>) -> Option<Self> {
        let value = std::str::from_utf8(value?).unwrap_or_default();
        let decoded = value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, rest)| decode_base64(rest.trim()))
            .unwrap_or_default();
        let (id, secret) = decoded.split_once(':').unwrap_or_default();
        Some(Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    fn are_of(&self, client: &IntrospectionClient) -> bool {
        // RFC 6749 section 2.3.1: ID and secret are form-encoded before they are joined. Not all clients do so.
        client.is(&self.id, &self.secret)
            || client.is(&form_decoded(&self.id), &form_decoded(&self.secret))
    }
}

fn form_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('&', "%26"));
    let decoded = form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn decode_base64(text: &str) -> Option<String> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok()
}

/// An introspection request and the state that it is answered from.
#[derive(Debug)]
pub(super) struct IntrospectionRequest<'a> {
    pub credentials: Option<Credentials>,
    pub parameters: Parameters,
    pub arrival: &'a Arrival,
    pub table: &'a LiveTable,
    pub meter: &'a UsageCounter,
}

impl IntrospectionRequest<'_> {
    pub fn answer(self, settings: &Settings) -> Result<Response, Rejection> {
        let client = self.client(settings).ok_or(Rejection::UnknownClient)?;
        let missing =
            Rejection::InvalidParameters { why: "Send the token as the parameter “token”." };
        let token = self.parameters.find("token").ok_or(missing)?;
        let claimed = self.parameters.find("client_ip").map(str::parse::<IpAddr>);
        let Ok(client_ip) = claimed.transpose() else {
            return Err(Rejection::InvalidParameters { why: "“client_ip” is an address." });
        };
        let claims = self.active(token, client_ip, client, settings)?;
        Ok(json(&claims.unwrap_or_else(|| serde_json::json!({ "active": false }))))
    }

    /// Returns the authenticated client. RFC 6749 section 2.3: a client must not use more than one method.
    fn client<'s>(&self, settings: &'s Settings) -> Option<&'s IntrospectionClient> {
        let (id, secret) =
            (self.parameters.find("client_id"), self.parameters.find("client_secret"));
        let in_form = id
            .zip(secret)
            .map(|(id, secret)| Credentials { id: id.to_owned(), secret: secret.to_owned() });
        let ((Some(credentials), None) | (None, Some(credentials))) = (&self.credentials, &in_form)
        else {
            return None;
        };
        settings.introspection.iter().find(|client| credentials.are_of(client))
    }

    /// Returns the RFC 7662 section 2.2 response, or `None` if the token is inactive, of which nothing more is
    /// disclosed.
    fn active(
        &self,
        token: &str,
        client_ip: Option<IpAddr>,
        client: &IntrospectionClient,
        settings: &Settings,
    ) -> Result<Option<serde_json::Value>, Rejection> {
        let Ok(hash) = PlainToken::hash_presented(token) else { return Ok(None) };
        let presented = Presented(hash);
        let verified = match self.table.verify(&presented, self.arrival.at) {
            Ok(verified) => verified,
            Err(Rejection::UnknownToken) => {
                let from = client_ip.unwrap_or(self.arrival.client_ip);
                let used = NamedToken {
                    presented: &presented,
                    from,
                    client: &client.id,
                    path: "introspect",
                };
                used.note_canary((self.table, self.arrival), settings);
                return Ok(None);
            }
            // A gateway that cannot decide must not report the token as inactive.
            Err(rejection @ (Rejection::NotReady | Rejection::GatewayDisconnected)) => {
                return Err(rejection);
            }
            Err(_) => return Ok(None),
        };
        let Some(identity) = self.table.identify(&verified) else { return Ok(None) };
        let account = self.table.account(verified.number);
        if Rejection::of_account(account.state).is_err() {
            return Ok(None);
        }
        // Without the client IP address, a token with an IP allowlist is reported as inactive.
        let admits =
            |list: &IpAllowlist| list.is_empty() || client_ip.is_some_and(|addr| list.admits(addr));
        if !admits(&identity.limits.grant.ip_allowlist) || !admits(&account.ip_allowlist) {
            return Ok(None);
        }
        self.note(&identity, client_ip, client);
        let ends =
            [self.table.expires_at(&verified), identity.limits.closing.map(|closing| closing.at)];
        Ok(Some(to_claims(&identity, verified.number, ends.into_iter().flatten().min(), settings)))
    }

    /// Records the token's use as far as it is visible here.
    fn note(&self, identity: &Identity, from: Option<IpAddr>, client: &IntrospectionClient) {
        let mut called = Called::default();
        if identity.limits.closing.is_some() {
            called.violations.add(Violation::PreviousSecret);
        }
        self.meter.note(UsageEvent {
            token: identity.token,
            agent: Some(client.id.as_bytes()),
            client_ip: from.unwrap_or(self.arrival.client_ip),
            at: self.arrival.at,
            called: &called,
        });
    }
}

fn to_claims(
    identity: &Identity,
    account: AccountNumber,
    ends_at: Option<Timestamp>,
    settings: &Settings,
) -> serde_json::Value {
    let subject = identity.subject.to_string();
    let mut claims = serde_json::json!({
        "active": true,
        "scope": &*identity.limits.scopes,
        "client_id": identity.token,
        "token_type": "Bearer",
        "sub": subject,
        "iss": settings.public_url,
        "keydesk_account": account.to_string(),
    });
    if let Some(at) = ends_at {
        claims["exp"] = at.as_micros().div_euclid(1_000_000).into();
    }
    claims
}
