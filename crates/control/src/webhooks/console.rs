//! `/webhooks` and `/operator/webhooks`: the webhooks of an account or of the instance, their deliveries, and the page that
//! shows a secret once.

use super::{
    WebhookOwner, WebhookRequest,
    deliveries::{console::DeliveryRow, list_deliveries},
    signature::{WebhookSecret, published},
};
use crate::{
    AppState,
    audit::console::event_name,
    door::{
        caller::SignedIn,
        form_error::FormError,
        language::{label, text},
        layout::{Done, Nav, PageLayout, done, page, page_with},
        list_query::ListQuery,
        problem::Problem,
        reauth::{Nothing, ReauthForm},
        when::When,
    },
    principal::{Caller, Operator},
    refusal::{Code, Kind, Refusal},
};
use askama::Template;
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{Event, Timestamp, WebhookId, WebhookState};
use keydesk_store::Webhook;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The pages of an owner's webhooks.
pub(crate) trait WebhookPages: WebhookOwner + SignedIn {
    const PATH: &'static str;
    const NAV: Nav;
}

impl WebhookPages for Caller {
    const PATH: &'static str = "/webhooks";
    const NAV: Nav = Nav::Webhooks;
}

impl WebhookPages for Operator {
    const PATH: &'static str = "/operator/webhooks";
    const NAV: Nav = Nav::OperatorWebhooks;
}

pub(crate) fn read_id<T: std::str::FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Code::NotFound.into())
}

/// A webhook as shown.
struct Row {
    id: WebhookId,
    name: String,
    url: String,
    events: Vec<String>,
    state: &'static str,
    is_active: bool,
    /// Why it is disabled, or since when its deliveries fail.
    trouble: Option<String>,
    created: When,
    previous_until: Option<When>,
}

impl Row {
    fn new(webhook: &Webhook, now: Timestamp) -> Self {
        let failing = || {
            let since = When::past(webhook.failing_since?, now).text;
            Some(text("webhook-failing").with("since", since).to_string())
        };
        let disabled =
            webhook.disabled_reason.map(|reason| label("webhook-disabled", reason.as_str()));
        Self {
            id: webhook.id,
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            events: webhook.events.patterns().map(str::to_owned).collect(),
            state: webhook.state.as_str(),
            is_active: webhook.state == WebhookState::Active,
            trouble: disabled.or_else(failing),
            created: When::past(webhook.created_at, now),
            previous_until: super::previous_until(webhook, now).map(|at| When::future(at, now)),
        }
    }

    fn state_label(&self) -> String {
        label("webhook-state", self.state)
    }
}

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct ListPage {
    chrome: PageLayout,
    search: Option<String>,
    base: &'static str,
    listed: Vec<Row>,
    next: Option<String>,
}

pub(crate) async fn list<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Query(notice): Query<Done>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let found = super::list_webhooks(&app, &owner, &query.search()?).await?;
    Ok(page(&ListPage {
        chrome: owner.chrome(text("webhooks-title"), O::NAV).with_notice(&notice),
        search: query.field(found.next.is_some()),
        base: O::PATH,
        next: found.next.map(|last| query.next(O::PATH, &last)),
        listed: found.items.iter().map(|webhook| Row::new(webhook, now)).collect(),
    }))
}

/// The form input as sent, so that nothing is lost after an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookForm {
    name: String,
    url: String,
    events: Vec<String>,
}

/// The events of an area, with their names and titles.
struct Area {
    pattern: String,
    events: Vec<(&'static str, String)>,
}

fn areas() -> Vec<Area> {
    let mut areas = BTreeMap::<String, Vec<_>>::new();
    for name in Event::NAMES {
        let area = name.split('.').next().unwrap_or_default();
        areas.entry(format!("{area}.*")).or_default().push((*name, event_name(name)));
    }
    areas.into_iter().map(|(pattern, events)| Area { pattern, events }).collect()
}

#[derive(Template)]
#[template(path = "webhooks/form.html")]
struct FormPage {
    chrome: PageLayout,
    base: &'static str,
    /// The webhook that the form changes, or `None` for a new one.
    id: Option<WebhookId>,
    form: WebhookForm,
    areas: Vec<Area>,
    error: FormError,
}

impl FormPage {
    fn has(&self, pattern: &str) -> bool {
        self.form.events.iter().any(|chosen| chosen == pattern)
    }

