//! `/receipts`: what was promised when a token ended; and the keys with which anyone can check it.

use super::{published_keys, verify_receipt};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        language::{text, text_if_exists},
        layout::{Nav, PageLayout, page},
        problem::Problem,
        when::When,
    },
    principal::{Caller, Operator},
    refusal::{Code, Refusal},
    tokens,
};
use askama::Template;
use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use keydesk_model::{Permission, Receipt, Timestamp};
use keydesk_store::AuditRow;
use serde_json::Value;
use std::collections::HashMap;

/// At most so many are listed; the audit log has them all.
const LISTED: u32 = 100;

/// A receipt as the pages show it.
struct Shown {
    number: i64,
    what: String,
    /// Whose or which token it was, as far as its name is known.
    whose: Option<String>,
    at: When,
    is_complete: bool,
    /// Not complete then, but by now every lease is over.
    is_over: bool,
    effective_at: When,
    gateways: Vec<Gateway>,
    slowest_ms: String,
    durability: String,
    target: String,
    seq: i64,
    jws: String,
}

struct Gateway {
    name: String,
    /// "after 12.5 ms".
    confirmed: Option<String>,
    rejects_from: Option<When>,
}

/// The acts that end tokens, as the list names them.
fn what(event: &str) -> String {
    text_if_exists(&format!("event-{}", event.replace('.', "-")))
        .unwrap_or_else(|| text("event-unknown").to_string())
}

fn durability(name: &str) -> String {
    text(match name {
        "synchronous" => "durable-twice",
        "asynchronous" => "durable-soon",
        _ => "durable-here",
    })
    .to_string()
}

impl Shown {
    fn new(row: &AuditRow, known: &Known, now: Timestamp) -> Option<Self> {
        let detail: Value = serde_json::from_str(&row.detail).ok()?;
        let jws = detail["jws"].as_str()?.to_owned();
        let receipt = verify_receipt(&jws, &known.keys).ok()?;
        let slowest = receipt.confirmed.iter().map(|said| said.after_ms).fold(0.0, f64::max);
        Some(Self {
            number: row.seq,
            what: what(&receipt.event),
            whose: known.names.get(&receipt.target).cloned(),
            at: When::past(receipt.committed_at, now),
            is_complete: receipt.complete,
            is_over: receipt.effective_at <= now,
            effective_at: moment(receipt.effective_at, now),
            gateways: gateways(&receipt, now),
            slowest_ms: format!("{slowest:.1}"),
            durability: durability(&receipt.durability),
            target: receipt.target,
            seq: receipt.seq,
            jws,
        })
    }
}

fn after(ms: f64) -> String {
    text("receipts-after").with("slowest_ms", format!("{ms:.1}")).to_string()
}

fn moment(at: Timestamp, now: Timestamp) -> When {
    if at <= now { When::past(at, now) } else { When::clock(at) }
}

fn gateways(receipt: &Receipt, now: Timestamp) -> Vec<Gateway> {
    let confirmed = receipt.confirmed.iter().map(|said| Gateway {
        name: said.name.clone(),
        confirmed: Some(after(said.after_ms)),
        rejects_from: None,
    });
    let outstanding = receipt.unconfirmed.iter().map(|other| Gateway {
        name: other.name.clone(),
        confirmed: None,
        rejects_from: Some(moment(other.rejects_from, now)),
    });
    confirmed.chain(outstanding).collect()
}

async fn keys(app: &AppState) -> Result<Value, Problem> {
    let checks = app.store.read().await?.list_key_checks().await?;
    let known = checks.iter().filter(|check| !check.public_key.is_empty());
    Ok(published_keys(known.map(|check| (check.key_id.as_str(), check.public_key.as_str()))))
}

/// What receipts are read with: keys to verify them, and names for the ids in them.
struct Known {
    keys: Value,
    names: HashMap<String, String>,
}

impl Known {
    async fn of(app: &AppState, caller: &Caller) -> Result<Self, Problem> {
        let keys = keys(app).await?;
        let mut names = HashMap::new();
        for token in tokens::list_api_tokens(app, caller).await? {
            names.insert(token.id.to_string(), token.name);
        }
        for member in app.store.read().await?.list_members(caller.account.id).await? {
            names.insert(member.id.to_string(), member.name.clone());
            names.insert(member.user.to_string(), member.name);
        }
        Ok(Self { keys, names })
    }
}

#[derive(Template)]
#[template(path = "receipts/list.html")]
struct ListPage {
    chrome: PageLayout,
    receipts: Vec<Shown>,
}

pub(crate) async fn list(State(app): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    caller.permit(Permission::SeeTokens)?;
    let rows = app.store.read().await?.list_receipts(caller.account.id, LISTED).await?;
    let (known, now) = (Known::of(&app, &caller).await?, app.now());
    let receipts = rows.iter().filter_map(|row| Shown::new(row, &known, now)).collect();
    let chrome = PageLayout::of(&caller, text("receipts"), Nav::Tokens);
    Ok(page(&ListPage { chrome, receipts }))
}

#[derive(Template)]
#[template(path = "receipts/show.html")]
struct ShowPage {
    chrome: PageLayout,
    receipt: Shown,
    back: (String, String),
}

pub(crate) async fn show(
    State(app): State<AppState>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    caller.permit(Permission::SeeTokens)?;
    let number: i64 = number.parse().map_err(|_| Code::NotFound)?;
    let found = app.store.read().await?.find_receipt(caller.account.id, number).await?;
    let row = found.ok_or(Code::NotFound)?;
    let known = Known::of(&app, &caller).await?;
    let receipt = Shown::new(&row, &known, app.now()).ok_or_else(|| {
        Refusal::broken("a receipt in the audit log cannot be verified: it was changed")
    })?;
    let chrome = PageLayout::of(&caller, text("receipt-one"), Nav::Tokens);
    let back = ("/receipts".to_owned(), text("receipt-all").to_string());
    Ok(page(&ShowPage { chrome, receipt, back }))
}

/// The receipt of what an operator did to an account; others are the account's own.
pub(crate) async fn show_to_operator(
    State(app): State<AppState>,
    operator: Operator,
    Path((number, receipt)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let number = number.parse().map_err(|_| Code::NotFound)?;
    let seq: i64 = receipt.parse().map_err(|_| Code::NotFound)?;
    let mut read = app.store.read().await?;
    let account = read.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    let row = read.find_receipt(account.id, seq).await?.ok_or(Code::NotFound)?;
    drop(read);
    let names = HashMap::from([(account.id.to_string(), account.name.clone())]);
    let known = Known { keys: keys(&app).await?, names };
    let receipt = Shown::new(&row, &known, app.now());
    let receipt = receipt.filter(|shown| shown.target == account.id.to_string());
    let receipt = receipt.ok_or(Code::NotFound)?;
    let chrome = operator.chrome(text("receipt-one"), Nav::Operator);
    let back = (format!("/operator/accounts/{number}"), account.name);
    Ok(page(&ShowPage { chrome, receipt, back }))
}

/// The public halves of the keys that sign receipts, as a JWK set.
pub(crate) async fn published(State(app): State<AppState>) -> Result<Json<Value>, Problem> {
    Ok(Json(keys(&app).await?))
}
