//! RFC 7662: another server asks whether a token is good. Answered from the live table, without waiting.

use super::{ask::json, form::Parameters};
use crate::{
    Answer, Denial, LiveTable, Presented, arrival::Arrival, live::Subject, settings::Settings,
};
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

pub(super) fn answer(
    credentials: Option<&Credentials>,
    parameters: &Parameters,
    arrival: &Arrival,
    table: &LiveTable,
    settings: &Settings,
) -> Result<Answer, Denial> {
    let in_form = parameters.find("client_id").zip(parameters.find("client_secret"));
    let in_form =
        in_form.map(|(id, secret)| Credentials { id: id.to_owned(), secret: secret.to_owned() });
    // RFC 6749 section 2.3: in one way, and not in two.
    let ((Some(credentials), None) | (None, Some(credentials))) = (credentials, &in_form) else {
        return Err(Denial::UnknownClient);
    };
    let is_known = settings.introspection.iter().any(|client| credentials.are_of(client));
    if !is_known {
        return Err(Denial::UnknownClient);
    }
    let token = parameters
        .find("token")
        .ok_or(Denial::BadParameters { why: "Send the token as the parameter “token”." })?;
    let claimed = parameters.find("client_addr").map(str::parse::<IpAddr>);
    let Ok(client_addr) = claimed.transpose() else {
        return Err(Denial::BadParameters { why: "“client_addr” is an address." });
    };
    Ok(json(&active(token, client_addr, arrival, table, settings)?))
}

/// RFC 7662 section 2.2. Of a token that is not good nothing more is said.
fn active(
    token: &str,
    client_addr: Option<IpAddr>,
    arrival: &Arrival,
    table: &LiveTable,
    settings: &Settings,
) -> Result<serde_json::Value, Denial> {
    let inactive = serde_json::json!({ "active": false });
    let Ok(hash) = PlainToken::hash_presented(token) else { return Ok(inactive) };
    let verified = match table.verify(&Presented(hash), arrival.at) {
        Ok(verified) => verified,
        // Whoever cannot tell must not say that it is not good.
        Err(denial @ (Denial::NotReady | Denial::Isolated)) => return Err(denial),
        Err(_) => return Ok(inactive),
    };
    let Some(identity) = table.identify(&verified) else { return Ok(inactive) };
    let limits = &identity.limits;
    let addresses = &limits.grant.addresses;
    // Whoever does not say where the call came from gets no word for a token that depends on it.
    if !addresses.is_empty() && !client_addr.is_some_and(|addr| addresses.admits(addr)) {
        return Ok(inactive);
    }
    let subject = match identity.subject {
        Subject::Member(member) => member.to_string(),
        Subject::Account(account) => account.to_string(),
    };
    let seconds = |at: keydesk_model::Timestamp| at.as_micros().div_euclid(1_000_000);
    let ends = [table.expires_at(&verified), limits.closing.map(|closing| closing.at)];
    let mut told = serde_json::json!({
        "active": true,
        "scope": &*limits.scopes,
        "client_id": identity.token,
        "token_type": "Bearer",
        "sub": subject,
        "iss": settings.public_url,
        "keydesk_account": verified.number.to_string(),
    });
    if let Some(at) = ends.into_iter().flatten().min() {
        told["exp"] = seconds(at).into();
    }
    Ok(told)
}
