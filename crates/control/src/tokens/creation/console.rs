//! `/tokens/new`: the form for an API token, which keeps its input after an error.

use super::{ApiTokenRequest, TokenOptions, find_predecessor, list_options};
use crate::{
    AppState,
    api_docs::ScopeOffer,
    door::{
        language::{label, text},
        layout::{Nav, PageLayout, page, page_with},
        problem::{Problem, detail},
        reauth::ReauthForm,
        when::When,
    },
    one_time::codes,
    principal::Caller,
    refusal::Code,
    tokens::{console::shown_once, expiry::Policies, limits::console::networks},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use keydesk_model::{
    Expiry, ExpiryError, ExpiryPolicy, IpAllowlist, Scope, ScopeSet, Timestamp, TokenId, TokenName,
    TokenNote,
};
use keydesk_store::Token;
use serde::Deserialize;

/// The form input as sent, so that nothing is lost after an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewTokenForm {
    name: String,
    note: String,
    expires: String,
    /// The date field, which applies if `expires` is `date`.
    expires_on: String,
    scope: Vec<String>,
    /// `None` if a script omits it: then a successor gets the list of its predecessor.
    ip_allowlist: Option<String>,
    request_key: Option<String>,
    successor_of: String,
}

impl NewTokenForm {
    /// The form for a token with the name, scopes, and lifetime of another one.
    fn for_successor(of: &Token) -> Self {
        // A lifetime in days ends with its last day.
        let days = |end: Timestamp| (end.since(of.created_at).as_secs() / (24 * 60 * 60)).max(1);
        Self {
            name: of.name.clone(),
            note: of.note.as_str().to_owned(),
            expires: of
                .expires_at
                .map_or_else(|| "never".to_owned(), |end| format!("{}d", days(end))),
            scope: of.scopes.iter().map(ToString::to_string).collect(),
            ip_allowlist: Some(networks(&of.ip_allowlist).join("\n")),
            successor_of: of.id.to_string(),
            ..Self::default()
        }
    }
}

/// What the form is filled in with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewTokenQuery {
    successor_of: Option<TokenId>,
}

#[derive(Template)]
#[template(path = "tokens/new.html")]
struct NewPage {
    chrome: PageLayout,
    form: NewTokenForm,
    offers: Vec<ScopeOffer>,
    /// Whether scopes are only observed.
    observed: bool,
    choices: Vec<(String, String)>,
    errors: Errors,
    request_key: String,
    /// The maximum lifetime as text.
    policy: Option<String>,
    begins_with: String,
    /// The token whose successor this is.
    predecessor: Option<Token>,
}

/// The error messages of the fields.
#[derive(Debug, Default)]
struct Errors {
    name: Option<String>,
    note: Option<String>,
    expires: Option<String>,
    scope: Option<String>,
    ip_allowlist: Option<String>,
}

/// The lifetime that a form begins with, unless the operator has set another one.
const DEFAULT: &str = "90d";
const CHOICES: [&str; 6] = ["never", "30d", "60d", "90d", "180d", "365d"];

impl NewPage {
    fn has(&self, scope: &str) -> bool {
        self.form.scope.iter().any(|held| held == scope)
    }

    /// Returns the scopes of the form that the document doesn't offer.
    fn other_scopes(&self) -> impl Iterator<Item = &String> {
        let is_offered = |scope: &str| self.offers.iter().any(|offer| offer.scope == scope);
        self.form.scope.iter().filter(move |scope| *scope != "*" && !is_offered(scope))
    }

    fn chosen(&self, expires: &str) -> bool {
        let chosen =
            if self.form.expires.is_empty() { &self.begins_with } else { &self.form.expires };
        chosen == expires
    }
}

fn form_page(
    app: &AppState,
    caller: &Caller,
    TokenOptions { policies, scopes, are_scopes_observed }: TokenOptions,
    (form, predecessor): (NewTokenForm, Option<Token>),
    errors: Errors,
) -> NewPage {
    let (key, _) = codes::generate(&app.entropy);
    // Values that would be rejected are not offered.
    let own = predecessor.as_ref().map(|_| form.expires.clone());
    let own = own.filter(|expires| !CHOICES.contains(&expires.as_str()) && expires != "date");
    let now = app.now();
    let end = |value: &str| {
        let expiry = value.parse::<Expiry>().ok()?;
        policies.permitted_end(expiry, now).ok()
    };
    let choices = CHOICES.into_iter().filter_map(|value| {
        let name = label("expires", value);
        let name = match end(value)? {
            Some(at) => {
                let day = When::last_day(at, now);
                text("expires-on").with("span", name).with("day", day).to_string()
            }
            None => name,
        };
        Some((value.to_owned(), name))
    });
    NewPage {
        begins_with: begins_with(policies.held),
        policy: user_message(policies.held),
        chrome: PageLayout::of(caller, text("token-new-title"), Nav::Tokens),
        form,
        offers: scopes,
        observed: are_scopes_observed,
        choices: choices.chain(own.map(|value| (value.clone(), same_lifetime(&value)))).collect(),
        predecessor,
        errors,
        request_key: key[..32].to_owned(),
    }
}

/// Returns the label of a predecessor's lifetime that the form doesn't offer by itself.
fn same_lifetime(expires: &str) -> String {
    let days = expires.trim_end_matches('d').parse::<u32>().unwrap_or_default();
    text("token-new-same-lifetime").count("n", days).to_string()
}

