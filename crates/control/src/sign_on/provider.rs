//! The provider, by the openidconnect crate: discovery, the address to go to, the code's exchange, and what the
//! verified ID token says.

use super::{SignOnError, belongs_to};
use crate::{
    Desk,
    outbound::{self, Bounds},
};
use chrono::DateTime;
use keydesk_model::Email;
use keydesk_store::SignOn;
use openidconnect::{
    AdditionalClaims, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
        CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreTokenIntrospectionResponse, CoreTokenType,
    },
    url::Url,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, time::Duration};

/// How far the provider's clock may be from ours, either way.
const CLOCKS_APART: Duration = Duration::from_mins(10);
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(10), bytes: 1024 * 1024 };

/// Claims that no standard names: a role may stand in one.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Others(HashMap<String, serde_json::Value>);

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Inner = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

pub(super) struct Client {
    inner: Inner,
    /// The provider is on this machine, and may speak http.
    may_be_here: bool,
    role_claim: String,
}

/// What the provider says of somebody.
#[derive(Debug)]
pub(super) struct Told {
    pub email: Email,
    pub name: String,
    /// Of the claim that says roles.
    pub values: Vec<String>,
}

/// https, or http on this very machine; no query, no fragment. The operator confirms it by reading it, so it must look like
/// where it leads: letters as they stand in DNS, and nothing before the host.
pub(super) fn check_issuer(text: &str) -> Option<Url> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let (_, rest) = text.split_once("://")?;
    if !text.bytes().all(is_plain) || rest.starts_with('/') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_safe = url.scheme() == "https" || is_here(url.scheme(), url.host_str());
    let is_bare = url.query().is_none() && url.fragment().is_none() && !has_user(&url);
    (is_safe && is_bare).then_some(url)
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_here(scheme: &str, host: Option<&str>) -> bool {
    scheme == "http" && matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Wherever the provider's document points: by https, or on this machine where the provider is on it, too.
async fn send(
    request: HttpRequest,
    may_be_here: bool,
) -> Result<HttpResponse, outbound::OutboundError> {
    let (scheme, host) = (request.uri().scheme_str().unwrap_or_default(), request.uri().host());
    if scheme != "https" && !(may_be_here && is_here(scheme, host)) {
        return Err(outbound::OutboundError::Unsafe);
    }
    outbound::send(request, BOUNDS).await
}

fn unreachable(error: &dyn std::error::Error) -> SignOnError {
    // The cause in full is for the log.
    let mut whole = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        whole = format!("{whole}: {next}");
        cause = next.source();
    }
    tracing::warn!(error = whole, "a provider of single sign-on cannot be asked");
    SignOnError::Provider("provider-odd")
}

impl Client {
    pub async fn discover(desk: &Desk, sign_on: &SignOn) -> Result<Self, SignOnError> {
        let secret = desk.keyring.open_secret(&sign_on.sealed, &belongs_to(sign_on.account));
        let secret = secret.ok().and_then(|secret| String::from_utf8(secret.to_vec()).ok());
        let secret = secret.ok_or_else(|| SignOnError::Provider("provider-no-secret"))?;
        let issuer = IssuerUrl::new(sign_on.issuer.clone()).map_err(|_| SignOnError::Issuer)?;
        let may_be_here = is_here(issuer.url().scheme(), issuer.url().host_str());
        let metadata =
            CoreProviderMetadata::discover_async(issuer, &|request| send(request, may_be_here))
                .await
                .map_err(|error| unreachable(&error))?;
        // Where the browser is led.
        let depart = metadata.authorization_endpoint().url();
        if depart.scheme() != "https"
            && !(may_be_here && is_here(depart.scheme(), depart.host_str()))
        {
            return Err(unreachable(&outbound::OutboundError::Unsafe));
        }
        let back = format!("{}/login/sign-on/callback", desk.settings.console_url);
        let back = RedirectUrl::new(back).map_err(|_| SignOnError::Issuer)?;
        let (id, secret) = (ClientId::new(sign_on.client_id.clone()), ClientSecret::new(secret));
        let inner =
            Inner::from_provider_metadata(metadata, id, Some(secret)).set_redirect_uri(back);
        Ok(Self { inner, may_be_here, role_claim: sign_on.role_claim.clone() })
    }

    pub fn authorize_url(&self, state: &str, nonce: &str, verifier: &str) -> Url {
        let verifier = PkceCodeVerifier::new(verifier.to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (state, nonce) = (CsrfToken::new(state.to_owned()), Nonce::new(nonce.to_owned()));
        let asked = self.inner.authorize_url(flow, move || state, move || nonce);
        let asked = ["email", "profile"]
            .into_iter()
            .fold(asked, |asked, scope| asked.add_scope(Scope::new(scope.to_owned())));
        asked.set_pkce_challenge(challenge).url().0
    }

    pub async fn exchange(
        &self,
        desk: &Desk,
        code: &str,
        nonce: &str,
        verifier: String,
    ) -> Result<Told, SignOnError> {
        let asked = self.inner.exchange_code(AuthorizationCode::new(code.to_owned()));
        let asked = asked.map_err(|error| unreachable(&error))?;
        let answer = asked.set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let answer = answer
            .request_async(&|request| send(request, self.may_be_here))
            .await
            .map_err(|error| unreachable(&error))?;
        let token = answer.id_token().ok_or(SignOnError::Unfit("unfit-no-token"))?;
        let clock = desk.clock.clone();
        let now =
            move || DateTime::from_timestamp_micros(clock.now().as_micros()).unwrap_or_default();
        let asked_at = now();
        let verifier = self.inner.id_token_verifier().set_time_fn(now);
        // It was issued just now, for this code; clocks may differ a little.
        let verifier = verifier.set_issue_time_verifier_fn(move |issued_at| {
            let apart = asked_at.signed_duration_since(issued_at).num_seconds();
            if apart.abs() <= CLOCKS_APART.as_secs().cast_signed() {
                Ok(())
            } else {
                Err(format!("it was issued {apart} s before it came"))
            }
        });
        let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|error| {
            tracing::warn!(%error, "an ID token does not verify");
            SignOnError::Unfit("unfit-unverified-token")
        })?;
        if claims.email_verified() != Some(true) {
            return Err(SignOnError::Unfit("unfit-unverified-email"));
        }
        let email = claims.email().and_then(|email| email.parse::<Email>().ok());
        let name = claims.name().and_then(|name| name.get(None));
        Ok(Told {
            email: email.ok_or(SignOnError::Unfit("unfit-no-email"))?,
            name: name.map(|name| name.to_string()).unwrap_or_default(),
            values: values(claims.additional_claims().0.get(&self.role_claim)),
        })
    }
}

/// A claim that is a text, or a list of texts.
fn values(claim: Option<&serde_json::Value>) -> Vec<String> {
    match claim {
        Some(serde_json::Value::String(text)) => vec![text.clone()],
        Some(serde_json::Value::Array(list)) => {
            list.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
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
