//! `/keys` and `/operator/keys`: the management keys of an account or of the instance, the page that shows a secret
//! once, and the actions.

use super::{KeyManager, KeyRequest};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        form_error::FormError,
        language::{label, text},
        layout::{Done, Nav, PageLayout, done, page, page_with},
        list_query::ListQuery,
        problem::Problem,
        reauth::ReauthForm,
        when::When,
    },
    principal::{Caller, Operator},
    refusal::{At as _, Code, Kind, Refusal},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{
    Expiry, GracePeriod, IpAllowlist, KeyScope, KeyScopes, ManagementKeyId, Permission, Timestamp,
    TokenName,
};
use keydesk_store::{DeviceLogin, ManagementKey};
use keydesk_token::PlainToken;
use serde::Deserialize;

/// The pages of a manager's keys.
pub(crate) trait KeyPages: KeyManager + SignedIn {
    const PATH: &'static str;
    const NAV: Nav;
    /// The page on which the login of a device is confirmed.
    const DEVICE_PATH: &'static str;

    /// Returns whether the page offers to take over a key of another member.
    fn may_take_over(&self, key: &ManagementKey) -> bool;
}

impl KeyPages for Caller {
    const PATH: &'static str = "/keys";
    const NAV: Nav = Nav::Keys;
    const DEVICE_PATH: &'static str = "/device";

    fn may_take_over(&self, key: &ManagementKey) -> bool {
        self.may(Permission::TakeOverKeys) && key.member != Some(self.member.id)
    }
}

impl KeyPages for Operator {
    const PATH: &'static str = "/operator/keys";
    const NAV: Nav = Nav::OperatorKeys;
    const DEVICE_PATH: &'static str = "/operator/device";

    fn may_take_over(&self, _: &ManagementKey) -> bool {
        false
    }
}

/// A key as shown in the table.
struct Row {
    id: ManagementKeyId,
    name: String,
    masked: String,
    scopes: Vec<&'static str>,
    acts_as: String,
    created: When,
    last_used: Option<When>,
    last_used_by: String,
    is_active: bool,
    may_take_over: bool,
    may_rotate: bool,
    expires: When,
    /// The time until which the previous secret works.
    previous_until: Option<When>,
    /// The reason why it no longer works, "expired" or "revoked", and the time.
    over: Option<(String, When)>,
}

impl Row {
    fn new(key: ManagementKey, manager: &impl KeyPages, now: Timestamp) -> Self {
        let is_active = key.is_active(now);
        let over = match key.revoked_at {
            Some(at) => Some((label("inactive", "revoked"), When::past(at, now))),
            None if !is_active => {
                Some((label("inactive", "expired"), When::past(key.expires_at, now)))
            }
            None => None,
        };
        let previous = key.previous_secret_expires_at.filter(|at| is_active && *at > now);
        Self {
            id: key.id,
            may_take_over: is_active && manager.may_take_over(&key),
            may_rotate: key.user == KeyManager::user(manager) && key.member == manager.member(),
            scopes: key.scopes.iter().map(KeyScope::as_str).collect(),
            acts_as: key.user_name,
            created: When::past(key.created_at, now),
            last_used: key.last_used_at.map(|at| When::past(at, now)),
            last_used_by: match (key.last_used_by, key.last_used_from) {
                (Some(client), Some(address)) => {
                    text("client-from").with("client", client).with("address", address).to_string()
                }
                _ => String::new(),
            },
            is_active,
            expires: When::future(key.expires_at, now),
            previous_until: previous.map(|at| When::future(at, now)),
            over,
            name: key.name,
            masked: key.masked,
        }
    }
}

#[derive(Template)]
#[template(path = "management_keys/list.html")]
struct ListPage {
    chrome: PageLayout,
    search: Option<String>,
    base: &'static str,
    api_url: String,
    listed: Vec<Row>,
    next: Option<String>,
}

