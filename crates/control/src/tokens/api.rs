//! `/tokens` of the management API.

use super::{creation, restoration::is_restorable};
use crate::{
    AppState,
    door::api::{
        Answer, ApiError, ApiPath, Etagged, IfMatch, Instant, Position, Request,
        body::json_bodies,
        etag::etag_of,
        names::ReasonName,
        page::{PageParams, list_schemas},
        principal::By,
        request::once,
    },
    names::{self, TokenChange},
    principal::Caller,
    refusal::{At as _, Code, Refusal},
};
use axum::{extract::State, response::Response};
use keydesk_model::{
    Expiry, IpAllowlist, Scope, ScopeSet, Timestamp, TokenId, TokenName, TokenNote, TokenState,
};
use keydesk_store::{Token, TokenFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whether a token works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TokenState)]
pub(crate) enum StateObject {
    Active,
    Expired,
    Revoked,
    /// Rejected until it is restored.
    Paused,
}

/// Limits of a token: the scopes it has, and the addresses it can be used from. An empty allowlist allows any address.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TokenLimits)]
pub(crate) struct LimitsObject {
    scopes: Vec<String>,
    ip_allowlist: Vec<String>,
}

impl LimitsObject {
    pub fn new(scopes: &ScopeSet, ip_allowlist: &IpAllowlist) -> Self {
        Self {
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ip_allowlist: ip_allowlist.iter().map(ToString::to_string).collect(),
        }
    }
}

/// An API token, without its secret. Its `ETag` covers everything but its last use.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenObject {
    #[schema(value_type = String, example = "tok_019364b4f1d070008b1e2c3d4e5f6071")]
    id: TokenId,
    name: String,
    /// What people have written down about it. Empty if nothing.
    note: String,
    /// The secret, of which only the last four characters are shown.
    masked: String,
    state: StateObject,
    limits: LimitsObject,
    /// Limits that reject nothing: requests that they would reject are listed as violations.
    observed_limits: Option<LimitsObject>,
    /// The number of the newest secret. Each rotation adds one.
    version: i64,
    created_at: Instant,
    /// The name of the user who created it, if they are still a member.
    created_by: Option<String>,
    secret_issued_at: Instant,
    /// `null` if it never expires.
    expires_at: Option<Instant>,
    revoked_at: Option<Instant>,
    revocation_reason: Option<ReasonName>,
    /// Whether a revocation or a pause can be undone.
    restorable: bool,
    /// The time until which a revocation can be undone. `null` for a pause.
    restorable_until: Option<Instant>,
    last_used_at: Option<Instant>,
    last_used_by: Option<String>,
    last_used_from: Option<String>,
}

impl TokenObject {
    pub fn new(token: Token, now: Timestamp) -> Self {
        let hold = token.hold.filter(|_| is_restorable(&token, now));
        let (state, revocation) = match token.state(now) {
            TokenState::Active => (StateObject::Active, None),
            TokenState::Expired(_) => (StateObject::Expired, None),
            TokenState::Revoked(_) if hold.is_some_and(|hold| hold.until.is_none()) => {
                (StateObject::Paused, None)
            }
            TokenState::Revoked(revocation) => (StateObject::Revoked, Some(revocation)),
        };
        Self {
            id: token.id,
            state,
            limits: LimitsObject::new(&token.scopes, &token.ip_allowlist),
            observed_limits: token
                .observed
                .map(|observed| LimitsObject::new(&observed.scopes, &observed.ip_allowlist)),
            version: token.version,
            created_at: Instant(token.created_at),
            created_by: token.created_by,
            secret_issued_at: Instant(token.issued_at),
            expires_at: token.expires_at.map(Instant),
            revoked_at: revocation.map(|revocation| Instant(revocation.at)),
            revocation_reason: revocation.map(|revocation| ReasonName(revocation.reason)),
            restorable: hold.is_some(),
            restorable_until: hold.and_then(|hold| hold.until).map(Instant),
            last_used_at: token.last_used_at.map(Instant),
            last_used_by: token.last_used_by,
            last_used_from: token.last_used_from,
            name: token.name,
            note: token.note.as_str().to_owned(),
            masked: token.masked,
        }
    }

