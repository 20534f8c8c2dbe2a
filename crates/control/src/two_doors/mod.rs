//! The same acts through the console's forms and through the use cases: both end with the same refusal or with the
//! same audit entry. What a form refuses is therefore refused by every other interface, too.

mod acts;

use crate::{
    AppState, Refusal,
    door::cookie,
    door::problem::english,
    names, principal,
    refusal::Kind,
    sessions,
    world::{ANN, Caller, Console, Page, User},
};
use acts::{acts_of_members, acts_of_operators};
use axum::http::{HeaderMap, HeaderValue, header};
use keydesk_model::{AccountNumber, MemberId, Origin, Role, TokenId};
use keydesk_store::AuditRow;
use std::pin::Pin;

/// What the acts are about. Both consoles begin alike, so the IDs differ but name the same.
struct Objects {
    token: TokenId,
    second: TokenId,
    ann: MemberId,
    vera: MemberId,
    number: AccountNumber,
}

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + 'a>>;
type Member = principal::Caller;

struct Act<P> {
    path: &'static str,
    form: &'static [(&'static str, &'static str)],
    use_case: for<'a> fn(&'a AppState, &'a P, &'a Objects) -> Outcome<'a>,
}

/// A console with Ann, Vera, and two tokens, and a user who is the caller.
async fn begin(caller: Caller) -> (Console, User, Objects) {
    let console = Console::start().await;
    let ann = console.owner();
    console.joined("vera@acme.example", Role::Viewer).await;
    let token = |name: &'static str| {
        let ann = &ann;
        async move {
            let form = [("name", name), ("expires", "never"), ("scope", "*")];
            assert_eq!(ann.post("/tokens", &form).await.status, 200);
            ann.id_in("/tokens", "tok_", name).await.parse().expect("an ID")
        }
    };
    let (token, second) = (token("first").await, token("second").await);
    let user = console.as_caller(caller).await;
    let ann = find_member(&console, ANN).await;
    let vera = find_member(&console, "vera@acme.example").await;
    let number = console.number;
    (console, user, Objects { token, second, ann, vera, number })
}

/// The row of one's own on *Members* has no link.
async fn find_member(console: &Console, email: &str) -> MemberId {
    let mut read = console.app.store.read().await.expect("reads");
    let account = read.find_account_by_number(console.number).await.expect("reads").expect("Acme");
    let members = read.list_members(account.id).await.expect("reads");
    members.iter().find(|member| member.email.as_str() == email).expect("a member").id
}

async fn principal_of(console: &Console, user: &User) -> sessions::Found {
    let mut headers = HeaderMap::new();
    let cookies = HeaderValue::try_from(user.cookie_header()).expect("cookies");
    headers.insert(header::COOKIE, cookies);
    let secret = cookie::session_in(&headers, &console.app.settings);
    sessions::find_caller(&console.app, secret.as_deref(), Origin::default())
        .await
        .expect("a session")
}

fn filled(path: &str, at: &Objects) -> String {
    path.replace("{token}", at.token.to_string().as_str())
        .replace("{second}", at.second.to_string().as_str())
        .replace("{ann}", at.ann.to_string().as_str())
        .replace("{vera}", at.vera.to_string().as_str())
        .replace("{number}", &at.number.to_string())
}

fn status_of(kind: Kind) -> u16 {
    match kind {
        Kind::NotFound => 404,
        Kind::NotPermitted => 403,
        Kind::Invalid | Kind::Gone => 422,
        Kind::Conflict => 409,
        Kind::TooMany => 429,
        Kind::Busy | Kind::Unsettled => 503,
        Kind::Broken => 500,
    }
}

/// The entries of the audit log after number `after`, oldest first.
async fn audit_after(console: &Console, after: i64) -> Vec<AuditRow> {
    console.app.store.read().await.expect("reads").list_audit(after).await.expect("reads")
}