pub(crate) async fn list<M: KeyPages>(
    State(app): State<AppState>,
    manager: M,
    Query(notice): Query<Done>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let found = super::list_keys(&app, &manager, &query.search()?).await?;
    Ok(page(&ListPage {
        chrome: manager.chrome(text("keys-title"), M::NAV).with_notice(&notice),
        search: query.field(found.next.is_some()),
        base: M::PATH,
        api_url: format!("{}/api/v1", app.settings.console_url),
        next: found.next.map(|last| query.next(M::PATH, &last)),
        listed: found.items.into_iter().map(|key| Row::new(key, &manager, now)).collect(),
    }))
}

/// The form input as sent, so that nothing is lost after an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewKeyForm {
    pub name: String,
    pub expires: String,
    pub expires_on: String,
    pub scope: Vec<String>,
    pub ip_allowlist: String,
}

impl NewKeyForm {
    /// The scopes that a device asked for, or else those that change nothing.
    pub fn for_device(manager: &impl KeyManager, login: &DeviceLogin) -> Self {
        let offered = manager.grantable_scopes().into_iter();
        let wanted: Vec<_> = login.scopes.iter().collect();
        let is_read = |scope: &KeyScope| wanted.is_empty() && scope.as_str().ends_with(":read");
        let scopes = offered.filter(|scope| wanted.contains(scope) || is_read(scope));
        let address = login.client_ip.as_deref().unwrap_or_default();
        Self {
            name: text("device-key-name").with("address", address).to_string(),
            scope: scopes.map(|scope| scope.as_str().to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// The device whose login the page confirms.
pub(crate) struct Device {
    pub user_code: String,
    pub client: String,
    pub client_ip: String,
}

#[derive(Template)]
#[template(path = "management_keys/new.html")]
pub(crate) struct NewPage {
    chrome: PageLayout,
    base: &'static str,
    /// The path of the form.
    action: &'static str,
    device: Option<Device>,
    device_path: &'static str,
    form: NewKeyForm,
    offers: Vec<(KeyScope, String)>,
    choices: Vec<(&'static str, String)>,
    max_days: Option<u32>,
    error: FormError,
}

/// The offered lifetimes, in days.
const CHOICES: [(&str, u16); 3] = [("30d", 30), ("90d", 90), ("365d", 365)];
pub(crate) const FIELDS: [&str; 4] = ["name", "scope", "expires", "ip_allowlist"];

impl NewPage {
    /// Makes the page confirm the login of a device.
    pub fn for_device(mut self, device: Device) -> Self {
        self.chrome.title = text("device-title").to_string();
        Self { action: self.device_path, device: Some(device), ..self }
    }

    fn has(&self, scope: KeyScope) -> bool {
        self.form.scope.iter().any(|held| held == scope.as_str())
    }

    fn chosen(&self, expires: &str) -> bool {
        if self.form.expires.is_empty() {
            self.choices.get(1).or(self.choices.first()).is_some_and(|first| first.0 == expires)
        } else {
            self.form.expires == expires
        }
    }
}

pub(crate) async fn form_page<M: KeyPages>(
    app: &AppState,
    manager: &M,
    (form, error): (NewKeyForm, FormError),
) -> Result<NewPage, Refusal> {
    let max_days = super::find_max_days(app, manager).await?;
    let is_offered = |days: u16| max_days.is_none_or(|most| days <= most);
    let choices = CHOICES.into_iter().filter(|(_, days)| is_offered(*days));
    let offers = manager.grantable_scopes().into_iter();
    Ok(NewPage {
        chrome: manager.chrome(text("key-new-title"), M::NAV),
        base: M::PATH,
        action: M::PATH,
        device: None,
        device_path: M::DEVICE_PATH,
        form,
        offers: offers.map(|scope| (scope, label("key-scope", message_name(scope)))).collect(),
        choices: choices.map(|(value, _)| (value, label("expires", value))).collect(),
        max_days: max_days.map(u32::from),
        error,
    })
}

/// Returns the name of a scope's message, which has no colon.
fn message_name(scope: KeyScope) -> String {
    scope.as_str().replace(':', "-")
}

pub(crate) async fn new_page<M: KeyPages>(
    State(app): State<AppState>,
    manager: M,
) -> Result<Response, Problem> {
    manager.permit_to_manage()?;
    let begin = (NewKeyForm::default(), FormError::default());
    Ok(page(&form_page(&app, &manager, begin).await?))
}

pub(crate) fn read_request(form: &NewKeyForm) -> Result<KeyRequest, Refusal> {
    let expires = match (form.expires.as_str(), form.expires_on.as_str()) {
        ("date" | "", "") => return Err(Refusal::new(Code::MissingExpiryDate).at("expires")),
        ("date" | "", date) => date,
        (span, "") => span,
        (_, _) => return Err(Refusal::new(Code::AmbiguousExpiry).at("expires")),
    };
    Ok(KeyRequest {
        name: form.name.parse::<TokenName>().at("name")?,
        scopes: form.scope.join(" ").parse::<KeyScopes>()?,
        expiry: expires.parse::<Expiry>()?,
        ip_allowlist: form.ip_allowlist.parse::<IpAllowlist>()?,
    })
}

pub(crate) async fn create<M: KeyPages>(
    State(app): State<AppState>,
    fresh: ReauthForm<NewKeyForm, M>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: manager, form, .. } = fresh;
    let made = match read_request(&form) {
        Ok(request) => super::create_key(&app, &manager, request).await,
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok((key, plain)) => Ok(shown_once(&app, &manager, key, plain)),
        Err(refusal) if refusal.kind() == Kind::Invalid => {
            let error = FormError::new(&refusal, &FIELDS);
            let shown = form_page(&app, &manager, (form, error)).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(Template)]
#[template(path = "management_keys/shown_once.html")]
struct ShownOncePage {
    chrome: PageLayout,
    base: &'static str,
    row: Row,
    secret: PlainToken,
    api_url: String,
}

fn shown_once<M: KeyPages>(
    app: &AppState,
    manager: &M,
    key: ManagementKey,
    secret: PlainToken,
) -> Response {
    let chrome = manager.chrome(text("key-created"), M::NAV);
    let api_url = format!("{}/api/v1", app.settings.console_url);
    let row = Row::new(key, manager, app.now());
    page(&ShownOncePage { chrome, base: M::PATH, row, secret, api_url })
}

#[derive(Template)]
#[template(path = "management_keys/end.html")]
struct EndPage {
    chrome: PageLayout,
    base: &'static str,
    row: Row,
    version: i64,
    rotates: bool,
}

async fn end_page<M: KeyPages>(
    app: &AppState,
    manager: &M,
    (id, rotates): (&str, bool),
) -> Result<Response, Problem> {
    manager.permit_to_manage()?;
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let key = super::find_key(app, manager, id).await?;
    if !key.is_active(app.now()) {
        return Err(Code::KeyInactive.into());
    }
    let version = key.version;
    let title = text(if rotates { "key-rotate" } else { "key-revoke" });
    let chrome = manager.chrome(title, M::NAV);
    let row = Row::new(key, manager, app.now());
    Ok(page(&EndPage { chrome, base: M::PATH, row, version, rotates }))
}

pub(crate) async fn rotate_page<M: KeyPages>(
    State(app): State<AppState>,
    manager: M,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &manager, (&id, true)).await
}

pub(crate) async fn revoke_page<M: KeyPages>(
    State(app): State<AppState>,
    manager: M,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &manager, (&id, false)).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RotateForm {
    version: Option<String>,
    grace_period: Option<String>,
}

pub(crate) async fn rotate<M: KeyPages>(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<RotateForm, M>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: manager, form, .. } = fresh;
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let version = form.version.as_deref().map(str::parse).transpose();
    let version = version.map_err(|_| Code::InvalidVersion)?;
    let grace_period = match form.grace_period.as_deref() {
        None | Some("") => GracePeriod::None,
        Some(text) => text.parse().map_err(Refusal::from)?,
    };
    let (key, secret) = super::rotate_key(&app, &manager, id, (version, grace_period)).await?;
    Ok(shown_once(&app, &manager, key, secret))
}

pub(crate) async fn revoke<M: KeyPages>(
    State(app): State<AppState>,
    manager: M,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    super::revoke_key(&app, &manager, id).await?;
    Ok(done(M::PATH, "key_revoked", None).into_response())
}

pub(crate) async fn take_over(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    super::take_over_key(&app, &caller, id).await?;
    Ok(done("/keys", "key_taken_over", None).into_response())
}
