//! Coming in, and changing the address: sign-up, invitations sent again, a change confirmed on both sides.

use crate::{
    limits::send,
    support::{Keydesk, Options, PASSWORD, User},
};

const ANN: &str = "ann@acme.example";
const NEW: &str = "ann@new.example";

/// The newest link of this kind in a mail that says so.
pub async fn link_to(user: &User, words: &str, path: &str) -> String {
    let mailbox = user.get("/mail").await.text;
    let mails = mailbox.split("<article").filter(|mail| mail.contains(words));
    let mut mails = mails.filter(|mail| mail.contains(path));
    let mail = mails.next().expect("a mail with a link");
    let rest = &mail[mail.find(path).expect("a link")..];
    rest.split(['"', '<', '&', ' ', '\n']).next().expect("a path").to_owned()
}

#[tokio::test]
async fn an_address_changes_when_both_sides_have_confirmed_and_not_before() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bearer = ann.bearer_token().await;
    for (typed, wrong) in
        [("no address", "Enter an email address"), (ANN, "This is already your email address.")]
    {
        let page = ann.post("/profile/email", &[("email", typed)]).await;
        assert!(page.status == 422 && page.text.contains(wrong), "{}", page.text);
    }
    let asked = ann.post("/profile/email", &[("email", NEW)]).await;
    assert_eq!(asked.location.as_deref(), Some("/profile?done=email_change_requested"));
    let old_link = link_to(&ann, "Someone who knows your password", "/email-change/").await;
    let new_link = link_to(&ann, "Confirm your new email address", "/email-change/").await;
    assert_ne!(old_link, new_link);
    // Looking is not confirming.
    let visitor = User::visiting(&keydesk.console);
    for link in [&old_link, &new_link, &old_link] {
        assert_eq!(visitor.get(link).await.status, 200);
    }
    // Nor is any other answer.
    for answer in ["", "zzz"] {
        assert_eq!(visitor.post(&new_link, &[("answer", answer)]).await.status, 422, "{answer}");
    }
    let log_in =
        async |email: &str| User::visiting(&keydesk.console).log_in(email, PASSWORD).await.status;
    let confirm = [("answer", "confirm")];
    let first = visitor.post(&new_link, &confirm).await.text;
    assert!(
        first.contains("Confirmed. Now confirm at the other address, using the link we sent"),
        "{first}"
    );
    for _ in 0..20 {
        let again = visitor.post(&new_link, &confirm).await.text;
        assert!(again.contains("other address"), "{again}");
    }
    let entries = "SELECT count(*) FROM audit WHERE event = 'user.email_change_confirmed'";
    assert_eq!(keydesk.count(entries).await, 1, "twice is once");
    assert_eq!((log_in(ANN).await, log_in(NEW).await), (303, 403));
    let second = visitor.post(&old_link, &confirm).await.text;
    assert!(second.contains("Done. From now on, log in with your new address."), "{second}");
    assert_eq!((log_in(ANN).await, log_in(NEW).await), (403, 303));
    assert_eq!(visitor.post(&old_link, &confirm).await.status, 422, "both links are spent");
    assert_eq!(ann.bearer_token().await, bearer, "tokens keep working");
    assert!(ann.get("/audit?event=user").await.status == 200);
}

/// T44: whether somebody has an address is told to that address only; and either side stops it.
#[tokio::test]
async fn t44_a_taken_address_looks_like_a_free_one_and_either_side_stops_it() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let taken = ann.post("/profile/email", &[("email", "bob@acme.example")]).await;
    assert_eq!(taken.location.as_deref(), Some("/profile?done=email_change_requested"));
    let mailbox = ann.get("/mail").await.text;
    assert!(
        mailbox.contains("You already have a login here")
            && !mailbox.contains("Confirm your new email address")
    );
    // The old side gets its link either way, and it leads nowhere.
    let own = link_to(&ann, "Someone who knows your password", "/email-change/").await;
    let half = ann.post(&own, &[("answer", "confirm")]).await.text;
    assert!(
        half.contains("Confirmed. Now confirm at the other address, using the link we sent"),
        "{half}"
    );
    ann.post("/profile/email", &[("email", NEW)]).await;
    let link = link_to(&ann, "Confirm your new email address", "/email-change/").await;
    let visitor = User::visiting(&keydesk.console);
    let stopped = visitor.post(&link, &[("answer", "stop")]).await.text;
    assert!(stopped.contains("Nothing has changed"), "{stopped}");
    assert_eq!(visitor.get(&link).await.status, 422);
}

