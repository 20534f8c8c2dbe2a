//! Operators: they open, suspend, close and restore accounts, and never see a token.

use crate::{
    limits::{send, token_with},
    support::{Keydesk, Options, PASSWORD, User, eventually},
};
use keydesk_control::{Access, ROUTES};

const OPERATOR: &str = "otto@vendor.example";

pub async fn start(config: &str) -> (Keydesk, User, User) {
    let config = config.to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let otto = operator(&keydesk, OPERATOR).await;
    (keydesk, ann, otto)
}

/// An operator of this Keydesk, logged in.
pub async fn operator(keydesk: &Keydesk, email: &str) -> User {
    let args = ["operator", "create", "--email", email, "--name", "Otto", "--password-stdin"];
    let output = keydesk.command_with(&args, PASSWORD);
    assert!(output.status.success(), "{output:?}");
    // Ann, who set the instance up, is a customer here.
    let ann = "DELETE FROM operator WHERE user_id = (SELECT id FROM users WHERE email = 'ann@acme.example')";
    if keydesk.data().join("keydesk.sqlite").exists() {
        keydesk.sql(ann).await;
    }
    User::logged_in(&keydesk.console, email, PASSWORD).await
}

fn account_in(endpoint: &str) -> String {
    endpoint.rsplit('/').next().expect("a number").to_owned()
}

#[tokio::test]
async fn an_operator_opens_an_account_and_its_owner_comes_in() {
    let (keydesk, _ann, otto) = start("").await;
    let home = otto.get("/").await;
    assert_eq!(home.location.as_deref(), Some("/api-docs"));
    assert_eq!(otto.get("/api-docs").await.location.as_deref(), Some("/operator"));
    let page = otto.get("/operator").await;
    assert!(
        page.text.contains("Acme") && page.text.contains("aria-label=\"Accounts\""),
        "{}",
        page.text
    );
    for (name, owner, wrong) in
        [("", "bea@beta.example", "Enter a name"), ("Beta", "bea", "Enter an email address")]
    {
        let page = otto.post("/operator/accounts", &[("name", name), ("owner", owner)]).await;
        assert!(page.status == 422 && page.text.contains(wrong), "{}", page.text);
    }
    let form = [("name", "Beta Ltd"), ("owner", "bea@beta.example")];
    let opened = otto.post("/operator/accounts", &form).await;
    let at = opened.location.expect("the account's page");
    assert!(at.starts_with("/operator/accounts/") && at.ends_with("account_invited"), "{at}");
    assert!(otto.get(&at).await.text.contains("Beta Ltd"));
    let bea = User::visiting(&keydesk.console);
    let link = bea.link_in_mail("/invitation/").await;
    assert!(bea.get(&link).await.text.contains("The API provider"));
    let joined = bea.post(&link, &[("name", "Bea"), ("password", PASSWORD)]).await;
    assert_eq!(joined.status, 303, "{}", joined.text);
    let (endpoint, token) = (bea.endpoint_url().await, bea.bearer_token().await);
    assert!(at.contains(&account_in(&endpoint)));
    assert_eq!(
        send("GET", &format!("{endpoint}/api/v1/contacts"), &token, "app").await.status,
        200
    );
}

#[tokio::test]
async fn a_suspended_account_answers_403_at_once_and_goes_on_when_restored() {
    let (keydesk, ann, otto) = start("").await;
    let (endpoint, bearer) = (ann.endpoint_url().await, ann.bearer_token().await);
    let api = token_with(&ann, "CRM", &["*"]).await;
    let number = account_in(&endpoint);
    let call = async |token: &str| {
        let answer = send("GET", &format!("{endpoint}/api/v1/contacts"), token, "app").await;
        (answer.status, answer.code().to_owned())
    };
    let act = async |act: &str| otto.post(&format!("/operator/accounts/{number}/{act}"), &[]).await;
    let page = act("suspend").await;
    assert!(
        page.location.as_deref().is_some_and(|to| to.contains("account_suspended&receipt=")),
        "{}",
        page.text
    );
    for token in [&bearer, &api] {
        assert_eq!(call(token).await, (403, "account_suspended".to_owned()));
    }
    let who = send("GET", &format!("{endpoint}/keydesk/whoami"), &api, "app").await;
    assert_eq!(who.code(), "account_suspended");
    assert!(ann.get("/tokens").await.text.contains("has suspended this account"));
    assert!(ann.get("/mail").await.text.contains("was suspended"));
    assert_eq!(act("suspend").await.status, 422, "it is suspended already");
    act("restore").await;
    for token in [&bearer, &api] {
        assert_eq!(call(token).await.0, 200, "as before");
    }
    act("close").await;
    assert_eq!(call(&api).await, (403, "account_closed".to_owned()));
    let out = ann.get("/tokens").await;
    assert!(out.status == 403 && out.text.contains("it was closed"), "{}", out.text);
    act("restore").await;
    assert_eq!(call(&api).await.0, 200);
    assert_eq!(ann.get("/tokens").await.status, 200);
    // A restart knows the state from the snapshot.
    act("suspend").await;
    let keydesk = keydesk.restart(&Options { has_account: true, ..Options::default() });
    let url = format!("{}/{number}/api/v1/contacts", keydesk.gateway);
    assert_eq!(send("GET", &url, &api, "app").await.code(), "account_suspended");
}