    /// Returns the entity tag, which covers everything but the last use.
    pub fn etag(&self) -> String {
        let (last_used_at, last_used_by, last_used_from) = (None, None, None);
        etag_of(&Self { last_used_at, last_used_by, last_used_from, ..self.clone() })
    }
}

list_schemas! { TokenList of TokenObject }

/// A new token with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    token: TokenObject,
    /// The secret, which is shown once. `null` if the request is repeated, or if you generated the secret.
    secret: Option<String>,
}

/// Which tokens are listed.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ListedState {
    #[default]
    Active,
    /// Revoked or expired.
    Inactive,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TokenFilterParams {
    #[serde(default)]
    #[param(inline, required = false)]
    state: ListedState,
    /// A part of the name, or of the masked secret.
    #[serde(default)]
    #[param(required = false, max_length = 100)]
    text: String,
}

/// Lists the account’s API tokens, newest first.
#[utoipa::path(get, path = "/tokens", operation_id = "list_tokens", tag = "Tokens", params(PageParams, TokenFilterParams),
    responses((status = 200, body = TokenList, description = "A page of tokens.")))]
pub(crate) async fn list_tokens(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    position: Position<TokenFilterParams>,
) -> Result<Response, ApiError> {
    let filter = match position.filter.state {
        ListedState::Active => TokenFilter::Active,
        ListedState::Inactive => TokenFilter::Inactive,
    };
    let search = position.search(&position.filter.text)?;
    let found = super::list_api_tokens(&app, &caller, filter, &search).await?;
    let now = app.now();
    let items = found.items.into_iter().map(|token| TokenObject::new(token, now)).collect();
    Ok(position.respond(&app, (items, found.next)))
}

/// A new API token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken, example = json!({"name": "CRM sync", "scopes": ["contacts:read"], "expires_at": "2027-06-30T00:00:00Z"}))]
pub(crate) struct NewTokenBody {
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// What people should know about it, such as where it is used. No secrets: members can read it.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
    /// The scopes of the token, such as `contacts:read`; `*` is full access.
    #[schema(min_items = 1, max_items = 100)]
    scopes: Vec<String>,
    /// IP addresses and CIDR ranges that it can be used from. Empty allows any address.
    #[serde(default)]
    #[schema(max_items = 200)]
    ip_allowlist: Vec<String>,
    /// When it expires; `null` or absent for never.
    #[serde(default)]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The SHA-256 of a secret that you generated, in lowercase hexadecimal. The response then has no secret.
    #[serde(default)]
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    secret_sha256: Option<String>,
    /// The masked form of your secret, such as `kd_a_••••••••3fQ9`. Required with `secret_sha256`.
    #[serde(default)]
    masked: Option<String>,
}

json_bodies!(NewTokenBody, TokenPatch);

pub(crate) fn read_scopes(scopes: &[String]) -> Result<ScopeSet, Refusal> {
    scopes
        .iter()
        .map(|scope| scope.parse::<Scope>())
        .collect::<Result<_, _>>()
        .map_err(Refusal::from)
}

pub(crate) fn read_allowlist(ranges: &[String]) -> Result<IpAllowlist, Refusal> {
    ranges.join(" ").parse::<IpAllowlist>().map_err(Refusal::from)
}

/// Reads an instant in RFC 3339; `None` means never.
pub(crate) fn read_expiry(text: Option<&str>) -> Result<Expiry, Refusal> {
    let Some(text) = text else { return Ok(Expiry::Never) };
    let at = text.parse::<jiff::Timestamp>();
    let at = at.map_err(|_| Refusal::new(Code::InvalidExpiryTime).at("expires_at"))?;
    Ok(Expiry::At(Timestamp::from_micros(at.as_microsecond())))
}

