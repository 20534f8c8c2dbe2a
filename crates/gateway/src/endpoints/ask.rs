//! Requests that need the database: a token rotates or revokes itself. A node with the database answers, and the
//! request waits for it; no request to the API ever does.

use super::{
    NamedToken,
    form::{Parameters, Written},
    introspect,
};
use crate::{
    LiveTable, Presented, Rejection, Response,
    arrival::Arrival,
    live::UsageCounter,
    self_service::{Question, SelfServiceAction, SelfServiceResponse},
    settings::Settings,
    wire::Noted,
};
use bytes::Bytes;
use http::{HeaderValue, header};
use keydesk_model::{GracePeriod, RotationTerms, client_of};
use keydesk_token::{PlainToken, TokenHash};

/// The parameters of the self-service endpoints.
const KNOWN: [&str; 3] = ["token", "grace_period", "revoke_after_idle"];

/// A request that can be answered only after its body has been read.
#[derive(Debug)]
pub(crate) struct DeferredRequest {
    pub wanted: DeferredAction,
    written: Written,
    /// The query, in which old clients send parameters.
    query: Option<HiddenQuery>,
    /// Whether an unknown parameter is an error. Clients of another system send their own parameters.
    is_strict: bool,
    user_agent: Option<String>,
}

/// A query that may contain a token.
struct HiddenQuery(String);

impl std::fmt::Debug for HiddenQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HiddenQuery")
    }
}

#[derive(Debug)]
pub(crate) enum DeferredAction {
    Rotate(TokenHash),
    Revoke(TokenHash),
    /// RFC 7009: the form names the token.
    RevokeNamed,
    /// RFC 7662, with the credentials from the header.
    Introspect(Option<introspect::Credentials>),
}

impl DeferredRequest {
    pub fn new(
        wanted: DeferredAction,
        noted: &Noted,
        query: Option<&str>,
        is_strict: bool,
    ) -> Self {
        let agent = noted.user_agent.first.and_then(|agent| std::str::from_utf8(agent).ok());
        Self {
            written: Written::of(noted),
            query: query.map(|query| HiddenQuery(query.to_owned())),
            user_agent: agent.map(|agent| agent.chars().take(200).collect()),
            is_strict,
            wanted,
        }
    }

    pub async fn answer(
        self,
        body: &[u8],
        arrival: &Arrival,
        (table, meter): (&LiveTable, &UsageCounter),
        settings: &Settings,
    ) -> Result<Response, Rejection> {
        let mut parameters = Parameters::read(body, self.written)?;
        if let Some(HiddenQuery(query)) = &self.query {
            parameters.add_query(query)?;
        }
        if self.is_strict && parameters.names().any(|name| !KNOWN.contains(&name)) {
            return Err(Rejection::InvalidParameters {
                why: "Send “grace_period” and “revoke_after_idle”, if anything: another parameter is not known here.",
            });
        }
        let (secret, wish) = match self.wanted {
            DeferredAction::Introspect(credentials) => {
                let asked = introspect::IntrospectionRequest {
                    credentials,
                    parameters,
                    arrival,
                    table,
                    meter,
                };
                return asked.answer(settings);
            }
            DeferredAction::Rotate(secret) => {
                reject_other(secret, &parameters)?;
                (secret, SelfServiceAction::Rotate(terms(&parameters)?))
            }
            DeferredAction::Revoke(secret) => {
                reject_other(secret, &parameters)?;
                (secret, SelfServiceAction::Revoke)
            }
            DeferredAction::RevokeNamed => match named(&parameters)? {
                Some(secret) if table.is_live(secret, arrival.at)? => {
                    (secret, SelfServiceAction::Revoke)
                }
                // RFC 7009 section 2.2: an invalid token needs no revocation.
                invalid => {
                    if let Some(presented) = invalid.map(Presented) {
                        let client = client_of(self.user_agent.as_deref());
                        let (from, client) = (arrival.client_ip, client.as_ref());
                        NamedToken { presented: &presented, from, client, path: "revoke" }
                            .note_canary((table, arrival), settings);
                    }
                    return Ok(json(&serde_json::json!({})));
                }
            },
        };
        let app = settings.self_service.app.as_ref().ok_or(Rejection::TemporarilyUnavailable)?;
        let question = Question {
            secret,
            wish,
            client_ip: arrival.client_ip,
            user_agent: self.user_agent,
            request_id: arrival.request_id.to_string(),
        };
        app.ask(question).await.map(|done| to_response(&done))
    }
}

/// Rejects a request about another token: a token can change only itself.
fn reject_other(secret: TokenHash, parameters: &Parameters) -> Result<(), Rejection> {
    let Some(named) = parameters.find("token") else { return Ok(()) };
    let bare = named.strip_prefix("Bearer ").unwrap_or(named);
    if PlainToken::hash_presented(bare) == Ok(secret) {
        Ok(())
    } else {
        Err(Rejection::TokenMismatch)
    }
}

fn named(parameters: &Parameters) -> Result<Option<TokenHash>, Rejection> {
    let token = parameters.find("token").ok_or(Rejection::InvalidParameters {
        why: "Send the token as the parameter “token”.",
    })?;
    Ok(PlainToken::hash_presented(token).ok())
}

fn terms(parameters: &Parameters) -> Result<RotationTerms, Rejection> {
    let read = |name: &str, why: &'static str| match parameters.find(name) {
        None => Ok(GracePeriod::None),
        Some(text) => text.parse().map_err(|_| Rejection::InvalidParameters { why }),
    };
    let terms = RotationTerms {
        grace_period: read("grace_period", "“grace_period” is none, 1h, 24h or 7d.")?,
        revoke_after_idle: read("revoke_after_idle", "“revoke_after_idle” is none, 1h or 24h.")?,
    };
    if !terms.is_consistent() {
        let why = "“revoke_after_idle” must be shorter than “grace_period”: it closes the old secret earlier.";
        return Err(Rejection::InvalidParameters { why });
    }
    Ok(terms)
}

fn to_response(done: &SelfServiceResponse) -> Response {
    json(&match done {
        SelfServiceResponse::Rotated {
            token,
            version,
            plain,
            previous_secret_expires_at,
            is_complete,
            receipt,
            effective_at,
        } => {
            serde_json::json!({
                "token": plain.expose(),
                "token_type": "Bearer",
                "id": token,
                "version": version,
                "previous_secret_expires_at": previous_secret_expires_at.map(|at| at.to_string()),
                "complete": is_complete,
                "effective_at": effective_at.map(|at| at.to_string()),
                "receipt": receipt,
            })
        }
        SelfServiceResponse::Revoked { token, is_complete, receipt, effective_at } => {
            serde_json::json!({
                "id": token,
                "complete": is_complete,
                "effective_at": effective_at.map(|at| at.to_string()),
                "receipt": receipt,
            })
        }
    })
}

/// Returns a response that must not be cached.
pub(super) fn json(body: &serde_json::Value) -> Response {
    let mut response = Response::new(Bytes::from(format!("{body}\n")));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