/// R: thirty days after it was closed, what belongs to an account has ended for good.
#[tokio::test]
async fn a_closed_account_is_gone_when_its_grace_is_over() {
    let (keydesk, ann, otto) = start("").await;
    let (endpoint, bearer) = (ann.endpoint_url().await, ann.bearer_token().await);
    let number = account_in(&endpoint);
    otto.post(&format!("/operator/accounts/{number}/close"), &[]).await;
    keydesk.sql("UPDATE account SET state_since = state_since - 31 * 86400000000").await;
    eventually("it is gone", async || {
        otto.get(&format!("/operator/accounts/{number}"))
            .await
            .text
            .contains(">Permanently closed<")
    })
    .await;
    let answer = send("GET", &format!("{endpoint}/api/v1/contacts"), &bearer, "app").await;
    assert_eq!((answer.status, answer.code()), (401, "account_closed"));
    let back = otto.post(&format!("/operator/accounts/{number}/restore"), &[]).await;
    assert_eq!(back.status, 422, "it stays closed");
}

/// T78: nothing that an operator can ask for holds a token or leads to one.
#[tokio::test]
async fn t78_an_operator_sees_no_token_and_enters_no_account() {
    let (keydesk, ann, otto) = start("").await;
    let number = account_in(&ann.endpoint_url().await);
    let secrets = [ann.bearer_token().await, token_with(&ann, "CRM", &["*"]).await];
    for (method, path, access) in ROUTES {
        let path = path.replace("{number}", &number).replace("{id}", &ann.token_id("CRM").await);
        if *method != "get" || path.contains('{') {
            continue;
        }
        let page = otto.get(&path).await;
        for secret in &secrets {
            assert!(!page.text.contains(secret) && !page.text.contains(&secret[..20]), "{path}");
        }
        if matches!(access, Access::Needs(_)) {
            assert_eq!(page.location.as_deref(), Some("/operator"), "{path}");
        }
    }
    // Nor does anybody else see what is the operator's.
    for (method, path, access) in ROUTES {
        if *access == Access::Operator {
            let path = path.replace("{number}", &number);
            let page =
                if *method == "get" { ann.get(&path).await } else { ann.post(&path, &[]).await };
            assert_eq!(page.status, 403, "{path}");
        }
    }
    // Who is no operator any more is none at once; the last one stays.
    let last = keydesk.run(&["operator", "remove", OPERATOR], "");
    assert!(!last.status.success(), "{last:?}");
    let wrong = keydesk.run(&["operator", "create", "--email", "ann"], "");
    let message = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        !wrong.status.success() && message.matches("Enter an email address").count() == 1,
        "{message}"
    );
    let second = keydesk.run(&["operator", "create", "--email", "ann@acme.example"], "");
    assert!(second.status.success(), "{second:?}");
    assert!(ann.get("/operator").await.text.contains("API Docs"), "a member sees both");
    assert!(keydesk.run(&["operator", "remove", OPERATOR], "").status.success());
    assert_eq!(otto.get("/operator").await.status, 403);
    let all = keydesk.run(&["operator", "list"], "");
    assert!(String::from_utf8_lossy(&all.stdout).contains("ann@acme.example"));
}