impl NewTokenBody {
    fn read(&self) -> Result<(creation::ApiTokenRequest, Option<creation::CallerSecret>), Refusal> {
        let request = creation::ApiTokenRequest {
            name: self.name.parse::<TokenName>().at("name")?,
            note: self.note.parse::<TokenNote>()?,
            scopes: read_scopes(&self.scopes)?,
            ip_allowlist: read_allowlist(&self.ip_allowlist)?,
            expiry: read_expiry(self.expires_at.as_deref())?,
            request_key: None,
        };
        let secret = match (&self.secret_sha256, &self.masked) {
            (None, None) => None,
            (Some(digest), Some(masked)) => Some(creation::CallerSecret::read(digest, masked)?),
            (Some(_), None) => return Err(Refusal::new(Code::InvalidMaskedSecret).at("masked")),
            (None, Some(_)) => return Err(Refusal::new(Code::InvalidDigest).at("secret_sha256")),
        };
        Ok((request, secret))
    }
}

/// Creates an API token. The secret is shown once, unless you generated it.
#[utoipa::path(post, path = "/tokens", operation_id = "create_token", tag = "Tokens", request_body = NewTokenBody,
    responses((status = 201, body = CreatedToken, description = "The token was created.", headers(("Location" = String, description = "The token.")))))]
pub(crate) async fn create_token(
    State(app): State<AppState>,
    request: Request<Caller, NewTokenBody>,
) -> Result<Answer<CreatedToken>, ApiError> {
    let caller = &request.caller;
    let made = once!(
        app,
        request,
        {
            let (wanted, secret) = request.body.read()?;
            let (token, plain) = match secret {
                None => {
                    let (token, plain) = creation::issue_api_token(&app, caller, wanted).await?;
                    (token, Some(plain.expose().to_owned()))
                }
                Some(secret) => {
                    (creation::issue_with_digest(&app, caller, wanted, secret).await?, None)
                }
            };
            Ok(CreatedToken { token: TokenObject::new(token, app.now()), secret: plain })
        },
        |done| CreatedToken { token: read(&app, caller, &done.target).await?, secret: None }
    );
    let path = format!("/tokens/{}", made.object.token.id);
    Ok(made.created_at(&app, &path))
}

/// Returns the token with an ID as text.
pub(crate) async fn read(
    app: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<TokenObject, ApiError> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    Ok(TokenObject::new(super::find_api_token(app, caller, id).await?, app.now()))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct TokenIdParam {
    /// The ID of a token.
    #[param(example = "tok_019364b4f1d070008b1e2c3d4e5f6071")]
    id: String,
}

/// Reads an API token.
#[utoipa::path(get, path = "/tokens/{id}", operation_id = "read_token", tag = "Tokens", params(TokenIdParam),
    responses((status = 200, body = TokenObject, description = "The token.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_token(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<TokenId>,
) -> Result<Etagged<TokenObject>, ApiError> {
    let object = TokenObject::new(super::find_api_token(&app, &caller, id).await?, app.now());
    Ok(Etagged { etag: object.etag(), object })
}

/// A change of a token (a merge patch, RFC 7396). An absent field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "CRM sync"}))]
pub(crate) struct TokenPatch {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Changes the name or the note of an API token.
#[utoipa::path(patch, path = "/tokens/{id}", operation_id = "update_token", tag = "Tokens", params(TokenIdParam),
    request_body(content = TokenPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = TokenObject, description = "The token as it is now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn update_token(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller, TokenPatch>,
) -> Result<Etagged<TokenObject>, ApiError> {
    let caller = &request.caller;
    if request.if_match != IfMatch::Absent {
        request.if_match.check(&read(&app, caller, &id.to_string()).await?.etag())?;
    }
    let TokenPatch { name, note } = &request.body;
    if name.is_some() || note.is_some() {
        let change = TokenChange { name: name.as_deref(), note: note.as_deref() };
        names::update_token(&app, caller, id, change).await?;
    }
    let object = read(&app, caller, &id.to_string()).await?;
    Ok(Etagged { etag: object.etag(), object })
}
