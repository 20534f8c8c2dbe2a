//! One browser, two tabs: a form acts on the account and for the user that its page was made for, or on nothing.

use crate::world::{Console, PASSWORD, Page, User};
use std::path::Path;

/// What a page's forms carry.
fn page_for(page: &Page) -> String {
    let at = page.text.split("name=\"page_for\" value=\"").nth(1).expect("the field");
    at.split('"').next().expect("a value").to_owned()
}

/// The hidden fields of the page that keeps a form.
fn kept(page: &Page) -> Vec<(String, String)> {
    let fields = page.text.split("<input type=\"hidden\" name=\"").skip(1);
    let read = |field: &str| {
        let (name, rest) = field.split_once('"').expect("a name");
        let value = rest.split("value=\"").nth(1).expect("a value").split('"').next();
        (name.to_owned(), value.expect("a value").replace("&#38;", "&").replace("&amp;", "&"))
    };
    fields.map(read).collect()
}

async fn send(user: &User, path: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    user.post(path, &fields).await
}

/// The switcher's accounts, by id and name.
async fn accounts(user: &User) -> Vec<(String, String)> {
    let page = user.get("/profile").await.text;
    let buttons = page.split("name=\"account\" value=\"").skip(1);
    let read = |button: &str| {
        let (id, rest) = button.split_once('"').expect("an id");
        let name = rest.split('>').nth(1).expect("a name").split('<').next().expect("a name");
        (id.to_owned(), name.to_owned())
    };
    buttons.map(read).collect()
}

/// Ann in two accounts; the second one's id.
async fn ann_in_two_accounts(console: &Console) -> (User, User, String) {
    let ann = console.owner();
    let bea = console.signed_up("Bea’s Bikes", "bea@bikes.example", "Bea").await;
    let form = [("email", "ann@acme.example"), ("role", "administrator")];
    assert_eq!(bea.post("/members/invitations", &form).await.status, 303);
    let link = ann.link_in_mail("/invitation/").await;
    let joined = ann.post(&link, &[("password", PASSWORD)]).await;
    assert_eq!(joined.status, 303, "{}", joined.text);
    let (id, _) =
        accounts(&ann).await.into_iter().find(|(_, name)| name.contains("Bea")).expect("it");
    (ann, bea, id)
}

#[tokio::test]
async fn a_form_of_another_account_does_nothing_and_offers_the_switch() {
    let console = Console::start_with(|settings| settings.users.sign_up = true).await;
    let (ann, _bea, bikes) = ann_in_two_accounts(&console).await;
    assert_eq!(ann.post("/accounts/switch", &[("account", &bikes)]).await.status, 303);
    let tab = ann.get("/members").await;
    let page_for = page_for(&tab);
    assert!(page_for.ends_with(&bikes), "{page_for}");
    // Another tab goes back to the first account.
    let all = accounts(&ann).await;
    let (first, _) = all.into_iter().find(|(id, _)| *id != bikes).expect("the first account");
    assert_eq!(ann.post("/accounts/switch", &[("account", &first)]).await.status, 303);
    let invite = [
        ("page_for", page_for.as_str()),
        ("email", "new&one@bikes.example"),
        ("role", "administrator"),
    ];
    let refused = ann.post("/members/invitations", &invite).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("opened this page in Bea’s Bikes"), "{}", refused.text);
    assert!(!ann.get("/members").await.text.contains("new&#38;one@"), "not here");
    // The switch, and everything that was typed with it.
    let fields = kept(&refused);
    assert!(
        fields.contains(&("email".to_owned(), "new&one@bikes.example".to_owned())),
        "{fields:?}"
    );
    let sent = send(&ann, "/members/invitations", &fields).await;
    assert_eq!(sent.location.as_deref(), Some("/members?done=invited"), "{}", sent.text);
    assert!(ann.get("/members").await.text.contains("one@bikes.example"), "in Bea’s account");
}

#[tokio::test]
async fn a_form_of_another_user_does_nothing() {
    let console = Console::start().await;
    let ann = console.owner();
    let bob = ann.invite("bob@example.com", "administrator", PASSWORD).await;
    let tab = page_for(&ann.get("/tokens/new").await);
    let form =
        [("page_for", tab.as_str()), ("name", "of Ann"), ("scope", "*"), ("expires", "never")];
    let refused = bob.post("/tokens", &form).await;
    assert!(
        refused.status == 409
            && refused
                .text
                .contains("You opened this page as another user. You’re now logged in as"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("bob@example.com") && refused.text.contains("/logout"));
    assert!(!bob.get("/tokens").await.text.contains("of Ann"));
    // A user who looks after themselves, too.
    let form = [("page_for", tab.as_str()), ("language", "es")];
    assert_eq!(bob.post("/profile/language", &form).await.status, 409);
}

/// Overnight the session ends; the form that was filled in is sent after logging in again.
#[tokio::test]
async fn a_form_whose_session_has_ended_keeps_what_was_typed() {
    let console = Console::start().await;
    let ann = console.owner();
    let tab = page_for(&ann.get("/tokens/new").await);
    ann.post("/logout", &[]).await;
    let form = [
        ("page_for", tab.as_str()),
        ("name", "São Paulo \"import\""),
        ("scope", "contacts:read"),
        ("scope", "contacts:write"),
        ("expires", "never"),
        ("confirm_password", PASSWORD),
    ];
    let kept_page = ann.post("/tokens", &form).await;
    assert!(kept_page.status == 403 && kept_page.text.contains("Your session has ended"));
    assert!(!kept_page.text.contains(PASSWORD), "a password is typed anew");
    let fields: Vec<_> = kept(&kept_page)
        .into_iter()
        .map(|(name, value)| (name, value.replace("&#34;", "\"").replace("&quot;", "\"")))
        .collect();
    assert_eq!(fields.iter().filter(|(name, _)| name == "scope").count(), 2);
    assert_eq!(send(&ann, "/tokens", &fields).await.status, 403, "still nobody");
    assert_eq!(ann.log_in("ann@acme.example", PASSWORD).await.status, 303);
    let sent = send(&ann, "/tokens", &fields).await;
    assert!(sent.status == 200 || sent.status == 303, "{}: {}", sent.status, sent.text);
    assert!(ann.get("/tokens").await.text.contains("São Paulo"));
}

/// Every form of a page with a session says what its page was made for.
#[test]
fn every_form_with_a_session_carries_its_account() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut pending = vec![templates.clone()];
    let public = [
        "layout.html",
        "problem.html",
        "sessions/not_done.html",
        "sessions/login.html",
        "sessions/second_factor.html",
        "passkeys/log_in.html",
        "sso/log_in.html",
        "members/accept.html",
        "accounts/setup.html",
        "accounts/signed_up.html",
        "accounts/sign_up.html",
        "leaks/report.html",
        "users/forgot.html",
        "users/reset.html",
        "users/email_change.html",
    ];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).expect("reads") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(&templates).expect("inside").display().to_string();
            let text = std::fs::read_to_string(&path).expect("reads");
            let forms = text.matches("method=\"post\"").count();
            let carrying = text.matches("{% include \"page_for.html\" %}").count();
            let is_public = public.contains(&name.as_str());
            assert!(
                is_public || forms == carrying,
                "{name}: {forms} forms, {carrying} of them carry page_for"
            );
        }
    }
}
