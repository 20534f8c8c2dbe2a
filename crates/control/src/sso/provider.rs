//! The OpenID Connect client: discovery, the authorization URL, the code exchange, the ID token, which the jsonwebtoken
//! crate verifies, and the userinfo endpoint. Fields that a login does not need are not read.

use super::{
    claims::{Claims, ProviderIdentity},
    refusals::fault,
    secret::belongs_to,
};
use crate::{
    AppState,
    refusal::{self, Code, Refusal},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{Request, Response, header};
use jsonwebtoken::{
    DecodingKey, Validation,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use keydesk_outbound::{Bounds, OutboundError, Reach};
use keydesk_store::Sso;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// The maximum difference between the provider's clock and ours, in either direction.
const CLOCKS_APART: Duration = Duration::from_mins(10);
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), bytes: 1024 * 1024 };
/// A code that no provider has issued, whose rejection shows whether the client ID and secret are correct.
const NO_CODE: &str = "keydesk-checks-its-client";

/// The required part of the provider's configuration document (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

pub(super) struct Client<'a> {
    app: &'a AppState,
    sso: &'a Sso,
    secret: Zeroizing<String>,
    metadata: Metadata,
}

/// A response of the token endpoint.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenAnswer {
    id_token: Option<String>,
    access_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Returns whether a refusal is this fault.
fn is_fault(refusal: &Refusal, wanted: &str) -> bool {
    let is_it = |value: &refusal::Value| matches!(value, refusal::Value::Sentence { id, .. } if *id == wanted);
    refusal.values().iter().any(|(_, value)| is_it(value))
}

