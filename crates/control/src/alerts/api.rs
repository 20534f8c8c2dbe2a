//! `/account/alerts` and `/tokens/{id}/alerts` of the management API.

use super::{find_settings, find_token_alerts, set_settings, set_token_alerts};
use crate::{
    AppState,
    door::api::{ApiError, ApiPath, Request, body::json_bodies, principal::By},
    principal::Caller,
    refusal::Refusal,
};
use axum::{Json, extract::State};
use keydesk_model::{AlertKind, AlertSettings, QuietHours, QuietText, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertKind)]
pub(super) enum KindName {
    /// More requests fail than usual.
    ErrorSpike,
    /// A token that is used regularly is no longer used.
    Silence,
    /// 80 or 100 percent of the monthly quota is used.
    Quota,
    /// A previous secret is still used shortly before it stops working.
    PreviousSecret,
}

impl From<AlertKind> for KindName {
    fn from(kind: AlertKind) -> Self {
        match kind {
            AlertKind::ErrorSpike => Self::ErrorSpike,
            AlertKind::Silence => Self::Silence,
            AlertKind::Quota => Self::Quota,
            AlertKind::PreviousSecret => Self::PreviousSecret,
        }
    }
}

impl From<KindName> for AlertKind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::ErrorSpike => Self::ErrorSpike,
            KindName::Silence => Self::Silence,
            KindName::Quota => Self::Quota,
            KindName::PreviousSecret => Self::PreviousSecret,
        }
    }
}

/// A time of each day at which no alert is sent by email.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuietHoursObject {
    #[schema(example = "22:00")]
    from: String,
    #[schema(example = "07:00")]
    until: String,
    /// The name of the time zone.
    #[schema(example = "Europe/Berlin")]
    zone: String,
}

/// The alerts that the account gets by email.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountAlerts, example = json!({"off": ["error_spike"], "quiet_hours": {"from": "22:00", "until": "07:00", "zone": "Europe/Berlin"}}))]
pub(crate) struct AccountAlertsObject {
    /// The kinds of which no email is sent. Their events are recorded in any case.
    off: Vec<KindName>,
    /// Emails are sent when the quiet hours end.
    #[serde(default)]
    quiet_hours: Option<QuietHoursObject>,
}

json_bodies!(AccountAlertsObject, TokenAlertsObject);

impl From<AlertSettings> for AccountAlertsObject {
    fn from(settings: AlertSettings) -> Self {
        let quiet_hours = settings.quiet_hours.map(QuietText::from);
        Self {
            off: settings.off.into_iter().map(KindName::from).collect(),
            quiet_hours: quiet_hours.map(|QuietText { from, until, zone }| QuietHoursObject {
                from,
                until,
                zone,
            }),
        }
    }
}

/// Reads the alerts that the account gets by email.
#[utoipa::path(get, path = "/account/alerts", operation_id = "read_account_alerts", tag = "Usage",
    responses((status = 200, body = AccountAlertsObject, description = "The alerts.")))]
pub(crate) async fn read_account_alerts(
    State(app): State<AppState>,
    By(caller): By<Caller>,
) -> Result<Json<AccountAlertsObject>, ApiError> {
    Ok(Json(find_settings(&app, &caller).await?.into()))
}

/// Sets the alerts that the account gets by email.
#[utoipa::path(put, path = "/account/alerts", operation_id = "set_account_alerts", tag = "Usage", request_body = AccountAlertsObject,
    responses((status = 200, body = AccountAlertsObject, description = "The alerts.")))]
pub(crate) async fn set_account_alerts(
    State(app): State<AppState>,
    request: Request<Caller, AccountAlertsObject>,
) -> Result<Json<AccountAlertsObject>, ApiError> {
    let AccountAlertsObject { off, quiet_hours } = request.body.clone();
    let parse = |hours: QuietHoursObject| QuietHours::parse(&hours.from, &hours.until, &hours.zone);
    let quiet_hours = quiet_hours.map(parse).transpose().map_err(Refusal::from)?;
    let off = off.into_iter().map(AlertKind::from).collect();
    let settings = AlertSettings { off, quiet_hours };
    set_settings(&app, &request.caller, settings.clone()).await?;
    Ok(Json(settings.into()))
}

/// The alerts of a token.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenAlerts, example = json!({"off": ["silence"]}))]
pub(crate) struct TokenAlertsObject {
    /// The kinds of which no email is sent for this token.
    off: Vec<KindName>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
pub(crate) struct AlertedTokenParam {
    /// The ID of a token.
    #[param(example = "tok_019abd9c1f0a7d5c8f6f3f2b1a0c9d8e")]
    id: String,
}

/// Reads which alerts of a token are off.
#[utoipa::path(get, path = "/tokens/{id}/alerts", operation_id = "read_token_alerts", tag = "Usage", params(AlertedTokenParam),
    responses((status = 200, body = TokenAlertsObject, description = "The alerts.")))]
pub(crate) async fn read_token_alerts(
    State(app): State<AppState>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<TokenId>,
) -> Result<Json<TokenAlertsObject>, ApiError> {
    let off = find_token_alerts(&app, &caller, id).await?;
    Ok(Json(TokenAlertsObject { off: off.into_iter().map(KindName::from).collect() }))
}

/// Sets which alerts of a token are off.
#[utoipa::path(put, path = "/tokens/{id}/alerts", operation_id = "set_token_alerts", tag = "Usage", params(AlertedTokenParam),
    request_body = TokenAlertsObject, responses((status = 200, body = TokenAlertsObject, description = "The alerts.")))]
pub(crate) async fn update_token_alerts(
    State(app): State<AppState>,
    ApiPath(id): ApiPath<TokenId>,
    request: Request<Caller, TokenAlertsObject>,
) -> Result<Json<TokenAlertsObject>, ApiError> {
    let off = request.body.off.iter().copied().map(AlertKind::from).collect();
    set_token_alerts(&app, &request.caller, id, off).await?;
    Ok(Json(request.body))
}