    /// Returns whether single events of an area are chosen.
    fn is_open(&self, area: &Area) -> bool {
        area.events.iter().any(|(name, _)| self.has(name))
    }
}

const FIELDS: [&str; 3] = ["name", "url", "events"];

fn form_page<O: WebhookPages>(
    owner: &O,
    id: Option<WebhookId>,
    (form, error): (WebhookForm, FormError),
) -> FormPage {
    let title = text(if id.is_some() { "webhook-edit" } else { "webhook-new" });
    let chrome = owner.chrome(title, O::NAV);
    FormPage { chrome, base: O::PATH, id, form, areas: areas(), error }
}

pub(crate) async fn new_page<O: WebhookPages>(owner: O) -> Result<Response, Problem> {
    owner.permit_to_manage()?;
    Ok(page(&form_page(&owner, None, (WebhookForm::default(), FormError::default()))))
}

/// Shows the form again with the error beside its field.
fn again<O: WebhookPages>(
    owner: &O,
    id: Option<WebhookId>,
    (form, refusal): (WebhookForm, Refusal),
) -> Result<Response, Problem> {
    if refusal.kind() != Kind::Invalid {
        return Err(refusal.into());
    }
    let error = FormError::new(&refusal, &FIELDS);
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &form_page(owner, id, (form, error))))
}

fn read_request(form: &WebhookForm) -> Result<WebhookRequest, Refusal> {
    WebhookRequest::read((&form.name, &form.url), form.events.clone())
}

pub(crate) async fn create<O: WebhookPages>(
    State(app): State<AppState>,
    fresh: ReauthForm<WebhookForm, O>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: owner, form, .. } = fresh;
    owner.permit_to_manage()?;
    let made = match read_request(&form) {
        Ok(request) => super::create_webhook(&app, &owner, request).await,
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok((webhook, secret)) => Ok(shown_once(&app, &owner, &webhook, &secret)),
        Err(refusal) => again(&owner, None, (form, refusal)),
    }
}

#[derive(Template)]
#[template(path = "webhooks/shown_once.html")]
struct ShownOncePage {
    chrome: PageLayout,
    base: &'static str,
    row: Row,
    secret: String,
    public_key: Option<String>,
}

fn shown_once<O: WebhookPages>(
    app: &AppState,
    owner: &O,
    webhook: &Webhook,
    secret: &WebhookSecret,
) -> Response {
    let (row, secret) = (Row::new(webhook, app.now()), secret.expose());
    let chrome = owner.chrome(text("webhook-ready").with("name", &row.name), O::NAV);
    let public_key = super::public_key(app);
    page(&ShownOncePage { chrome, base: O::PATH, row, secret, public_key })
}

pub(crate) async fn edit_page<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    owner.permit_to_manage()?;
    let webhook = super::find_webhook(&app, &owner, read_id(&id)?).await?;
    let form = WebhookForm {
        name: webhook.name.clone(),
        url: webhook.url.clone(),
        events: webhook.events.patterns().map(str::to_owned).collect(),
    };
    Ok(page(&form_page(&owner, Some(webhook.id), (form, FormError::default()))))
}

pub(crate) async fn update<O: WebhookPages>(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<WebhookForm, O>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: owner, form, .. } = fresh;
    owner.permit_to_manage()?;
    let id = read_id(&id)?;
    let updated = match read_request(&form) {
        Ok(request) => super::update_webhook(&app, &owner, id, request).await,
        Err(refusal) => Err(refusal),
    };
    match updated {
        Ok(()) => Ok(done(&format!("{}/{id}", O::PATH), "webhook_updated", None).into_response()),
        Err(refusal) => again(&owner, Some(id), (form, refusal)),
    }
}