/// Parses an issuer: https, or http on this machine; no query, no fragment. The operator confirms it by reading it, so
/// it must look like its destination: ASCII letters as in DNS, and nothing before the host.
pub(super) fn check_issuer(text: &str) -> Option<Url> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let (_, rest) = text.split_once("://")?;
    if !text.bytes().all(is_plain) || rest.starts_with('/') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_safe = url.scheme() == "https" || is_here(&url);
    let is_bare = url.query().is_none() && url.fragment().is_none() && !has_user(&url);
    (is_safe && is_bare).then_some(url)
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_here(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Returns the redirect URL to register at the provider.
pub(super) fn callback_url(app: &AppState) -> String {
    format!("{}/login/sso/callback", app.settings.console_url)
}

/// Returns the addresses that can be requested. Until the operator has confirmed a provider, only public addresses can
/// be requested; the same applies to other servers that its configuration names, which the operator has not seen.
fn reach(app: &AppState, sso: &Sso, url: &Url) -> Reach {
    let is_confirmed = sso.domains.iter().any(|domain| domain.is_confirmed);
    let is_its_own = Url::parse(&sso.issuer).is_ok_and(|issuer| {
        issuer.host() == url.host() && issuer.port_or_known_default() == url.port_or_known_default()
    });
    if (is_confirmed && is_its_own) || app.settings.is_local {
        Reach::Anywhere
    } else {
        Reach::Customers
    }
}

/// Returns whether two issuers differ only in the trailing slash.
fn differ_by_slash(one: &str, other: &str) -> bool {
    one != other && one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Checks whether the provider works with these settings. Returns the issuer as the provider writes it if the owner
/// omitted or added the trailing slash.
pub(super) async fn check(app: &AppState, sso: &Sso) -> Result<Option<String>, Refusal> {
    let metadata = match discover(app, sso).await {
        Ok(metadata) => metadata,
        // Such a provider is checked after the operator has confirmed it.
        Err(refusal) if is_fault(&refusal, "fault-not-public") => return Ok(None),
        Err(error) => return Err(error),
    };
    let corrected = differ_by_slash(&metadata.issuer, &sso.issuer).then(|| metadata.issuer.clone());
    let client = Client::new(app, sso, metadata)?;
    let answer = client.ask_for_token(NO_CODE, NO_CODE).await?;
    if matches!(answer.error.as_deref(), Some("invalid_client" | "unauthorized_client")) {
        return Err(client.rejected(&answer));
    }
    Ok(corrected)
}

async fn discover(app: &AppState, sso: &Sso) -> Result<Metadata, Refusal> {
    let base = sso.issuer.trim_end_matches('/');
    let url = format!("{base}/.well-known/openid-configuration");
    let url = Url::parse(&url).map_err(|_| Refusal::new(Code::InvalidIssuer).at("issuer"))?;
    let metadata: Metadata = get_json(app, sso, &url, None).await?;
    let is_same = metadata.issuer == sso.issuer || differ_by_slash(&metadata.issuer, &sso.issuer);
    if !is_same {
        return Err(fault("fault-other-issuer", &metadata.issuer));
    }
    Ok(metadata)
}

async fn get_json<T: for<'de> Deserialize<'de>>(
    app: &AppState,
    sso: &Sso,
    url: &Url,
    access_token: Option<&str>,
) -> Result<T, Refusal> {
    let mut request = Request::get(url.as_str()).header(header::ACCEPT, "application/json");
    if let Some(token) = access_token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Vec::new()).map_err(|_| fault("fault-unsafe-url", url))?;
    let answer = send(app, sso, request).await?;
    if !answer.status().is_success() {
        return Err(fault("fault-status", format!("{url}: {}", answer.status().as_u16())));
    }
    serde_json::from_slice(answer.body())
        .map_err(|error| fault("fault-not-readable", format!("{url}: {error}")))
}

/// Sends a request to a URL from the provider's document: by https, or on this machine if the provider is on it, too.
async fn send(
    app: &AppState,
    sso: &Sso,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Refusal> {
    let url = Url::parse(&request.uri().to_string())
        .map_err(|_| Refusal::new(Code::InvalidIssuer).at("issuer"))?;
    check_reachable(sso, &url)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let reach = reach(app, sso, &url);
    app.outbound.send(request, BOUNDS, reach).await.map_err(|error| match &error {
        OutboundError::Certificate(why) => fault("fault-certificate", format!("{host}: {why}")),
        OutboundError::NotPublic => fault("fault-not-public", host),
        OutboundError::Late => fault("fault-late", host),
        error => fault("fault-unreachable", format!("{host}: {error}")),
    })
}

fn check_reachable(sso: &Sso, url: &Url) -> Result<(), Refusal> {
    let may_be_here = Url::parse(&sso.issuer).is_ok_and(|issuer| is_here(&issuer));
    if url.scheme() == "https" || (may_be_here && is_here(url)) {
        return Ok(());
    }
    Err(fault("fault-unsafe-url", url))
}

impl<'a> Client<'a> {
    pub async fn discover(app: &'a AppState, sso: &'a Sso) -> Result<Self, Refusal> {
        let metadata = discover(app, sso).await?;
        Self::new(app, sso, metadata)
    }

    fn new(app: &'a AppState, sso: &'a Sso, metadata: Metadata) -> Result<Self, Refusal> {
        // The URL to which the browser is redirected.
        check_reachable(sso, &metadata.authorization_endpoint)?;
        let secret = app.keyring.open_secret(&sso.sealed, &belongs_to(sso.account));
        let secret = secret.ok().and_then(|secret| String::from_utf8(secret.to_vec()).ok());
        let secret = Zeroizing::new(secret.ok_or_else(|| fault("fault-no-secret", ""))?);
        Ok(Self { app, sso, secret, metadata })
    }

    pub fn authorize_url(&self, state: &str, nonce: &str, verifier: &str) -> Url {
        let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
        let mut url = self.metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.sso.client_id)
            .append_pair("redirect_uri", &callback_url(self.app))
            .append_pair("scope", format!("openid {}", self.sso.scopes).trim_end())
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(digest))
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Exchanges the code for the identity that the provider states.
    pub async fn exchange(
        &self,
        code: &str,
        nonce: &str,
        verifier: &str,
    ) -> Result<ProviderIdentity, Refusal> {
        let answer = self.ask_for_token(code, verifier).await?;
        if answer.error.is_some() {
            return Err(self.rejected(&answer));
        }
        let id_token = answer.id_token.ok_or_else(|| fault("fault-no-id-token", ""))?;
        let mut claims = self.verify(&id_token).await?;
        if claims.string("nonce") != Some(nonce) {
            return Err(fault("fault-nonce", ""));
        }
        if claims.lacks_something(self.sso)
            && let (Some(url), Some(token)) =
                (&self.metadata.userinfo_endpoint, answer.access_token.as_deref())
        {
            match get_json(self.app, self.sso, url, Some(token)).await {
                Ok(more) => claims.complete_with(Self::of_same_user(&claims, Claims(more))?),
                // Its claims are not needed.
                Err(_) if claims.are_enough(self.sso) => {}
                Err(error) => return Err(error),
            }
        }
        claims.read(self.sso)
    }

    fn of_same_user(claims: &Claims, more: Claims) -> Result<Claims, Refusal> {
        if more.string("sub") == claims.string("sub") {
            Ok(more)
        } else {
            Err(fault("fault-other-subject", ""))
        }
    }

    /// Returns whether the secret is sent in the request's body, by the owner's setting or else the provider's
    /// metadata.
    fn sends_secret_in_body(&self) -> bool {
        match self.sso.client_auth.as_str() {
            "client_secret_post" => true,
            "client_secret_basic" => false,
            // The default is basic (RFC 8414, section 2).
            _ => self.metadata.token_endpoint_auth_methods_supported.as_ref().is_some_and(
                |methods| {
                    let has = |name: &str| methods.iter().any(|method| method == name);
                    has("client_secret_post") && !has("client_secret_basic")
                },
            ),
        }
    }

    async fn ask_for_token(&self, code: &str, verifier: &str) -> Result<TokenAnswer, Refusal> {
        let request = self.token_request(code, verifier)?;
        let url = &self.metadata.token_endpoint;
        let answer = send(self.app, self.sso, request).await?;
        let status = answer.status();
        match serde_json::from_slice::<TokenAnswer>(answer.body()) {
            Ok(read) if status.is_success() || read.error.is_some() => Ok(read),
            _ if status.as_u16() == 401 => Ok(TokenAnswer {
                error: Some("invalid_client".to_owned()),
                ..TokenAnswer::default()
            }),
            _ => Err(fault("fault-status", format!("{url}: {}", status.as_u16()))),
        }
    }

    fn token_request(&self, code: &str, verifier: &str) -> Result<Request<Vec<u8>>, Refusal> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &callback_url(self.app))
            .append_pair("code_verifier", verifier);
        let mut request = Request::post(self.metadata.token_endpoint.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if self.sends_secret_in_body() {
            form.append_pair("client_id", &self.sso.client_id)
                .append_pair("client_secret", &self.secret);
        } else {
            // RFC 6749, section 2.3.1: both are form-encoded first.
            let encode =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&self.sso.client_id), encode(&self.secret));
            request =
                request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
        }
        let request = request.body(form.finish().into_bytes());
        request.map_err(|_| fault("fault-unsafe-url", &self.metadata.token_endpoint))
    }

    fn rejected(&self, answer: &TokenAnswer) -> Refusal {
        let error = answer.error.as_deref().unwrap_or_default();
        let why = answer.error_description.as_deref().unwrap_or_default();
        // The provider may echo the secret, which must not appear in the message.
        let detail = format!("{error} {why}").replace(self.secret.as_str(), "…");
        let is_client = matches!(error, "invalid_client" | "unauthorized_client");
        fault(if is_client { "fault-client" } else { "fault-code" }, detail.trim())
    }

    /// Verifies an ID token, which must be signed by the provider, recent, and issued to us, and returns its claims.
    async fn verify(&self, id_token: &str) -> Result<Claims, Refusal> {
        let header = jsonwebtoken::decode_header(id_token);
        let header = header.map_err(|error| fault("fault-id-token", error))?;
        let keys: Value = get_json(self.app, self.sso, &self.metadata.jwks_uri, None).await?;
        let keys = keys["keys"].as_array().cloned().unwrap_or_default();
        // Keys of an unknown type are for other tokens.
        let keys = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let mut validation = Validation::new(header.alg);
        // `check_claims` compares the expiration time with Keydesk's own clock.
        validation.validate_exp = false;
        validation.set_issuer(&[&self.metadata.issuer]);
        validation.set_audience(&[&self.sso.client_id]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        let mut why = None;
        for key in keys.filter(|key| is_for(key, header.kid.as_deref())) {
            let Ok(key) = DecodingKey::from_jwk(&key) else { continue };
            match jsonwebtoken::decode(id_token, &key, &validation) {
                Ok(token) => return self.check_claims(Claims(token.claims)),
                Err(error) => {
                    let id = match error.kind() {
                        ErrorKind::InvalidAudience => "fault-audience",
                        ErrorKind::InvalidIssuer => "fault-token-issuer",
                        _ => "fault-id-token",
                    };
                    why = Some((id, error.to_string()));
                }
            }
        }
        let no_key = || ("fault-no-key", header.kid.clone().unwrap_or_default());
        let (id, detail) = why.unwrap_or_else(no_key);
        Err(fault(id, detail))
    }

    fn check_claims(&self, claims: Claims) -> Result<Claims, Refusal> {
        let now = self.app.now().as_micros() / 1_000_000;
        let apart = CLOCKS_APART.as_secs().cast_signed();
        let issued = claims.instant("iat").ok_or_else(|| fault("fault-id-token", "iat"))?;
        let expires = claims.instant("exp").ok_or_else(|| fault("fault-id-token", "exp"))?;
        if (now - issued).abs() > apart || expires + apart < now {
            return Err(fault("fault-clock", (now - issued).abs()));
        }
        // A token with several audiences must be issued to this client (OpenID Connect Core, section 3.1.3.7).
        if claims.string("azp").is_some_and(|azp| azp != self.sso.client_id) {
            return Err(fault("fault-audience", claims.string("azp").unwrap_or_default()));
        }
        Ok(claims)
    }
}

