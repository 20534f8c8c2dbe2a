//! `/receipts`: what was promised when a token ended; and the keys with which anyone can check it.

use super::{published_keys, verify_receipt};
use crate::{
    Desk,
    caller::{Authenticated as _, Caller},
    chrome::{Chrome, Nav, page},
    language::say_known,
    operators::Operator,
    problem::Problem,
    say, tokens,
    when::When,
};
use askama::Template;
use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use keydesk_model::{Receipt, Right, Timestamp};
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
    refused_from: When,
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
    refuses_from: Option<When>,
}

/// The acts that end tokens, as the list names them.
fn what(action: &str) -> String {
    say_known(&format!("ended-{}", action.replace('.', "-")))
        .unwrap_or_else(|| say("ended-otherwise").to_string())
}

fn durability(name: &str) -> String {
    say(match name {
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
            what: what(&receipt.action),
            whose: known.names.get(&receipt.target).cloned(),
            at: When::past(receipt.committed_at, now),
            is_complete: receipt.complete,
            is_over: receipt.refused_from <= now,
            refused_from: moment(receipt.refused_from, now),
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
    say("receipts-after").with("slowest_ms", format!("{ms:.1}")).to_string()
}

fn moment(at: Timestamp, now: Timestamp) -> When {
    if at <= now { When::past(at, now) } else { When::clock(at) }
}

fn gateways(receipt: &Receipt, now: Timestamp) -> Vec<Gateway> {
    let confirmed = receipt.confirmed.iter().map(|said| Gateway {
        name: said.name.clone(),
        confirmed: Some(after(said.after_ms)),
        refuses_from: None,
    });
    let outstanding = receipt.unconfirmed.iter().map(|other| Gateway {
        name: other.name.clone(),
        confirmed: None,
        refuses_from: Some(moment(other.refuses_from, now)),
    });
    confirmed.chain(outstanding).collect()
}

async fn keys(desk: &Desk) -> Result<Value, Problem> {
    let checks = desk.store.read().await?.list_key_checks().await?;
    let known = checks.iter().filter(|check| !check.public_key.is_empty());
    Ok(published_keys(known.map(|check| (check.key_id.as_str(), check.public_key.as_str()))))
}

/// What receipts are read with: keys to verify them, and names for the ids in them.
struct Known {
    keys: Value,
    names: HashMap<String, String>,
}

impl Known {
    async fn of(desk: &Desk, caller: &Caller) -> Result<Self, Problem> {
        let keys = keys(desk).await?;
        let mut names = HashMap::new();
        for token in tokens::list_api_tokens(desk, caller).await? {
            names.insert(token.id.to_string(), token.name);
        }
        for member in desk.store.read().await?.list_members(caller.account.id).await? {
            names.insert(member.id.to_string(), member.name.clone());
            names.insert(member.person.to_string(), member.name);
        }
        Ok(Self { keys, names })
    }
}

#[derive(Template)]
#[template(path = "receipts/list.html")]
struct ListPage {
    chrome: Chrome,
    receipts: Vec<Shown>,
}

pub(crate) async fn list(State(desk): State<Desk>, caller: Caller) -> Result<Response, Problem> {
    caller.permit(Right::SeeTokens)?;
    let rows = desk.store.read().await?.list_receipts(caller.account.id, LISTED).await?;
    let (known, now) = (Known::of(&desk, &caller).await?, desk.now());
    let receipts = rows.iter().filter_map(|row| Shown::new(row, &known, now)).collect();
    let chrome = Chrome::of(&caller, say("receipts"), Nav::Tokens);
    Ok(page(&ListPage { chrome, receipts }))
}

#[derive(Template)]
#[template(path = "receipts/show.html")]
struct ShowPage {
    chrome: Chrome,
    receipt: Shown,
    back: (String, String),
}

pub(crate) async fn show(
    State(desk): State<Desk>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    caller.permit(Right::SeeTokens)?;
    let number: i64 = number.parse().map_err(|_| Problem::not_found())?;
    let found = desk.store.read().await?.find_receipt(caller.account.id, number).await?;
    let row = found.ok_or_else(Problem::not_found)?;
    let known = Known::of(&desk, &caller).await?;
    let receipt = Shown::new(&row, &known, desk.now()).ok_or_else(|| {
        Problem::broken("a receipt in the audit log cannot be verified: it was changed")
    })?;
    let chrome = Chrome::of(&caller, say("receipt-one"), Nav::Tokens);
    let back = ("/receipts".to_owned(), say("receipt-all").to_string());
    Ok(page(&ShowPage { chrome, receipt, back }))
}

/// The receipt of what an operator did to an account; others are the account's own.
pub(crate) async fn show_to_operator(
    State(desk): State<Desk>,
    operator: Operator,
    Path((number, receipt)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let number = number.parse().map_err(|_| Problem::not_found())?;
    let seq: i64 = receipt.parse().map_err(|_| Problem::not_found())?;
    let mut read = desk.store.read().await?;
    let account = read.find_account_by_number(number).await?.ok_or_else(Problem::not_found)?;
    let row = read.find_receipt(account.id, seq).await?.ok_or_else(Problem::not_found)?;
    drop(read);
    let names = HashMap::from([(account.id.to_string(), account.name.clone())]);
    let known = Known { keys: keys(&desk).await?, names };
    let receipt = Shown::new(&row, &known, desk.now());
    let receipt = receipt.filter(|shown| shown.target == account.id.to_string());
    let receipt = receipt.ok_or_else(Problem::not_found)?;
    let chrome = operator.chrome(say("receipt-one"), Nav::Operator);
    let back = (format!("/operator/accounts/{number}"), account.name);
    Ok(page(&ShowPage { chrome, receipt, back }))
}

/// The public halves of the keys that sign receipts, as a JWK set.
pub(crate) async fn published(State(desk): State<Desk>) -> Result<Json<Value>, Problem> {
    Ok(Json(keys(&desk).await?))
}