#[derive(Template)]
#[template(path = "webhooks/show.html")]
struct ShowPage {
    chrome: PageLayout,
    base: &'static str,
    path: String,
    row: Row,
    pending: u64,
    public_key: Option<String>,
    deliveries: Vec<DeliveryRow>,
    search: Option<String>,
    next: Option<String>,
}

pub(crate) async fn show<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Path(id): Path<String>,
    Query(notice): Query<Done>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let (webhook, pending) = super::find_webhook_with_pending(&app, &owner, read_id(&id)?).await?;
    let found = list_deliveries(&app, &owner, webhook.id, (None, &query.search()?)).await?;
    let path = format!("{}/{id}", O::PATH);
    Ok(page(&ShowPage {
        chrome: owner.chrome(&webhook.name, O::NAV).with_notice(&notice),
        base: O::PATH,
        row: Row::new(&webhook, now),
        pending: pending.unsigned_abs(),
        public_key: super::public_key(&app),
        deliveries: found.items.iter().map(|delivery| DeliveryRow::new(delivery, now)).collect(),
        search: query.field(found.next.is_some()),
        next: found.next.map(|last| query.next(&path, &last)),
        path,
    }))
}

/// Declares a handler of a button on a webhook's page.
macro_rules! buttons {
    ($($name:ident => $act:ident, $notice:literal;)*) => {$(
        pub(crate) async fn $name<O: WebhookPages>(
            State(app): State<AppState>,
            owner: O,
            Path(id): Path<String>,
        ) -> Result<Response, Problem> {
            let id = read_id(&id)?;
            super::$act(&app, &owner, id).await?;
            Ok(done(&format!("{}/{id}", O::PATH), $notice, None).into_response())
        }
    )*};
}

buttons! {
    pause => pause_webhook, "webhook_paused";
    resume => resume_webhook, "webhook_resumed";
    send_test => test_webhook, "webhook_tested";
}

#[derive(Template)]
#[template(path = "webhooks/confirm.html")]
struct ConfirmPage {
    chrome: PageLayout,
    base: &'static str,
    row: Row,
    /// Whether the secret is rotated rather than the webhook removed.
    rotates: bool,
}

async fn confirm_page<O: WebhookPages>(
    app: &AppState,
    owner: &O,
    (id, rotates): (&str, bool),
) -> Result<Response, Problem> {
    owner.permit_to_manage()?;
    let row = Row::new(&super::find_webhook(app, owner, read_id(id)?).await?, app.now());
    let title = text(if rotates { "webhook-rotate" } else { "webhook-remove" });
    let chrome = owner.chrome(title, O::NAV);
    Ok(page(&ConfirmPage { chrome, base: O::PATH, row, rotates }))
}

pub(crate) async fn rotate_page<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    confirm_page(&app, &owner, (&id, true)).await
}

pub(crate) async fn remove_page<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    confirm_page(&app, &owner, (&id, false)).await
}

pub(crate) async fn rotate<O: WebhookPages>(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<Nothing, O>,
) -> Result<Response, Problem> {
    let owner = fresh.caller;
    let (webhook, secret) = super::rotate_webhook_secret(&app, &owner, read_id(&id)?).await?;
    Ok(shown_once(&app, &owner, &webhook, &secret))
}

pub(crate) async fn remove<O: WebhookPages>(
    State(app): State<AppState>,
    owner: O,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    super::remove_webhook(&app, &owner, read_id(&id)?).await?;
    Ok(done(O::PATH, "webhook_removed", None).into_response())
}

/// Returns the public key that verifies `v1a` signatures, as a JWK set.
pub(crate) async fn published_keys(State(app): State<AppState>) -> Result<Json<Value>, Problem> {
    Ok(Json(published(&app)?))
}
