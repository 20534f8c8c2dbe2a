//! Who has left an account does not come back by what they left behind.

use crate::{
    addresses::link_to,
    operators::operator,
    support::{Keydesk, NEW_PASSWORD, Options, PASSWORD, User},
};

const BOB: &str = "bob@acme.example";

/// An account with an administrator Bob, who has invited two people.
struct Left {
    keydesk: Keydesk,
    ann: User,
    bob: User,
    links: Vec<String>,
}

impl Left {
    async fn start(role: &str) -> Self {
        let mut keydesk = Keydesk::start_with(&Options::default());
        let ann = keydesk.with_account().await;
        let bob = ann.invite(BOB, role, PASSWORD).await;
        let mut links = Vec::new();
        for (email, role) in [("mole@evil.example", role), ("mouse@evil.example", "developer")] {
            let page = bob.post("/members/invitations", &[("email", email), ("role", role)]).await;
            assert_eq!(page.location.as_deref(), Some("/members?done=invited"), "{}", page.text);
            links.push(bob.link_in_mail("/invitation/").await);
        }
        Self { keydesk, ann, bob, links }
    }

    /// Whether each of the invitations still lets anyone in.
    async fn let_in(&self) -> Vec<bool> {
        let mut let_in = Vec::new();
        for link in &self.links {
            let stranger = User::visiting(&self.keydesk.console);
            let page = stranger.post(link, &[("name", "Mole"), ("password", PASSWORD)]).await;
            let_in.push(page.status == 303);
        }
        let_in
    }

    async fn bob_id(&self) -> String {
        self.ann.member_id("bob").await
    }
}

#[tokio::test]
async fn an_invitation_does_not_outlive_the_removal_of_who_sent_it() {
    let left = Left::start("administrator").await;
    let page = left.ann.post(&format!("/members/{}/remove", left.bob_id().await), &[]).await;
    assert_eq!(page.done(), Some("/members?done=member_removed"), "{}", page.text);
    assert!(!left.ann.get("/members").await.text.contains("evil.example"));
    assert_eq!(left.let_in().await, [false, false]);
    let log = left.ann.get("/audit").await.text;
    assert!(log.contains("invitations_closed"), "{log}");
}

#[tokio::test]
async fn an_invitation_does_not_outlive_the_role_that_sent_it() {
    for (before, after, let_in) in [
        ("administrator", "developer", [false, false]),
        ("owner", "administrator", [false, true]),
        ("owner", "viewer", [false, false]),
    ] {
        let left = Left::start(before).await;
        let path = format!("/members/{}/role", left.bob_id().await);
        let page = left.ann.post(&path, &[("role", after)]).await;
        assert_eq!(page.status, 303, "{}", page.text);
        assert_eq!(left.let_in().await, let_in, "from {before} to {after}");
    }
}

/// A thief in the session may have sent them.
#[tokio::test]
async fn logging_out_closes_the_invitations_of_whom_it_concerns() {
    let left = Left::start("administrator").await;
    let page = left.ann.post(&format!("/members/{}/log-out", left.bob_id().await), &[]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(left.let_in().await, [false, false]);
    let left = Left::start("administrator").await;
    let page = left.bob.post("/sessions/log-out-all", &[]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(left.let_in().await, [false, false]);
}

/// A thief in a session may have sent them; the victim chooses another password.
#[tokio::test]
async fn another_password_closes_the_invitations_of_who_had_it() {
    let left = Left::start("administrator").await;
    let form = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
    let page = left.bob.post("/profile/password", &form).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(left.let_in().await, [false, false]);
    let left = Left::start("administrator").await;
    left.bob.post("/forgot-password", &[("email", BOB)]).await;
    let link = left.bob.link_in_mail("/reset-password/").await;
    let page = left.bob.post(&link, &[("new_password", NEW_PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(left.let_in().await, [false, false]);
}

/// A reset keeps passkeys, a thief's among them: the victim gets to know their names.
#[tokio::test]
async fn the_mail_after_a_reset_names_the_passkeys_that_still_log_in() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let add = "INSERT INTO passkey (id, user_id, name, body, created_at) \
        SELECT 'a' || id, id, 'Mallory’s phone', '{}', 0 FROM users";
    keydesk.sql(add).await;
    ann.post("/forgot-password", &[("email", "ann@acme.example")]).await;
    let link = ann.link_in_mail("/reset-password/").await;
    assert_eq!(ann.post(&link, &[("new_password", NEW_PASSWORD)]).await.status, 303);
    let mail = ann.get("/mail").await.text;
    assert!(mail.contains("still log in") && mail.contains("Mallory’s phone"), "{mail}");
}

/// An invitation to another address of theirs is over with the change to it, and with the removal.
#[tokio::test]
async fn who_takes_an_invited_address_keeps_no_invitation_back() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite(BOB, "developer", PASSWORD).await;
    let invited = [("email", "robert@acme.example"), ("role", "administrator")];
    ann.post("/members/invitations", &invited).await;
    let invitation = ann.link_in_mail("/invitation/").await;
    bob.post("/profile/email", &[("email", "robert@acme.example")]).await;
    for words in ["Someone who knows your password", "Confirm your new email address"] {
        let link = link_to(&bob, words, "/email-change/").await;
        assert_eq!(bob.post(&link, &[("answer", "confirm")]).await.status, 200);
    }
    let page = User::visiting(&keydesk.console).log_in("robert@acme.example", PASSWORD).await;
    assert_eq!(page.status, 303, "the address is his");
    ann.post(&format!("/members/{}/remove", ann.member_id("bob").await), &[]).await;
    let page = bob.post(&invitation, &[("name", "Bob"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 422, "{}", page.text);
}

/// What an operator has not confirmed goes with the owner who asked for it.
#[tokio::test]
async fn sso_that_waits_for_the_operator_goes_with_who_set_it() {
    let left = Left::start("owner").await;
    let form = [
        ("issuer", "https://login.evil.example"),
        ("client_id", "keydesk"),
        ("client_secret", "canary"),
        ("domain", "acme.example"),
        ("default_role", "administrator"),
    ];
    let page = left.bob.post("/sso", &form).await;
    assert!(page.status == 200 && page.text.contains("Settings saved, but"), "{}", page.text);
    let otto = operator(&left.keydesk, "otto@vendor.example").await;
    let number = left.ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let at = format!("/operator/accounts/{number}");
    assert!(otto.get(&at).await.text.contains("login.evil.example"));
    left.ann.post(&format!("/members/{}/remove", left.bob_id().await), &[]).await;
    assert!(!otto.get(&at).await.text.contains("login.evil.example"));
}

/// A thief's change of address goes no further once the password is another.
#[tokio::test]
async fn a_change_of_address_ends_with_the_password() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    ann.post("/profile/email", &[("email", "mole@evil.example")]).await;
    let link = ann.link_in_mail("/email-change/").await;
    assert_eq!(ann.get(&link).await.status, 200);
    let form = [("current_password", PASSWORD), ("new_password", NEW_PASSWORD)];
    let page = ann.post("/profile/password", &form).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(ann.get(&link).await.status, 422);
}