#[tokio::test]
async fn an_operator_gives_plans_and_the_account_sees_what_was_done() {
    let plan = "[[plan]]\nname = \"small\"\nrate_limit = \"2/h\"\nmode = \"enforce\"\n";
    let (_keydesk, ann, otto) = start(plan).await;
    let (endpoint, bearer) = (ann.endpoint_url().await, ann.bearer_token().await);
    let path = format!("/operator/accounts/{}/plan", account_in(&endpoint));
    assert_eq!(otto.post(&path, &[("plan", "large")]).await.status, 422);
    let set = otto.post(&path, &[("plan", "small")]).await;
    assert!(set.location.is_some_and(|to| to.ends_with("plan_changed")));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses
            .push(send("GET", &format!("{endpoint}/api/v1/contacts"), &bearer, "app").await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert!(ann.get("/limits").await.text.contains("small"));
}

/// An operator reads the receipts of what they did, no others; and is not logged out while at work.
#[tokio::test]
async fn an_operator_reads_the_receipts_of_own_acts_and_stays_logged_in() {
    let (keydesk, ann, otto) = start("").await;
    ann.post("/api-docs/rotate", &[]).await;
    let receipts = ann.get("/receipts").await.text;
    let own = receipts.split("href=\"/receipts/").nth(1).and_then(|rest| rest.split('"').next());
    let number = account_in(&ann.endpoint_url().await);
    let at = format!("/operator/accounts/{number}");
    let page = otto.get(&format!("{at}/suspend")).await;
    assert!(page.status == 200 && page.text.contains("Suspend Acme"), "{}", page.text);
    let done = otto.post(&format!("{at}/suspend"), &[]).await.location.expect("leads back");
    let page = otto.get(&done).await.text;
    let link =
        page.split(&format!("{at}/receipts/")).nth(1).and_then(|rest| rest.split('"').next());
    let receipt = otto.get(&format!("{at}/receipts/{}", link.expect("a link"))).await;
    assert!(receipt.status == 200 && receipt.text.contains("Account suspended: Acme"));
    let other = format!("{at}/receipts/{}", own.expect("a receipt"));
    assert_eq!(otto.get(&other).await.status, 404, "what members did is theirs");
    assert_eq!(otto.get(&format!("{at}/suspend")).await.status, 404, "it is suspended already");
    let restored = otto.post(&format!("{at}/restore"), &[]).await.location.expect("leads back");
    assert!(!restored.contains("receipt"), "nobody refuses what was restored: {restored}");
    for _ in 0..3 {
        keydesk.sql("UPDATE session SET seen_at = seen_at - 3 * 86400000000").await;
        assert_eq!(otto.get("/operator").await.status, 200, "in use, and not idle");
    }
}

/// An owner's address that was wrong is put right, while nobody has come in; afterwards the operator invites nobody.
#[tokio::test]
async fn t78_the_first_owner_is_invited_again_until_somebody_has_entered() {
    let (keydesk, _ann, otto) = start("").await;
    let form = [("name", "Beta Ltd"), ("owner", "bae@beta.example")];
    let opened = otto.post("/operator/accounts", &form).await.location.expect("the account's page");
    let at = opened.split('?').next().expect("a path");
    assert!(otto.get(at).await.text.contains("value=\"bae@beta.example\""));
    let bea = User::visiting(&keydesk.console);
    let wrong = bea.link_in_mail("/invitation/").await;
    let path = format!("{at}/owner");
    let refused = otto.post(&path, &[("owner", "nope")]).await;
    assert!(
        refused.status == 422 && refused.text.contains("Enter an email address"),
        "{}",
        refused.text
    );
    assert_eq!(otto.post(&path, &[("owner", "bea@beta.example")]).await.status, 303);
    assert!(otto.get(at).await.text.contains("value=\"bea@beta.example\""));
    assert_eq!(bea.get(&wrong).await.status, 422, "the link to the wrong address is dead");
    let right = bea.link_in_mail("/invitation/").await;
    assert_eq!(bea.post(&right, &[("password", PASSWORD)]).await.status, 303);
    assert!(otto.get(at).await.text.contains("Invite another owner"));
    let entering = [("owner", OPERATOR)];
    assert_eq!(otto.post(&path, &entering).await.status, 422, "no way in for an operator");
    assert!(bea.get("/audit").await.text.contains("Member invited"));
}

/// Accounts are listed page by page, each once, and found by a part of their name or number.
#[tokio::test]
async fn accounts_are_listed_in_pages_and_searched() {
    let (keydesk, _, otto) = start("").await;
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) \
        INSERT INTO account (id, number, name, created_at) \
        SELECT 'acc_' || printf('%032x', i), 7000000 + i, 'Größe 100% ' || (i / 10), 1 FROM n";
    keydesk.sql(many).await;
    let numbers = |page: &str| -> Vec<String> {
        let links = page.split("href=\"/operator/accounts/").skip(1);
        links.map(|link| link.split('"').next().expect("a number").to_owned()).collect()
    };
    let first = otto.get("/operator").await.text;
    let next = first.split("href=\"/operator?").nth(1).and_then(|it| it.split('"').next());
    let next = next.expect("a link to more").replace("&amp;", "&").replace("&#38;", "&");
    let second = otto.get(&format!("/operator?{next}")).await.text;
    let mut listed = numbers(&first);
    assert_eq!(listed.len(), 50);
    listed.extend(numbers(&second));
    assert_eq!(listed.iter().collect::<std::collections::BTreeSet<_>>().len(), 61);
    assert!(!second.contains("href=\"/operator?"), "that is the last page");
    for (text, count) in [("gr%C3%B6%C3%9Fe+100%25+6", 1), ("7000007", 1), ("acm", 1), ("_cme", 0)]
    {
        let found = otto.get(&format!("/operator?text={text}")).await.text;
        assert_eq!(numbers(&found).len(), count, "{text}");
    }
    let output = keydesk.command(&["account", "list"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().filter(|l| l.contains("Größe")).count(),
        60
    );
}
