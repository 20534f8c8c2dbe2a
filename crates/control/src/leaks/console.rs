//! `/report-leak`: the page on which anyone can report a leaked secret. The response is the same for every secret.

use super::{count, read_location, read_secrets, report_leak};
use crate::{
    AppState,
    door::{
        form_error::FormError,
        language::text,
        layout::{Nav, PageLayout, page, page_with},
        problem::Problem,
    },
    refusal::{Kind, Refusal},
};
use askama::Template;
use axum::{Extension, Form, extract::State, http::StatusCode, response::Response};
use keydesk_model::{LeakReporter, Origin, audit::LeakReport};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "leaks/report.html")]
struct ReportPage {
    chrome: PageLayout,
    url: String,
    is_sent: bool,
    error: FormError,
}

/// The submitted report. The page doesn't show the secret again, even after an error.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReportForm {
    secret: String,
    url: String,
}

fn report_page(url: String, is_sent: bool, error: FormError) -> ReportPage {
    let chrome = PageLayout::nobody(text("report-leak-title"), Nav::None);
    ReportPage { chrome, url, is_sent, error }
}

pub(crate) async fn show() -> Response {
    page(&report_page(String::new(), false, FormError::default()))
}

pub(crate) async fn report(
    State(app): State<AppState>,
    Extension(origin): Extension<Origin>,
    Form(form): Form<ReportForm>,
) -> Result<Response, Problem> {
    match submit(&app, &form, &origin).await {
        Ok(()) => Ok(page(&report_page(String::new(), true, FormError::default()))),
        Err(refusal) if refusal.kind() == Kind::Invalid => {
            let error = FormError::new(&refusal, &["secret"]);
            let shown = report_page(form.url, false, error);
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn submit(app: &AppState, form: &ReportForm, origin: &Origin) -> Result<(), Refusal> {
    count(app, &app.leak_reports, origin)?;
    let reporter = LeakReporter::ReportForm;
    for hash in read_secrets(&form.secret)? {
        let report = LeakReport { reporter, location: read_location(&form.url) };
        report_leak(app, hash, report, origin).await?;
    }
    Ok(())
}