#[tokio::test]
async fn an_invitation_is_sent_again_and_its_old_link_is_dead() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.post("/members/invitations", &[("email", "bob@acme.example"), ("role", "viewer")]).await;
    let first = ann.link_in_mail("/invitation/").await;
    let page = ann.get("/members").await.text;
    let again = page.split("action=\"").find(|rest| rest.contains("/resend\"")).expect("a button");
    let again = again.split('"').next().expect("a path");
    for _ in 0..4 {
        let page = ann.get("/members").await.text;
        let path = page.split("action=\"").find(|rest| rest.contains("/resend\"")).expect("one");
        let sent = ann.post(path.split('"').next().expect("a path"), &[]).await;
        assert_eq!(sent.location.as_deref(), Some("/members?done=invited"), "{}", sent.text);
    }
    assert_eq!(ann.post(again, &[]).await.status, 404, "the one before is closed");
    let page = ann.get("/members").await.text;
    assert_eq!(page.matches("/resend\"").count(), 1, "it is one invitation still");
    let path = page.split("action=\"").find(|rest| rest.contains("/resend\"")).expect("one");
    let often = ann.post(path.split('"').next().expect("a path"), &[]).await;
    assert!(
        often.status == 422
            && often
                .text
                .contains("Too many emails were sent to this address in the past hour. Try again"),
        "{}",
        often.text
    );
    let visitor = User::visiting(&keydesk.console);
    assert_eq!(visitor.get(&first).await.status, 422);
    let last = ann.link_in_mail("/invitation/").await;
    let here = "You’re logged in as ann@acme.example";
    assert!(ann.get(&last).await.text.contains(here), "she is told before she becomes Bob");
    assert!(!visitor.get(&last).await.text.contains("logs you in as"));
    assert_eq!(visitor.post(&last, &[("password", PASSWORD)]).await.status, 303);
}

#[tokio::test]
async fn whoever_signs_up_proves_the_address_first_where_it_is_allowed() {
    let closed = Keydesk::start();
    let visitor = User::visiting(&closed.console);
    assert_eq!(visitor.get("/sign-up").await.status, 404);
    assert!(!visitor.get("/login").await.text.contains("/sign-up"));

    let config = "sign_up = true\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let visitor = User::visiting(&keydesk.console);
    assert!(visitor.get("/login").await.text.contains("/sign-up"));
    let ask = async |email: &str| {
        visitor.post("/sign-up", &[("account", "Beta Ltd"), ("email", email)]).await
    };
    assert_eq!(ask("nonsense").await.status, 422);
    let (known, new) = (ask(ANN).await, ask("bea@beta.example").await);
    let same = |text: &str| text.replace(ANN, "X").replace("bea@beta.example", "X");
    assert_eq!((known.status, same(&known.text)), (new.status, same(&new.text)), "T44");
    let mailbox = ann.get("/mail").await.text;
    assert!(mailbox.contains("You already have a login here"));
    let link = visitor.link_in_mail("/sign-up/").await;
    let weak = visitor.post(&link, &[("password", "password12345678")]).await;
    assert!(weak.status == 422 && weak.text.contains("attackers try"), "{}", weak.text);
    let opened = visitor.post(&link, &[("name", "Bea"), ("password", PASSWORD)]).await;
    assert_eq!(opened.location.as_deref(), Some("/api-docs?done=account_opened"));
    assert_eq!(visitor.post(&link, &[("password", PASSWORD)]).await.status, 422, "once");
    let (endpoint, token) = (visitor.endpoint_url().await, visitor.bearer_token().await);
    assert_ne!(endpoint, ann.endpoint_url().await);
    let url = format!("{endpoint}/api/v1/contacts");
    assert_eq!(send("GET", &url, &token, "app").await.status, 200);
}

