//! `/tokens`: the account's API tokens, and the page that shows a new one once.

use super::{ApiTokenRequest, Program};
use crate::{
    Desk,
    api_docs::ScopeOffer,
    caller::Caller,
    chrome::{Chrome, Done, Nav, done, page, page_with},
    codes,
    freshness::FreshForm,
    operations::list_scope_offers,
    problem::Problem,
    receipts::Issued,
    when::When,
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keydesk_model::{
    Expiry, ExpiryError, ExpiryPolicy, Overlap, OverlapError, Right, RotationTerms, Scope,
    ScopeSet, Timestamp, TokenId, TokenName, TokenState,
};
use keydesk_store::{ClosingSecret, Token};
use keydesk_token::PlainToken;
use serde::{Deserialize, Deserializer};

/// An API token as the tables show it.
pub(crate) struct Row {
    pub id: String,
    pub name: String,
    pub masked: String,
    pub scopes: Vec<String>,
    pub made_by: String,
    pub made: When,
    pub last_used: Option<When>,
    pub last_used_by: String,
    pub is_live: bool,
    pub expires: Option<When>,
    pub expires_soon: bool,
    /// Why it is over: "expired", "revoked".
    pub over: Option<(&'static str, When)>,
}

impl Row {
    pub fn new(token: Token, now: Timestamp) -> Self {
        let state = token.state(now);
        let is_live = state == TokenState::Live;
        let left = token.expires_at.map(|at| at.since(now));
        Self {
            id: token.id.to_string(),
            scopes: token
                .scopes
                .iter()
                .map(|scope| {
                    if scope.as_str() == "*" { "everything".to_owned() } else { scope.to_string() }
                })
                .collect(),
            made_by: token.created_by.unwrap_or_else(|| "a former member".to_owned()),
            made: When::past(token.created_at, now),
            last_used: token.last_used_at.map(|at| When::past(at, now)),
            last_used_by: match (token.last_used_by, token.last_used_from) {
                (Some(program), Some(addr)) => format!("{program} from {addr}"),
                _ => String::new(),
            },
            is_live,
            expires: token.expires_at.filter(|_| is_live).map(|at| When::future(at, now)),
            expires_soon: left.is_some_and(|left| left.as_secs() < 14 * 86_400),
            over: match state {
                TokenState::Live => None,
                TokenState::Expired(at) => Some(("expired", When::past(at, now))),
                TokenState::Ended(ending) => {
                    Some((ending.cause.as_str(), When::past(ending.at, now)))
                }
            },
            name: token.name,
            masked: token.masked,
        }
    }
}

/// An old secret that goes on beside a new one.
struct OldRow {
    token: TokenId,
    name: String,
    masked: String,
    until: When,
    /// After how much silence it closes earlier.
    quiet: Option<&'static str>,
    last_used: Option<When>,
    last_used_by: String,
}

impl OldRow {
    fn new(old: ClosingSecret, live: &[Row], now: Timestamp) -> Self {
        let id = old.token.to_string();
        let name = live.iter().find(|row| row.id == id).map(|row| row.name.clone());
        let quiet = Overlap::ALL.into_iter().find(|spans| Some(spans.duration()) == old.quiet);
        Self {
            token: old.token,
            name: name.unwrap_or(id),
            masked: old.masked,
            until: When::future(old.closing.at, now),
            quiet: quiet.map(Overlap::as_str),
            last_used: old.last_used_at.map(|at| When::past(at, now)),
            last_used_by: old.last_used_by.unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct ListPage {
    chrome: Chrome,
    live: Vec<Row>,
    old: Vec<OldRow>,
    over: Vec<Row>,
    may_manage: bool,
}

pub(crate) async fn list(
    State(desk): State<Desk>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Result<Response, Problem> {
    let now = desk.now();
    let rows =
        super::list_api_tokens(&desk, &caller).await?.into_iter().map(|token| Row::new(token, now));
    let (live, over): (Vec<_>, _) = rows.partition(|row| row.is_live);
    let old = super::list_closing_secrets(&desk, &caller).await?;
    let old = old.into_iter().filter(|old| old.closing.at > now);
    let old = old.map(|old| OldRow::new(old, &live, now)).collect();
    let chrome = Chrome::of(&caller, "Tokens", Nav::Tokens).with_notice(&query);
    Ok(page(&ListPage {
        chrome,
        live,
        old,
        over,
        may_manage: caller.member.role.may(Right::ManageTokens),
    }))
}

/// What the form holds, as sent, so that a mistake loses nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewTokenForm {
    name: String,
    expires: String,
    /// The date field, which counts where `expires` says `date`.
    expires_on: String,
    #[serde(deserialize_with = "one_or_more")]
    scope: Vec<String>,
    request_key: Option<String>,
}

/// A field that was sent once comes as a string, one sent repeatedly as a list.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(match OneOrMore::deserialize(from)? {
        OneOrMore::One(one) => vec![one],
        OneOrMore::More(more) => more,
    })
}

#[derive(Template)]
#[template(path = "tokens/new.html")]
struct NewPage {
    chrome: Chrome,
    form: NewTokenForm,
    offers: Vec<ScopeOffer>,
    choices: Vec<(&'static str, &'static str)>,
    errors: Errors,
    request_key: String,
    /// How long it may live, in words.
    policy: Option<String>,
    begins_with: String,
}

/// Beside which field something is wrong.
#[derive(Debug, Default)]
struct Errors {
    name: Option<String>,
    expires: Option<String>,
    scope: Option<String>,
}

const CHOICES: [(&str, &str); 6] = [
    ("never", "Never"),
    ("30d", "30 days"),
    ("60d", "60 days"),
    ("90d", "90 days"),
    ("180d", "180 days"),
    ("365d", "A year"),
];

impl NewPage {
    fn has(&self, scope: &str) -> bool {
        self.form.scope.iter().any(|held| held == scope)
    }

    fn chosen(&self, expires: &str) -> bool {
        let chosen =
            if self.form.expires.is_empty() { &self.begins_with } else { &self.form.expires };
        chosen == expires
    }
}

async fn form_page(
    desk: &Desk,
    caller: &Caller,
    form: NewTokenForm,
    errors: Errors,
) -> Result<NewPage, Problem> {
    let (key, _) = codes::generate(&desk.entropy);
    let account = desk.store.read().await?.find_account(caller.account.id).await?;
    let policy = super::expiry_policy(desk, account.as_ref());
    // What would be refused is not offered.
    let choices = CHOICES.into_iter().filter(|(value, _)| {
        let expiry = value.parse::<Expiry>().ok();
        expiry.is_some_and(|expiry| {
            super::keeps_to(policy, account.as_ref(), expiry, desk.now()).is_ok()
        })
    });
    Ok(NewPage {
        begins_with: begins_with(policy),
        policy: told(policy),
        chrome: Chrome::of(caller, "Create new token", Nav::Tokens),
        form,
        offers: list_scope_offers(desk).await?,
        choices: choices.collect(),
        errors,
        request_key: key[..32].to_owned(),
    })
}

/// The span that the form begins with: the operator's, or the longest that may be.
fn begins_with(policy: ExpiryPolicy) -> String {
    let days = |text: &str| text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok());
    let may = |value: &&str| match policy.max_days {
        Some(most) => days(value).is_some_and(|days| days <= most),
        None => !policy.is_required || *value != "never",
    };
    let wanted = match policy.default {
        Some(Expiry::Days(days)) => Some(format!("{days}d")),
        _ => None,
    };
    let offered = || CHOICES.iter().map(|(value, _)| *value);
    let wanted = wanted.filter(|wanted| offered().filter(may).any(|value| value == wanted));
    let first = offered().find(|value| *value == "never" && may(value));
    let longest = || offered().rfind(may);
    wanted.unwrap_or_else(|| first.or_else(longest).unwrap_or("date").to_owned())
}

fn told(policy: ExpiryPolicy) -> Option<String> {
    match policy.max_days {
        Some(1) => Some("Tokens of this account may live for one day at most.".to_owned()),
        Some(days) => Some(format!("Tokens of this account may live for {days} days at most.")),
        None if policy.is_required => Some("Tokens of this account must have an end.".to_owned()),
        None => None,
    }
}

pub(crate) async fn new_page(
    State(desk): State<Desk>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.permit(Right::ManageTokens)?;
    Ok(page(&form_page(&desk, &caller, NewTokenForm::default(), Errors::default()).await?))
}

#[derive(Template)]
#[template(path = "tokens/shown_once.html")]
struct ShownOncePage {
    chrome: Chrome,
    row: Row,
    token: PlainToken,
    endpoint_url: String,
    whoami: String,
    rotated: Option<Rotated>,
}

/// The secret took the place of another.
struct Rotated {
    receipt: Option<Issued>,
    /// Until when the old one goes on.
    old_until: Option<When>,
}

fn shown_once(
    desk: &Desk,
    caller: &Caller,
    token: Token,
    plain: PlainToken,
    rotated: Option<Rotated>,
) -> Response {
    let endpoint_url = desk.settings.endpoint_url(caller.account.number);
    let whoami = format!("{endpoint_url}/{}/whoami", desk.settings.reserved_prefix);
    let chrome = Chrome::of(
        caller,
        if rotated.is_some() { "Token rotated" } else { "Token created" },
        Nav::Tokens,
    );
    let row = Row::new(token, desk.now());
    page(&ShownOncePage { chrome, row, token: plain, endpoint_url, whoami, rotated })
}

pub(crate) async fn issue(
    State(desk): State<Desk>,
    fresh: FreshForm<NewTokenForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    caller.permit(Right::ManageTokens)?;
    let request = match read_request(&form) {
        Ok(request) => request,
        Err(errors) => {
            let page = form_page(&desk, &caller, form, errors).await?;
            return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    if let Err(error) = request.expiry.resolve(desk.now()) {
        let errors = Errors { expires: Some(error.to_string()), ..Errors::default() };
        let page = form_page(&desk, &caller, form, errors).await?;
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let account = desk.store.read().await?.find_account(caller.account.id).await?;
    let policy = super::expiry_policy(&desk, account.as_ref());
    if let Err(error) = super::keeps_to(policy, account.as_ref(), request.expiry, desk.now()) {
        let errors = Errors { expires: Some(error.to_string()), ..Errors::default() };
        let page = form_page(&desk, &caller, form, errors).await?;
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let (token, plain) = super::issue_api_token(&desk, &caller, request).await?;
    Ok(shown_once(&desk, &caller, token, plain, None))
}

/// A date that someone gave counts, whether or not they also chose "on a date".
fn read_expiry(form: &NewTokenForm) -> Result<Expiry, String> {
    let text = match (form.expires.as_str(), form.expires_on.as_str()) {
        ("date", "") => return Err("choose the last day, or one of the other spans".to_owned()),
        ("" | "never" | "date", date) if !date.is_empty() => date,
        ("", _) => "never",
        (span, "") => span,
        (_, _) => return Err("choose a span or a last day, not both".to_owned()),
    };
    text.parse().map_err(|error: ExpiryError| error.to_string())
}

fn read_request(form: &NewTokenForm) -> Result<ApiTokenRequest, Errors> {
    let name = form.name.parse::<TokenName>();
    let expiry = read_expiry(form);
    let scopes =
        form.scope.iter().map(|text| text.parse::<Scope>()).collect::<Result<ScopeSet, _>>();
    let nothing_chosen = scopes.as_ref().is_ok_and(ScopeSet::is_empty);
    match (name, expiry, scopes) {
        (Ok(name), Ok(expiry), Ok(scopes)) if !nothing_chosen => Ok(ApiTokenRequest {
            name,
            scopes,
            expiry,
            request_key: form.request_key.clone().filter(|key| (16..=64).contains(&key.len())),
        }),
        (name, expiry, scopes) => Err(Errors {
            name: name.err().map(|error| error.to_string()),
            expires: expiry.err(),
            scope: match scopes {
                Err(error) => Some(error.to_string()),
                Ok(_) if nothing_chosen => {
                    Some("choose at least one scope, or “everything”".to_owned())
                }
                Ok(_) => None,
            },
        }),
    }
}

#[derive(Template)]
#[template(path = "tokens/end.html")]
struct EndPage {
    chrome: Chrome,
    row: Row,
    version: i64,
    programs: Vec<Program>,
    rotates: bool,
}

async fn end_page(
    desk: &Desk,
    caller: &Caller,
    id: &str,
    rotates: bool,
) -> Result<Response, Problem> {
    caller.permit(Right::ManageTokens)?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let token = super::find_api_token(desk, caller, id).await?;
    let version = token.version;
    let row = Row::new(token, desk.now());
    if !row.is_live {
        return Err(super::TokenError::Ended.into());
    }
    let programs = super::list_programs(desk, id).await?;
    let chrome = Chrome::of(
        caller,
        if rotates { "Rotate API token" } else { "Revoke API token" },
        Nav::Tokens,
    );
    Ok(page(&EndPage { chrome, row, version, programs, rotates }))
}

pub(crate) async fn rotate_page(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&desk, &caller, &id, true).await
}

pub(crate) async fn revoke_page(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&desk, &caller, &id, false).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RotateForm {
    version: Option<String>,
    overlap: Option<String>,
    quiet: Option<String>,
}

impl RotateForm {
    /// The version that the page showed; a script may leave it out.
    pub fn version(&self) -> Result<Option<i64>, Problem> {
        let seen = self.version.as_deref().map(str::parse).transpose();
        seen.map_err(|_| Problem::invalid("version is a whole number, or left out"))
    }

    fn terms(&self) -> Result<RotationTerms, Problem> {
        let read = |text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(Overlap::None),
            Some(text) => {
                text.parse().map_err(|error: OverlapError| Problem::invalid(error.to_string()))
            }
        };
        Ok(RotationTerms { overlap: read(&self.overlap)?, quiet: read(&self.quiet)? })
    }
}

pub(crate) async fn rotate(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    fresh: FreshForm<RotateForm>,
) -> Result<Response, Problem> {
    let FreshForm { caller, form } = fresh;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let made = super::rotate_api_token(&desk, &caller, id, form.version()?, form.terms()?).await?;
    let old_until = made.closing.map(|closing| When::future(closing.at, desk.now()));
    let rotated = Rotated { receipt: made.receipt, old_until };
    Ok(shown_once(&desk, &caller, made.token, made.plain, Some(rotated)))
}

pub(crate) async fn revoke(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let receipt = super::revoke_api_token(&desk, &caller, id).await?;
    Ok(done("/tokens", "token_revoked", receipt.as_ref()).into_response())
}

pub(crate) async fn close_old(
    State(desk): State<Desk>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let receipt = super::close_old_secrets(&desk, &caller, id).await?;
    Ok(done("/tokens", "old_closed", receipt.as_ref()).into_response())
}