async fn last_audit(console: &Console) -> i64 {
    audit_after(console, 0).await.last().map_or(0, |row| row.seq)
}

/// The names and details of the audit entries, without receipts, whose signatures differ.
async fn entries(console: &Console, after: i64) -> Vec<(String, String)> {
    let rows = audit_after(console, after).await.into_iter();
    rows.filter(|row| row.event != "receipt.issued").map(|row| (row.event, row.detail)).collect()
}

fn compare(what: &str, page: &Page, outcome: &Result<(), Refusal>) {
    match outcome {
        Ok(()) => {
            assert!([200, 303].contains(&page.status), "{what}: {} {}", page.status, page.text);
        }
        Err(refusal) => {
            assert_eq!(
                page.status,
                status_of(refusal.kind()),
                "{what}: {:?} {}",
                refusal.code(),
                page.text
            );
            let text = english(refusal);
            assert!(
                page.readable().contains(&text),
                "{what}: {text:?} is not in {}",
                page.readable()
            );
        }
    }
}

#[tokio::test]
async fn members_act_alike_through_the_console_and_the_use_cases() {
    for caller in Caller::ALL {
        let Caller::Member(_) = caller else { continue };
        let (console, user, at) = begin(caller).await;
        let (other, principal, there) = begin(caller).await;
        for Act { path, form, use_case } in acts_of_members() {
            let what = format!("{caller:?} {path} {form:?}");
            let (before, before_other) = (last_audit(&console).await, last_audit(&other).await);
            let page = user.post(&filled(path, &at), form).await;
            let sessions::Found::Caller(principal) = principal_of(&other, &principal).await else {
                panic!("{what}: no longer a member");
            };
            let outcome = use_case(&other.app, &principal, &there).await;
            compare(&what, &page, &outcome);
            let [written, same] =
                [entries(&console, before).await, entries(&other, before_other).await];
            assert_eq!(written, same, "{what}");
            assert_eq!(written.len(), usize::from(outcome.is_ok()), "{what}: {written:?}");
        }
    }
}

#[tokio::test]
async fn operators_act_alike_through_the_console_and_the_use_cases() {
    let (console, user, at) = begin(Caller::Operator).await;
    let (other, principal, there) = begin(Caller::Operator).await;
    for Act { path, form, use_case } in acts_of_operators() {
        let what = format!("{path} {form:?}");
        let (before, before_other) = (last_audit(&console).await, last_audit(&other).await);
        let page = user.post(&filled(path, &at), form).await;
        let sessions::Found::Operator(principal) = principal_of(&other, &principal).await else {
            panic!("{what}: no longer an operator");
        };
        let outcome = use_case(&other.app, &principal, &there).await;
        compare(&what, &page, &outcome);
        let [written, same] =
            [entries(&console, before).await, entries(&other, before_other).await];
        assert_eq!(written.len(), usize::from(outcome.is_ok()), "{what}: {written:?}");
        assert_eq!(written.len(), same.len(), "{what}");
        assert!(written.iter().zip(&same).all(|(one, other)| one.0 == other.0), "{what}");
    }
}

/// A caller whose role, membership, or session has ended since the page was shown gets the refusal of this moment.
#[tokio::test]
async fn who_is_removed_meanwhile_is_refused_by_the_use_case() {
    let (console, _, at) = begin(Caller::Anonymous).await;
    let dora = console.joined("dora@acme.example", Role::Developer).await;
    let sessions::Found::Caller(caller) = principal_of(&console, &dora).await else {
        panic!("a member");
    };
    let id = find_member(&console, "dora@acme.example").await;
    let removed = console.owner().post(&format!("/members/{id}/remove"), &[]).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    let before = last_audit(&console).await;
    let refusal = names::rename_token(&console.app, &caller, at.token, "x").await;
    assert_eq!(refusal.expect_err("removed").code(), crate::Code::LoggedOut);
    assert_eq!(last_audit(&console).await, before);
}
