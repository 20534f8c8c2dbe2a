//! `/alerts`: what has happened, and who gets an email about it; and the alerts of a single token.

use super::{find_settings, list_recent, set_settings, set_token_alerts};
use crate::{
    AppState,
    audit::console::Row as Alert,
    door::{
        language::{label, text},
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::{Problem, detail},
    },
    principal::Caller,
    refusal::{Code, Refusal},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{AlertKind, AlertSettings, Permission, QuietHours, QuietHoursError, QuietText};
use std::collections::BTreeSet;

/// The form input as sent. Kinds that are not selected are off.
#[derive(Clone, Debug, Default)]
struct AlertsForm {
    kind: Vec<String>,
    quiet_from: String,
    quiet_until: String,
    zone: String,
}

/// A kind is a field that occurs more than once.
impl From<Vec<(String, String)>> for AlertsForm {
    fn from(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "kind" => form.kind.push(value),
                "quiet_from" => form.quiet_from = value,
                "quiet_until" => form.quiet_until = value,
                "zone" => form.zone = value,
                _ => {}
            }
        }
        form
    }
}

impl From<AlertSettings> for AlertsForm {
    fn from(settings: AlertSettings) -> Self {
        let on = AlertKind::ALL.iter().filter(|kind| !settings.off.contains(kind));
        let quiet = settings.quiet_hours.map(QuietText::from);
        let QuietText { from, until, zone } = quiet.unwrap_or_else(|| QuietText {
            from: String::new(),
            until: String::new(),
            zone: String::new(),
        });
        Self {
            kind: on.map(|kind| kind.as_str().to_owned()).collect(),
            quiet_from: from,
            quiet_until: until,
            zone,
        }
    }
}

/// Returns the kinds that are not selected.
fn off(selected: &[String]) -> BTreeSet<AlertKind> {
    let is_off = |kind: &AlertKind| !selected.iter().any(|name| name == kind.as_str());
    AlertKind::ALL.into_iter().filter(is_off).collect()
}

impl AlertsForm {
    fn read(&self) -> Result<AlertSettings, Refusal> {
        let quiet_hours = match (self.quiet_from.trim(), self.quiet_until.trim()) {
            ("", "") => None,
            (from, until) => Some(QuietHours::parse(from, until, &self.zone)?),
        };
        Ok(AlertSettings { off: off(&self.kind), quiet_hours })
    }
}

impl From<QuietHoursError> for Refusal {
    fn from(error: QuietHoursError) -> Self {
        match error {
            QuietHoursError::Time => Self::new(Code::InvalidQuietTime).at("quiet_from"),
            QuietHoursError::Zone => Self::new(Code::InvalidTimeZone).at("zone"),
        }
    }
}

/// A kind of alert in a form.
pub(crate) struct KindChoice {
    pub value: &'static str,
    pub name: String,
    pub hint: String,
    pub is_on: bool,
}

impl KindChoice {
    pub fn new(kind: AlertKind, is_on: bool) -> Self {
        let value = kind.as_str();
        Self { value, name: label("alert-kind", value), hint: label("alert-hint", value), is_on }
    }
}

#[derive(Template)]
#[template(path = "alerts/show.html")]
struct AlertsPage {
    chrome: PageLayout,
    kinds: Vec<KindChoice>,
    form: AlertsForm,
    error: Option<String>,
    alerts: Vec<Alert>,
    may_change: bool,
}

async fn alerts_page(
    app: &AppState,
    caller: &Caller,
    (form, error): (AlertsForm, Option<String>),
) -> Result<AlertsPage, Problem> {
    let now = app.now();
    let alerts = list_recent(app, caller).await?;
    let is_on = |kind: AlertKind| form.kind.iter().any(|name| name == kind.as_str());
    Ok(AlertsPage {
        chrome: PageLayout::of(caller, text("alerts-title"), Nav::Usage),
        kinds: AlertKind::ALL.map(|kind| KindChoice::new(kind, is_on(kind))).into(),
        alerts: alerts.into_iter().map(|line| Alert::new(line, now)).collect(),
        may_change: caller.may(Permission::LimitAccount),
        form,
        error,
    })
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Query(notice): Query<Done>,
) -> Result<Response, Problem> {
    let settings = find_settings(&app, &caller).await?;
    let shown = alerts_page(&app, &caller, (settings.into(), None)).await?;
    Ok(page(&AlertsPage { chrome: shown.chrome.with_notice(&notice), ..shown }))
}

pub(crate) async fn save(
    State(app): State<AppState>,
    caller: Caller,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = AlertsForm::from(fields);
    match form.read() {
        Ok(settings) => {
            set_settings(&app, &caller, settings).await?;
            Ok(done("/alerts", "alerts_saved", None).into_response())
        }
        Err(refusal) => {
            let shown = alerts_page(&app, &caller, (form, Some(detail(&refusal)))).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
    }
}

pub(crate) async fn save_of_token(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = AlertsForm::from(fields);
    let token = id.parse().map_err(|_| Code::NotFound)?;
    set_token_alerts(&app, &caller, token, off(&form.kind)).await?;
    Ok(done(&format!("/tokens/{token}"), "alerts_saved", None).into_response())
}