/// Returns the token that a form names as predecessor.
async fn predecessor(app: &AppState, caller: &Caller, id: &str) -> Result<Option<Token>, Problem> {
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(Some(find_predecessor(app, caller, id).await?))
}

/// Returns the initial lifetime in the form: the operator's default, or the maximum lifetime.
fn begins_with(policy: ExpiryPolicy) -> String {
    let days = |text: &str| text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok());
    let may = |value: &&str| match policy.max_days {
        Some(most) => days(value).is_some_and(|days| days <= most),
        None => !policy.is_required || *value != "never",
    };
    let wanted = match policy.default {
        Some(Expiry::Days(days)) => Some(format!("{days}d")),
        Some(_) => None,
        None => Some(DEFAULT.to_owned()),
    };
    let offered = || CHOICES.into_iter();
    let wanted = wanted.filter(|wanted| offered().filter(may).any(|value| value == wanted));
    let first = offered().find(|value| *value == "never" && may(value));
    let longest = || offered().rfind(may);
    wanted.unwrap_or_else(|| first.or_else(longest).unwrap_or("date").to_owned())
}

fn user_message(policy: ExpiryPolicy) -> Option<String> {
    match policy.max_days {
        Some(days) => Some(text("expires-at-most").count("n", u32::from(days)).to_string()),
        None if policy.is_required => Some(text("must-expire").to_string()),
        None => None,
    }
}

pub(crate) async fn new_page(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<NewTokenQuery>,
) -> Result<Response, Problem> {
    let options = list_options(&app, &caller).await?;
    let predecessor = match query.successor_of {
        Some(id) => Some(find_predecessor(&app, &caller, id).await?),
        None => None,
    };
    let form = predecessor.as_ref().map(NewTokenForm::for_successor).unwrap_or_default();
    Ok(page(&form_page(&app, &caller, options, (form, predecessor), Errors::default())))
}

pub(crate) async fn issue(
    State(app): State<AppState>,
    fresh: ReauthForm<NewTokenForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    let options = list_options(&app, &caller).await?;
    let predecessor = predecessor(&app, &caller, &form.successor_of).await?;
    let inherited = predecessor.as_ref().map(|token| token.ip_allowlist.clone());
    let is_given = form.ip_allowlist.is_some();
    let request = match read_request(&form, options.policies, app.now()) {
        Ok(request) if is_given => request,
        Ok(request) => ApiTokenRequest { ip_allowlist: inherited.unwrap_or_default(), ..request },
        Err(errors) => {
            let page = form_page(&app, &caller, options, (form, predecessor), errors);
            return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let (token, plain) = super::issue_api_token(&app, &caller, request).await?;
    Ok(shown_once(&app, &caller, token, plain, None))
}

/// Reads the expiration. A given date applies even if "on a date" was not selected.
fn read_expiry(form: &NewTokenForm) -> Result<Expiry, String> {
    let text = match (form.expires.as_str(), form.expires_on.as_str()) {
        ("date", "") => return Err(detail(&Code::MissingExpiryDate.into())),
        ("" | "never" | "date", date) if !date.is_empty() => date,
        ("", _) => "never",
        (span, "") => span,
        (_, _) => return Err(detail(&Code::AmbiguousExpiry.into())),
    };
    text.parse().map_err(|error: ExpiryError| detail(&error.into()))
}

/// Reads the request from the form, or returns the errors of its fields.
fn read_request(
    form: &NewTokenForm,
    policies: Policies,
    now: Timestamp,
) -> Result<ApiTokenRequest, Errors> {
    let name = form.name.parse::<TokenName>();
    let note = form.note.parse::<TokenNote>();
    let expiry = read_expiry(form).and_then(|expiry| {
        let end = policies.permitted_end(expiry, now);
        end.map(|_| expiry).map_err(|error| detail(&error))
    });
    let scopes =
        form.scope.iter().map(|text| text.parse::<Scope>()).collect::<Result<ScopeSet, _>>();
    let given = form.ip_allowlist.as_deref().unwrap_or_default();
    let ip_allowlist = given.parse::<IpAllowlist>();
    let nothing_chosen = scopes.as_ref().is_ok_and(ScopeSet::is_empty);
    let too_many = scopes.as_ref().ok().and_then(|scopes| scopes.check_size().err());
    match (name, note, expiry, scopes, ip_allowlist) {
        (Ok(name), Ok(note), Ok(expiry), Ok(scopes), Ok(ip_allowlist))
            if !nothing_chosen && too_many.is_none() =>
        {
            Ok(ApiTokenRequest {
                name,
                note,
                scopes,
                ip_allowlist,
                expiry,
                request_key: form.request_key.clone().filter(|key| (16..=64).contains(&key.len())),
            })
        }
        (name, note, expiry, scopes, ip_allowlist) => Err(Errors {
            ip_allowlist: ip_allowlist.err().map(|error| detail(&error.into())),
            name: name.err().map(|error| detail(&error.into())),
            note: note.err().map(|error| detail(&error.into())),
            expires: expiry.err(),
            scope: match scopes {
                Err(error) => Some(detail(&error.into())),
                Ok(_) if nothing_chosen => Some(detail(&Code::MissingScope.into())),
                Ok(_) => too_many.map(|error| detail(&error.into())),
            },
        }),
    }
}
