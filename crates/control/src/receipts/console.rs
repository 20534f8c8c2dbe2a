//! `/receipts`: the receipts of revocations, and the public keys that verify them.

use super::reading::{self, VerifiedReceipt};
use crate::{
    AppState,
    door::{
        caller::SignedIn,
        language::{text, text_if_exists},
        layout::{Nav, PageLayout, page},
        list_query::{ListQuery, PAGE},
        problem::Problem,
        when::When,
    },
    principal::{Caller, Operator},
    refusal::Code,
};
use askama::Template;
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use keydesk_model::{Receipt, Timestamp};
use serde_json::Value;

/// A receipt as shown on the pages.
struct Shown {
    number: i64,
    what: String,
    /// Whether the gateways accept the token, because it was restored.
    restores: bool,
    /// The name of the token, member, or user, if known.
    whose: Option<String>,
    at: When,
    is_complete: bool,
    /// Whether it was incomplete, but every lease has ended since.
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
    /// A text such as "after 12.5 ms".
    confirmed: Option<String>,
    rejects_from: Option<When>,
}

/// Returns the name of an event that revokes tokens, for the list.
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
    fn new(verified: VerifiedReceipt, now: Timestamp) -> Self {
        let VerifiedReceipt { number, receipt, jws, target_name } = verified;
        let slowest = receipt.confirmed.iter().map(|node| node.after_ms).fold(0.0, f64::max);
        Self {
            number,
            what: what(&receipt.event),
            restores: receipt.event == "token.restored",
            whose: target_name,
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
        }
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

#[derive(Template)]
#[template(path = "receipts/list.html")]
struct ListPage {
    chrome: PageLayout,
    /// The text in the search field, if there is one.
    search: Option<String>,
    receipts: Vec<Shown>,
    /// The link to the next page.
    next: Option<String>,
}

pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let (wanted, now) = (query.text(), app.now());
    let (found, has_more) = reading::list(&app, &caller, (&wanted, query.after()?), PAGE).await?;
    let last = found.last().filter(|_| has_more).map(|last| last.number);
    let next = last.map(|last| query.next("/receipts", &last));
    let receipts = found.into_iter().map(|receipt| Shown::new(receipt, now)).collect();
    let chrome = PageLayout::of(&caller, text("receipts"), Nav::Tokens);
    let search = query.field(next.is_some());
    Ok(page(&ListPage { chrome, search, receipts, next }))
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
    let receipt = Shown::new(reading::find(&app, &caller, &number).await?, app.now());
    let chrome = PageLayout::of(&caller, text("receipt-one"), Nav::Tokens);
    let back = ("/receipts".to_owned(), text("receipt-all").to_string());
    Ok(page(&ShowPage { chrome, receipt, back }))
}

/// Shows the receipt of an operator's change to an account; other receipts belong to the account.
pub(crate) async fn show_to_operator(
    State(app): State<AppState>,
    operator: Operator,
    Path((number, receipt)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let number = number.parse().map_err(|_| Code::NotFound)?;
    let seq: i64 = receipt.parse().map_err(|_| Code::NotFound)?;
    let (account, found) = reading::find_of_account(&app, &operator, number, seq).await?;
    let receipt = Shown::new(found, app.now());
    let chrome = operator.chrome(text("receipt-one"), Nav::Operator);
    let back = (format!("/operator/accounts/{number}"), account.name);
    Ok(page(&ShowPage { chrome, receipt, back }))
}

/// Returns the public keys that verify receipts, as a JWK set.
pub(crate) async fn published(State(app): State<AppState>) -> Result<Json<Value>, Problem> {
    Ok(Json(reading::list_keys(&app).await?))
}
