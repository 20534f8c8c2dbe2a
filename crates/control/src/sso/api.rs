//! `/sso` of the management API.

use super::{
    roles::list_clients_without_role,
    settings::{SsoForm, find, remove, set},
};
use crate::{
    AppState,
    consequences::api::accept,
    door::{
        api::{
            ApiError, Etagged, IfMatch, Request, body::json_bodies, etag::etag_of, names::RoleName,
            principal::By,
        },
        problem::english,
    },
    principal::Caller,
    refusal::Code,
};
use axum::{Json, extract::State, http::StatusCode};
use keydesk_store::Sso;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A domain of email addresses that the identity provider authenticates.
#[derive(Debug, Serialize, ToSchema)]
struct SsoDomain {
    name: String,
    /// Whether an operator has approved it. Until then, nobody with such an address can log in through the provider.
    approved: bool,
}

/// The single sign-on settings of the account, without the client secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SsoSettings {
    issuer: String,
    client_id: String,
    domains: Vec<SsoDomain>,
    /// The scopes that are requested in addition to `openid`.
    scopes: String,
    /// How Keydesk authenticates at the token endpoint: `automatic`, `basic`, or `post`.
    client_auth: String,
    /// Whether an address counts as verified if the provider doesn’t say so.
    trusts_emails: bool,
    /// The role of members who join by single sign-on, unless a claim determines it.
    default_role: RoleName,
    /// The claim that contains the role. Empty if there is none.
    role_claim: String,
    /// The values of the claim, and the role of each.
    role_mapping: BTreeMap<String, String>,
}

impl SsoSettings {
    fn new(sso: Sso) -> Self {
        let domains = sso.domains.into_iter();
        let pairs = sso.roles.lines().filter_map(|line| line.rsplit_once('='));
        Self {
            issuer: sso.issuer,
            client_id: sso.client_id,
            domains: domains
                .map(|domain| SsoDomain { name: domain.name, approved: domain.is_confirmed })
                .collect(),
            scopes: sso.scopes,
            client_auth: sso.client_auth,
            trusts_emails: sso.trusts_emails,
            default_role: RoleName(sso.default_role),
            role_claim: sso.role_claim,
            role_mapping: pairs
                .map(|(value, role)| (value.trim().to_owned(), role.trim().to_owned()))
                .collect(),
        }
    }
}

async fn read(app: &AppState, caller: &Caller) -> Result<SsoSettings, ApiError> {
    Ok(SsoSettings::new(find(app, caller).await?.ok_or(Code::NotFound)?))
}

/// Reads the single sign-on settings.
#[utoipa::path(get, path = "/sso", operation_id = "read_sso", tag = "Single sign-on",
    responses((status = 200, body = SsoSettings, description = "The settings.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_sso(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Etagged<SsoSettings>, ApiError> {
    let object = read(&app, &caller).await?;
    Ok(Etagged { etag: etag_of(&object), object })
}

/// The single sign-on settings, which replace the ones that the account has.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSsoSettings, example = json!({"issuer": "https://login.example.com", "client_id": "keydesk", "client_secret": "…", "domains": ["acme.example"], "default_role": "viewer"}))]
pub(crate) struct SsoBody {
    issuer: String,
    client_id: String,
    /// Absent to keep the stored one, for the same issuer and client.
    #[serde(default)]
    client_secret: Option<String>,
    domains: Vec<String>,
    #[serde(default)]
    scopes: Option<String>,
    #[serde(default)]
    client_auth: Option<String>,
    #[serde(default)]
    trusts_emails: bool,
    default_role: RoleName,
    #[serde(default)]
    role_claim: String,
    #[serde(default)]
    role_mapping: BTreeMap<String, RoleName>,
}

json_bodies!(SsoBody);

/// The settings that were saved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedSso {
    settings: SsoSettings,
    /// Why the identity provider can’t be used yet, if the first request to it failed.
    fault: Option<String>,
}

/// Saves the single sign-on settings, and checks whether the identity provider responds.
///
/// If roles without a bearer token would make clients stop working, `If-Match: *` is required.
#[utoipa::path(put, path = "/sso", operation_id = "save_sso", tag = "Single sign-on", request_body = SsoBody,
    responses((status = 200, body = SavedSso, description = "The settings were saved.")))]
pub(crate) async fn save_sso(
    State(app): State<AppState>,
    request: Request<Caller, SsoBody>,
) -> Result<Json<SavedSso>, ApiError> {
    let (caller, body) = (&request.caller, &request.body);
    if request.if_match != IfMatch::Absent {
        request.if_match.check(&etag_of(&read(&app, caller).await?))?;
    }
    let lines = body.role_mapping.iter().map(|(value, role)| format!("{value} = {}", role.0));
    let form = SsoForm {
        issuer: body.issuer.clone(),
        client_id: body.client_id.clone(),
        client_secret: body.client_secret.clone().unwrap_or_default(),
        domain: body.domains.join(" "),
        scopes: body.scopes.clone().unwrap_or_else(|| "email profile".to_owned()),
        client_auth: body.client_auth.clone().unwrap_or_else(|| "automatic".to_owned()),
        trusts_emails: body.trusts_emails.then(|| "yes".to_owned()),
        default_role: body.default_role.0.to_string(),
        role_claim: body.role_claim.clone(),
        roles: lines.collect::<Vec<_>>().join("\n"),
    };
    accept(&request.if_match, &list_clients_without_role(&app, caller, &form).await?)?;
    let fault = match set(&app, caller, &form).await {
        Ok(()) => None,
        Err(refusal) if refusal.code() == Code::SsoSavedWithFault => Some(english(&refusal)),
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(Json(SavedSso { settings: read(&app, caller).await?, fault }))
}

/// Removes the single sign-on settings.
#[utoipa::path(delete, path = "/sso", operation_id = "remove_sso", tag = "Single sign-on",
    responses((status = 204, description = "The settings were removed.")))]
pub(crate) async fn remove_sso(
    State(app): State<AppState>,
    request: Request<Caller>,
) -> Result<StatusCode, ApiError> {
    if request.if_match != IfMatch::Absent {
        request.if_match.check(&etag_of(&read(&app, &request.caller).await?))?;
    }
    remove(&app, &request.caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
