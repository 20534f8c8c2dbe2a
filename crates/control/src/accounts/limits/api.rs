//! `/account/limits` of the management API.

use super::{
    AccountReview, limit_account, limit_expiry, list_clients_outside, review_account, set_cors,
    set_unfamiliar_use,
};
use crate::{
    AppState,
    accounts::api::PlanObject,
    consequences::api::{Consequences, check, consequences},
    door::api::{
        ApiError, ApiQuery, Etagged, IfMatch, Request,
        body::{Patch, json_bodies},
        etag::etag_of,
        names::{ModeName, UnfamiliarUseName},
        principal::By,
    },
    principal::Caller,
    refusal::{Code, Refusal},
    tokens::api::read_allowlist,
};
use axum::extract::State;
use keydesk_model::{CorsPolicy, Mode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The web origins whose pages can send requests with the account’s tokens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CorsPolicy)]
pub(crate) struct CorsObject {
    origins: Vec<String>,
    /// The allowed methods. Empty allows every method.
    #[serde(default)]
    methods: Vec<String>,
    /// The allowed headers. Empty allows every header.
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    exposed_headers: Vec<String>,
    #[serde(default = "default_age")]
    max_age_seconds: u32,
}

fn default_age() -> u32 {
    CorsPolicy::MAX_AGE
}

impl CorsObject {
    fn new(policy: &CorsPolicy) -> Self {
        Self {
            origins: policy.origins.iter().map(ToString::to_string).collect(),
            methods: policy.methods.clone(),
            headers: policy.headers.clone(),
            exposed_headers: policy.exposed_headers.clone(),
            max_age_seconds: policy.max_age_seconds,
        }
    }

    fn read(&self) -> Result<CorsPolicy, Refusal> {
        let lowercase =
            |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let origins = self.origins.join("\n").parse();
        let policy = CorsPolicy {
            origins: origins.map_err(|_| Refusal::new(Code::InvalidOrigin).at("cors"))?,
            methods: self.methods.iter().map(|name| name.to_ascii_uppercase()).collect(),
            headers: lowercase(&self.headers),
            exposed_headers: lowercase(&self.exposed_headers),
            max_age_seconds: self.max_age_seconds,
        };
        let is_valid = !policy.origins.is_empty() && policy.is_well_formed();
        if is_valid { Ok(policy) } else { Err(Refusal::new(Code::InvalidCorsList).at("cors")) }
    }
}

/// The limits of the account and of all its tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountLimits {
    /// The plan, which an operator sets. `null` if there is none.
    plan: Option<PlanObject>,
    /// The requests of this month (UTC), if the plan has a quota.
    requests_this_month: i64,
    /// The IP addresses and CIDR ranges that all tokens of the account can be used from. Empty allows any address.
    ip_allowlist: Vec<String>,
    /// An IP allowlist that rejects nothing: requests that it would reject are listed as violations.
    observed_ip_allowlist: Option<Vec<String>>,
    /// The maximum lifetime of new tokens.
    max_lifetime_days: Option<u16>,
    /// Whether new tokens must expire.
    requires_expiry: bool,
    /// Whether the rules for the lifetime are enforced.
    expiry_mode: ModeName,
    /// The account’s own policy. `null` if the operator’s applies.
    cors: Option<CorsObject>,
    /// What happens when an API token is used by an unfamiliar client from an unfamiliar network.
    unfamiliar_use: UnfamiliarUseName,
}

impl AccountLimits {
    fn new(review: &AccountReview) -> Self {
        let account = &review.account;
        let ranges =
            |list: &keydesk_model::IpAllowlist| list.iter().map(ToString::to_string).collect();
        Self {
            plan: review.plan.as_ref().map(PlanObject::from),
            requests_this_month: review.requests_this_month,
            ip_allowlist: ranges(&account.ip_allowlist),
            observed_ip_allowlist: account.observed.as_ref().map(ranges),
            max_lifetime_days: account.max_lifetime_days,
            requires_expiry: account.requires_expiry,
            expiry_mode: ModeName(account.expiry_mode),
            cors: account.cors.as_ref().map(CorsObject::new),
            unfamiliar_use: UnfamiliarUseName(account.unfamiliar_use),
        }
    }

    /// The entity tag covers everything but the requests, which change all the time.
    fn etagged(self) -> Etagged<Self> {
        let requests = self.requests_this_month;
        let still = Self { requests_this_month: 0, ..self };
        let etag = etag_of(&still);
        Etagged { object: Self { requests_this_month: requests, ..still }, etag }
    }
}