/// Returns whether a key may have signed a token with this key ID in its header.
fn is_for(key: &Jwk, kid: Option<&str>) -> bool {
    // A symmetric key in a public document can't authenticate a token.
    let is_secret = matches!(key.algorithm, AlgorithmParameters::OctetKey(_));
    let encrypts = matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    let signs = !is_secret && !encrypts;
    signs && (kid.is_none() || key.common.key_id.is_none() || key.common.key_id.as_deref() == kid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t35_an_issuer_is_a_bare_https_url() {
        for good in [
            "https://login.example.com",
            "https://login.example.com/tenant",
            "http://localhost:9000",
        ] {
            assert!(check_issuer(good).is_some(), "{good}");
        }
        for bad in [
            "http://login.example.com",
            "http://169.254.169.254",
            "file:///etc/passwd",
            "https://a?b=c",
            "https://u@a",
            "ftp://a",
            "https://a#b",
            "https://:login.corp.example@evil.example",
            "https://evil.example\\@login.corp.example",
            "https://l\u{43e}gin.corp.example",
            "https://evil.example/\u{202e}moc.elgoog",
            "https://evil\u{3002}example",
            "https:evil.example",
            "https:///evil.example",
            "https://evil.\texample",
            "",
        ] {
            assert!(check_issuer(bad).is_none(), "{bad}");
        }
    }
}