/// A user in several accounts switches without logging in, with a bearer token for each.
#[tokio::test]
async fn one_log_in_opens_several_accounts_with_a_bearer_token_each() {
    let config = "sign_up = true\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let bea = User::signed_up(&keydesk.console, "Beta Ltd", "bea@beta.example", "Bea").await;
    bea.post("/members/invitations", &[("email", ANN), ("role", "developer")]).await;
    let link = bea.link_in_mail("/invitation/").await;
    assert_eq!(ann.post(&link, &[("password", PASSWORD)]).await.status, 303);
    let page = ann.get("/api-docs").await.text;
    let ids: Vec<_> = page
        .split("name=\"account\" value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(ids.len(), 2, "{page}");
    let mut seen = Vec::new();
    for id in ids {
        ann.post("/accounts/switch", &[("account", id)]).await;
        let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
        let url = format!("{endpoint}/api/v1/contacts");
        assert_eq!(send("GET", &url, &token, "app").await.status, 200);
        seen.push((endpoint, token));
    }
    assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1);
    let other = send("GET", &format!("{}/api/v1/contacts", seen[0].0), &seen[1].1, "app").await;
    assert_eq!(other.code(), "account_mismatch");
}

/// Whom an administrator has logged out comes in again by a log-in only, wherever their sessions stand.
#[tokio::test]
async fn who_was_logged_out_does_not_come_back_by_way_of_another_account() {
    let config = "sign_up = true\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let bea = User::signed_up(&keydesk.console, "Beta Ltd", "bea@beta.example", "Bea").await;
    let accounts = async |user: &User| {
        let page = user.get("/profile").await.text;
        let ids = page.split("name=\"account\" value=\"").skip(1);
        ids.filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect::<Vec<_>>()
    };
    let elsewhere = User::logged_in(&keydesk.console, "bea@beta.example", PASSWORD).await;
    let invited = [("email", "bea@beta.example"), ("role", "developer")];
    ann.post("/members/invitations", &invited).await;
    let link = bea.link_in_mail("/invitation/").await;
    assert_eq!(bea.post(&link, &[("password", PASSWORD)]).await.status, 303);
    let both = accounts(&elsewhere).await;
    assert_eq!(both.len(), 2);
    let mut old = Vec::new();
    for id in &both {
        elsewhere.post("/accounts/switch", &[("account", id)]).await;
        old.push(elsewhere.bearer_token().await);
    }
    // This one stands in Beta.
    for id in &both {
        elsewhere.post("/accounts/switch", &[("account", id)]).await;
        if elsewhere.get("/profile").await.text.contains("<span class=\"menu-account\">Beta Ltd") {
            break;
        }
    }
    let id = ann.member_id("Bea").await;
    assert_eq!(ann.post(&format!("/members/{id}/log-out"), &[]).await.status, 303);
    for id in &both {
        elsewhere.post("/accounts/switch", &[("account", id)]).await;
        let page = elsewhere.get("/api-docs").await.text;
        assert!(page.contains("Beta Ltd") && !page.contains("Acme"), "{page}");
    }
    assert!(old.contains(&elsewhere.bearer_token().await), "hers in Beta goes on");
    // The password given again is no log-in: a second factor is not asked for.
    let confirmed = elsewhere.post("/confirm", &[("confirm_password", PASSWORD)]).await;
    assert_eq!(confirmed.status, 303, "{}", confirmed.text);
    assert!(accounts(&elsewhere).await.len() < 2);
    let again = User::logged_in(&keydesk.console, "bea@beta.example", PASSWORD).await;
    assert_eq!(accounts(&again).await.len(), 2, "a log-in leads into both");
}

/// An owner's invitation is the owners' to send, to take back and to replace; and nobody's mailbox is filled.
#[tokio::test]
async fn an_owner_s_invitation_is_not_an_administrator_s_to_touch() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let adam = ann.invite("adam@acme.example", "administrator", PASSWORD).await;
    ann.post("/members/invitations", &[("email", "olga@acme.example"), ("role", "owner")]).await;
    let page = ann.get("/members").await.text;
    let start = page.find("inv_").expect("an invitation");
    let path = |act: &str| format!("/members/invitations/{}/{act}", &page[start..start + 36]);
    assert!(!adam.get("/members").await.text.contains("/revoke"));
    for act in ["revoke", "resend"] {
        assert_eq!(adam.post(&path(act), &[]).await.status, 403, "{act}");
    }
    let replaced = [("email", "olga@acme.example"), ("role", "viewer")];
    assert_eq!(adam.post("/members/invitations", &replaced).await.status, 403);
    assert_eq!(ann.post(&path("revoke"), &[]).await.status, 303);
    let mut answers = Vec::new();
    for _ in 0..6 {
        let again = [("email", "stranger@far.example"), ("role", "viewer")];
        answers.push(ann.post("/members/invitations", &again).await.status);
    }
    assert_eq!(answers, [303, 303, 303, 303, 303, 422]);
}
