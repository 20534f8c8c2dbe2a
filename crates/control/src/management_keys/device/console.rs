//! `/device` and `/operator/device`: the page on which a user confirms the login of a device.

use crate::{
    AppState,
    door::{
        form_error::FormError,
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::Problem,
        reauth::ReauthForm,
    },
    management_keys::console::{Device, KeyPages, NewKeyForm, form_page, read_request},
    principal::{CurrentUser, Operator},
    refusal::{Code, Kind},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use keydesk_store::DeviceLogin;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeviceQuery {
    user_code: String,
}

/// The page that asks for the code, or says that the device is logged in.
#[derive(Template)]
#[template(path = "management_keys/device.html")]
struct DevicePage {
    chrome: PageLayout,
    path: &'static str,
    user_code: String,
    error: Option<String>,
    is_answered: bool,
}

fn code_page<M: KeyPages>(manager: &M, user_code: &str, error: Option<String>) -> DevicePage {
    DevicePage {
        chrome: manager.chrome(text("device-title"), M::NAV),
        path: M::DEVICE_PATH,
        user_code: user_code.to_owned(),
        error,
        is_answered: false,
    }
}

/// Operators without an account confirm a login for the instance.
pub(crate) async fn show(
    State(app): State<AppState>,
    user: CurrentUser,
    Query(notice): Query<Done>,
    Query(query): Query<DeviceQuery>,
) -> Result<Response, Problem> {
    match user {
        CurrentUser::Member(caller) => show_to(&app, &*caller, (&notice, &query)).await,
        CurrentUser::Operator(_) => {
            let code = form_urlencoded::byte_serialize(query.user_code.as_bytes());
            let code: String = code.collect();
            Ok(Redirect::to(&format!("/operator/device?user_code={code}")).into_response())
        }
    }
}

pub(crate) async fn show_to_operator(
    State(app): State<AppState>,
    operator: Operator,
    Query(notice): Query<Done>,
    Query(query): Query<DeviceQuery>,
) -> Result<Response, Problem> {
    show_to(&app, &operator, (&notice, &query)).await
}

async fn show_to<M: KeyPages>(
    app: &AppState,
    manager: &M,
    (notice, query): (&Done, &DeviceQuery),
) -> Result<Response, Problem> {
    if query.user_code.is_empty() {
        let shown = code_page(manager, "", None);
        let is_answered = notice.what.is_some();
        let chrome = shown.chrome.with_notice(notice);
        return Ok(page(&DevicePage { chrome, is_answered, ..shown }));
    }
    match super::find_open(app, manager, &query.user_code).await {
        Ok(login) => {
            let form = NewKeyForm::for_device(manager, &login);
            let asked = (form, FormError::default());
            Ok(page(
                &form_page(app, manager, asked).await?.for_device(shown(&query.user_code, login)),
            ))
        }
        Err(refusal) if refusal.code() == Code::InvalidUserCode => {
            let error = Some(crate::door::problem::detail(&refusal));
            let shown = code_page(manager, &query.user_code, error);
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn shown(user_code: &str, login: DeviceLogin) -> Device {
    Device {
        user_code: user_code.to_owned(),
        client: login.client.unwrap_or_default(),
        client_ip: login.client_ip.unwrap_or_default(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeviceForm {
    user_code: String,
    answer: String,
    name: String,
    expires: String,
    expires_on: String,
    scope: Vec<String>,
    ip_allowlist: String,
}

pub(crate) async fn answer<M: KeyPages>(
    State(app): State<AppState>,
    fresh: ReauthForm<DeviceForm, M>,
) -> Result<Response, Problem> {
    let ReauthForm { caller: manager, form, .. } = fresh;
    manager.permit_to_manage()?;
    let DeviceForm { user_code, answer, name, expires, expires_on, scope, ip_allowlist } = form;
    match answer.as_str() {
        "deny" => {
            super::deny(&app, &manager, &user_code).await?;
            return Ok(done(M::DEVICE_PATH, "device_denied", None).into_response());
        }
        "confirm" => {}
        _ => return Err(Code::InvalidForm.into()),
    }
    let form = NewKeyForm { name, expires, expires_on, scope, ip_allowlist };
    let confirmed = match read_request(&form) {
        Ok(request) => super::confirm(&app, &manager, (&user_code, request)).await,
        Err(refusal) => Err(refusal),
    };
    match confirmed {
        Ok(_) => Ok(done(M::DEVICE_PATH, "device_confirmed", None).into_response()),
        Err(refusal)
            if refusal.kind() == Kind::Invalid && refusal.code() != Code::InvalidUserCode =>
        {
            let login = super::find_open(&app, &manager, &user_code).await?;
            let error = FormError::new(&refusal, &crate::management_keys::console::FIELDS);
            let page = form_page(&app, &manager, (form, error)).await?;
            let page = page.for_device(shown(&user_code, login));
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(refusal) => Err(refusal.into()),
    }
}
