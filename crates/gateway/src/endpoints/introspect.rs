//! RFC 7662: another server asks whether a token is good. Answered from the live table, without waiting.

use super::{ask::json, form::Parameters};
use crate::{
    LiveTable, Presented, Rejection, Response,
    arrival::Arrival,
    live::{Identity, UsageCounter, UsageEvent},
    settings::Settings,
};
use keydesk_model::{AccountNumber, Called, IpAllowlist, Timestamp, Violation};
use keydesk_token::PlainToken;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// Who may ask, and the digest of what they prove it with.
#[derive(Clone, Debug)]
pub struct IntrospectionClient {
    pub id: String,
    secret: [u8; 32],
}

impl IntrospectionClient {
    pub fn new(id: String, secret: &str) -> Self {
        Self { id, secret: Sha256::digest(secret).into() }
    }
}

/// What a client proves itself with.
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
    /// None: there are none in the header. Some that cannot be read are nobody's.
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
        let is = |id: &str, secret: &str| {
            let digest: [u8; 32] = Sha256::digest(secret).into();
            client.id == id && bool::from(client.secret.ct_eq(&digest))
        };
        // RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined. Not all do.
        is(&self.id, &self.secret) || is(&form_decoded(&self.id), &form_decoded(&self.secret))
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

/// A question, and what it is answered from.
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

    /// Who asks, if it is known and proves it. RFC 6749 section 2.3: in one way, and not in two.
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

    /// RFC 7662 section 2.2. None: it is not good, and nothing more is said of it.
    fn active(
        &self,
        token: &str,
        client_ip: Option<IpAddr>,
        client: &IntrospectionClient,
        settings: &Settings,
    ) -> Result<Option<serde_json::Value>, Rejection> {
        let Ok(hash) = PlainToken::hash_presented(token) else { return Ok(None) };
        let verified = match self.table.verify(&Presented(hash), self.arrival.at) {
            Ok(verified) => verified,
            // Whoever cannot tell must not say that it is not good.
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
        // Whoever does not say where the call came from gets no word for a token that depends on it.
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

    /// It was used, as far as can be seen from here.
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