/// Reads the limits of the account.
#[utoipa::path(get, path = "/account/limits", operation_id = "read_account_limits", tag = "Account",
    responses((status = 200, body = AccountLimits, description = "The limits.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn read_account_limits(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Etagged<AccountLimits>, ApiError> {
    Ok(AccountLimits::new(&review_account(&app, &caller).await?).etagged())
}

/// A change of the account’s limits (a merge patch, RFC 7396). Absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ip_allowlist": ["203.0.113.0/24"], "max_lifetime_days": 365}))]
pub(crate) struct AccountLimitsPatch {
    #[serde(default)]
    #[schema(max_items = 200)]
    ip_allowlist: Option<Vec<String>>,
    /// An IP allowlist to observe; `null` ends the observation.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 200)]
    observed_ip_allowlist: Patch<Vec<String>>,
    #[serde(default)]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 36500)]
    max_lifetime_days: Patch<u16>,
    #[serde(default)]
    requires_expiry: Option<bool>,
    #[serde(default)]
    expiry_mode: Option<ModeName>,
    /// The account’s own policy; `null` for the operator’s.
    #[serde(default)]
    #[schema(value_type = Option<CorsObject>)]
    cors: Patch<CorsObject>,
    #[serde(default)]
    unfamiliar_use: Option<UnfamiliarUseName>,
}

json_bodies!(AccountLimitsPatch);

/// The IP allowlist that would be enforced.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OutsideParams {
    /// The IP addresses and CIDR ranges. Repeat the parameter for several.
    #[serde(default)]
    #[param(required = false)]
    ip_allowlist: Vec<String>,
}

/// Lists the clients that would stop working if the IP allowlist were enforced for all tokens of the account.
#[utoipa::path(get, path = "/account/limits/consequences", operation_id = "list_account_limits_consequences", tag = "Account",
    params(OutsideParams),
    responses((status = 200, body = Consequences, description = "The clients, and an ETag that names them.", headers(("ETag" = String, description = "For If-Match of the request.")))))]
pub(crate) async fn list_limits_consequences(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiQuery(query): ApiQuery<OutsideParams>,
) -> Result<Etagged<Consequences>, ApiError> {
    let allowed = read_allowlist(&query.ip_allowlist)?;
    Ok(consequences(list_clients_outside(&app, &caller, &allowed).await?))
}

/// Changes the limits of the account.
///
/// Each group of limits (IP allowlists, maximum lifetime, web origins, unfamiliar uses) is changed separately, with its own audit entry. An
/// enforced `ip_allowlist` that isn’t empty requires the `ETag` of the consequences in `If-Match`, or `*`.
#[utoipa::path(patch, path = "/account/limits", operation_id = "update_account_limits", tag = "Account",
    request_body(content = AccountLimitsPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AccountLimits, description = "The limits as they are now.", headers(("ETag" = String, description = "For If-Match.")))))]
pub(crate) async fn update_account_limits(
    State(app): State<AppState>,
    request: Request<Caller, AccountLimitsPatch>,
) -> Result<Etagged<AccountLimits>, ApiError> {
    let (caller, patch) = (&request.caller, &request.body);
    let before = review_account(&app, caller).await?;
    let account = &before.account;
    // All is read before anything changes.
    let enforced = patch.ip_allowlist.as_deref().map(read_allowlist).transpose()?;
    match &enforced {
        Some(allowed) if !allowed.is_empty() => {
            check(&request.if_match, &list_clients_outside(&app, caller, allowed).await?)?;
        }
        _ if request.if_match != IfMatch::Absent => {
            request.if_match.check(&AccountLimits::new(&before).etagged().etag)?;
        }
        _ => {}
    }
    let observed = match &patch.observed_ip_allowlist {
        Patch::Set(ranges) => Some(read_allowlist(ranges)?),
        Patch::Keep | Patch::Remove => None,
    };
    let max_days = patch.max_lifetime_days.clone().apply(account.max_lifetime_days);
    if max_days.is_some_and(|days| !(1..=36_500).contains(&days)) {
        return Err(Refusal::new(Code::InvalidLifetime).at("max_lifetime_days").into());
    }
    let cors = match &patch.cors {
        Patch::Keep => None,
        Patch::Remove => Some(None),
        Patch::Set(policy) => Some(Some(policy.read()?)),
    };
    if matches!(patch.observed_ip_allowlist, Patch::Remove) || enforced.is_some() {
        let wanted = enforced.unwrap_or_else(|| account.ip_allowlist.clone());
        limit_account(&app, caller, wanted, Mode::Enforce).await?;
    }
    if let Some(wanted) = observed {
        limit_account(&app, caller, wanted, Mode::Observe).await?;
    }
    if !patch.max_lifetime_days.is_kept()
        || patch.requires_expiry.is_some()
        || patch.expiry_mode.is_some()
    {
        let is_required = patch.requires_expiry.unwrap_or(account.requires_expiry);
        let mode = patch.expiry_mode.map_or(account.expiry_mode, |mode| mode.0);
        limit_expiry(&app, caller, max_days, is_required, mode).await?;
    }
    if let Some(policy) = cors {
        set_cors(&app, caller, policy).await?;
    }
    if let Some(wanted) = patch.unfamiliar_use {
        set_unfamiliar_use(&app, caller, wanted.0.as_str()).await?;
    }
    Ok(AccountLimits::new(&review_account(&app, caller).await?).etagged())
}
