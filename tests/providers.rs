//! Single sign-on with providers as they come: what they leave out, how they shape their claims, and what an owner is
//! told where it does not work.

use crate::{
    sso::{House, claims},
    support::User,
};
use serde_json::json;

/// The role of somebody in the members' list.
async fn role_of(house: &House, email: &str) -> String {
    let page = house.ann.get("/members").await.text;
    let row = page.split("<tr").find(|row| row.contains(email)).expect("a row").to_owned();
    row.split("selected>").nth(1).expect("a role").split('<').next().expect("a role").to_owned()
}

async fn come(house: &mut House, who: &serde_json::Value) -> (User, crate::support::Page) {
    let browser = User::visiting(&house.keydesk.console);
    let back = house.leave(&browser, who).await;
    let page = browser.get(&back).await;
    (browser, page)
}

#[tokio::test]
async fn a_role_that_the_provider_takes_away_is_gone_at_the_next_login() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let (_, page) = come(&mut house, &claims("cleo@acme.example", &["admins"])).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(role_of(&house, "cleo@acme.example").await, "Administrator");
    let (_, page) = come(&mut house, &claims("cleo@acme.example", &["something-else"])).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(role_of(&house, "cleo@acme.example").await, "Developer");
    // Roles within an object, as Keycloak has them; and claims that nobody needs, which are not as they should be.
    let saved = house.set_with(&[("role_claim", "realm_access.roles")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let who = json!({
        "email": "cleo@acme.example", "email_verified": "true", "name": "Cleo",
        "realm_access": { "roles": ["offline_access", "guests"] },
        "updated_at": "2026-11-20T10:00:00.000Z", "picture": 7, "address": "a text",
    });
    let (_, page) = come(&mut house, &who).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(role_of(&house, "cleo@acme.example").await, "Viewer");
}

/// Entra and others never send `email_verified`.
#[tokio::test]
async fn an_address_without_a_word_counts_where_owner_and_operator_say_so() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let silent = json!({ "email": "cleo@acme.example", "name": "Cleo" });
    let (_, page) = come(&mut house, &silent).await;
    assert!(
        page.status == 422
            && page
                .text
                .contains("The provider doesn’t report whether your email address is verified."),
        "{}",
        page.text
    );
    assert_eq!(house.set_with(&[("trusts_emails", "yes")]).await.status, 303);
    // The operator has seen a provider that says whether an address is verified.
    assert!(
        house
            .ann
            .get("/sso")
            .await
            .text
            .contains("No one can log in this way until the API provider confirms that")
    );
    house.confirm().await;
    let (_, page) = come(&mut house, &silent).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let no = json!({ "email": "dana@acme.example", "email_verified": false });
    let (_, page) = come(&mut house, &no).await;
    assert!(
        page.status == 422
            && page.text.contains("The provider reports that your email address isn’t verified."),
        "{}",
        page.text
    );
}

/// A user is the provider's subject: addresses come and go.
#[tokio::test]
async fn another_address_is_the_same_user_and_a_reused_one_is_another() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let who = |sub: &str, email: &str, name: &str| json!({ "sub": sub, "email": email, "email_verified": true, "name": name });
    let (first, _) = come(&mut house, &who("sub-1", "jo.may@acme.example", "Jo")).await;
    let token = first.bearer_token().await;
    // Jo marries.
    let (again, page) = come(&mut house, &who("sub-1", "jo.kim@acme.example", "Jo")).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_eq!(again.bearer_token().await, token);
    assert!(house.ann.get("/members").await.text.contains("jo.kim@acme.example"));
    // Somebody else gets an address that is in use here.
    let (_, page) = come(&mut house, &who("sub-2", "jo.kim@acme.example", "Joan")).await;
    assert!(
        page.status == 422 && page.text.contains("Another user had this email address before"),
        "{}",
        page.text
    );
    let id = house.ann.member_id("Jo").await;
    assert_eq!(house.ann.post(&format!("/members/{id}/remove"), &[]).await.status, 303);
    let (joan, page) = come(&mut house, &who("sub-2", "jo.kim@acme.example", "Joan")).await;
    assert_eq!(page.status, 303, "{}", page.text);
    assert_ne!(joan.bearer_token().await, token);
    let (_, page) = come(&mut house, &who("sub-1", "jo.kim@acme.example", "Jo")).await;
    assert!(
        page.status == 422
            && page
                .text
                .contains("Your email address here isn’t in a domain that this provider is"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_provider_speaks_for_several_domains_each_when_it_is_confirmed() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let saved = house.set_with(&[("domain", "acme.example, xn--mller-kva.example")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let page = house.ann.get("/sso").await.text;
    assert!(
        page.contains("for email addresses in acme.example") && page.contains("müller.example"),
        "{page}"
    );
    // The first goes on while the second waits.
    let (_, page) = come(&mut house, &claims("cleo@acme.example", &[])).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let jo = User::visiting(&house.keydesk.console);
    let form = [("email", "jo@müller.example")];
    assert_eq!(jo.post("/login/sso", &form).await.status, 422);
    house.confirm_for("acme.example müller.example").await;
    let who = claims("jo@xn--mller-kva.example", &[]);
    let back = house.leave_as(&jo, "jo@müller.example", &who).await;
    assert_eq!(jo.get(&back).await.status, 303);
}

#[tokio::test]
async fn the_clients_secret_goes_where_the_provider_takes_it() {
    let mut house = House::with(None, "client_secret_post").await;
    // By what the provider's configuration says, or as the owner does.
    for way in ["client_secret_post", "automatic"] {
        let saved = house.set_with(&[("client_auth", way)]).await;
        assert_eq!(saved.status, 303, "{way}: {}", saved.text);
    }
    let saved = house.set_with(&[("client_auth", "client_secret_basic")]).await;
    println!("{}", saved.status);
    house.set().await;
    house.confirm().await;
    let (_, page) = come(&mut house, &claims("cleo@acme.example", &[])).await;
    assert_eq!(page.status, 303, "{}", page.text);
}

/// What is wrong is said where it was entered.
#[tokio::test]
async fn an_owner_is_told_what_is_wrong_with_the_provider() {
    let house = House::new().await;
    let slash = format!("{}/", house.provider.issuer);
    let saved = house.set_with(&[("issuer", &slash)]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let issuer = house.ann.get("/sso").await.text;
    assert!(issuer.contains(&format!("value=\"{}\"", house.provider.issuer)), "{issuer}");
    let path = format!("{}/realms/none", house.provider.issuer);
    let other = house.provider.issuer.replace("127.0.0.1", "localhost");
    for (field, value, says) in [
        ("issuer", path.as_str(), "It returned an error"),
        ("issuer", other.as_str(), "Its issuer is"),
        ("issuer", "http://127.0.0.1:1", "It can’t be reached"),
        ("issuer", "https://nobody.invalid", "It can’t be reached"),
        ("client_secret", "wrong-canary-7731", "It doesn’t accept the client ID and secret ("),
        ("client_id", "other", "It doesn’t accept the client ID and secret ("),
    ] {
        let saved = house.set_with(&[(field, value)]).await;
        assert!(
            saved.status == 200 && saved.text.contains("Settings saved, but"),
            "{value}: {}",
            saved.text
        );
        assert!(saved.text.contains(says), "{value}: {}", saved.text);
        assert!(!saved.text.contains("canary"));
    }
    assert!(!house.keydesk.printed().contains("canary"));
}

/// Everybody of an office comes from one address.
#[tokio::test]
async fn forty_users_of_one_office_log_in_within_ten_minutes() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    for number in 0..40 {
        let who = claims(&format!("p{number}@acme.example"), &[]);
        let (_, page) = come(&mut house, &who).await;
        assert_eq!(page.status, 303, "{number}: {}", page.text);
    }
}

/// Somebody opens the login in two tabs, and finishes both.
#[tokio::test]
async fn two_departures_of_one_browser_both_come_back() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let cleo = User::visiting(&house.keydesk.console);
    let who = claims("cleo@acme.example", &[]);
    let first = house.leave(&cleo, &who).await;
    let second = house.leave(&cleo, &who).await;
    for back in [&first, &second] {
        let page = cleo.get(back).await;
        assert_eq!(page.status, 303, "{}", page.text);
    }
}

/// A server in the company's network, with a certificate of the company's authority.
#[tokio::test]
async fn a_companys_authority_is_trusted_when_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("ca.pem"), made.cert.pem()).expect("writes");
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).expect("writes");
    let port = crate::support::free_port();
    let mut server = std::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &port.to_string()])
        .args(["-cert", &path("ca.pem"), "-key", &path("key.pem")])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl starts");
    let is_up = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
    crate::support::eventually("it listens", is_up).await;
    let issuer = format!("https://localhost:{port}");
    let trusting = format!("ca_file = \"{}\"", path("ca.pem"));
    for (config, says) in [
        (String::new(), "Its certificate isn’t trusted"),
        (trusting, "isn’t valid OpenID Connect JSON"),
    ] {
        let options = crate::support::Options { config, ..Default::default() };
        let mut keydesk = crate::support::Keydesk::start_with(&options);
        let ann = keydesk.with_account().await;
        let form = [
            ("issuer", issuer.as_str()),
            ("client_id", "keydesk"),
            ("client_secret", "sign-on-canary-7710"),
            ("domain", "acme.example"),
            ("default_role", "developer"),
        ];
        let saved = ann.post("/sso", &form).await;
        assert!(saved.text.contains(says), "{says}: {}", saved.text);
    }
    let _ = server.kill();
    let _ = server.wait();
}

/// Somebody has taken another address since: their provider knows the subject still, and opens nothing of theirs.
#[tokio::test]
async fn a_provider_does_not_log_in_who_has_an_address_elsewhere() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let who = |email: &str| json!({ "sub": "s1", "email": email, "email_verified": true });
    let (_, page) = come(&mut house, &who("cleo@acme.example")).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let moved = "UPDATE users SET email = 'cleo@home.example', email_canonical = 'cleo@home.example' \
        WHERE email = 'cleo@acme.example'";
    house.keydesk.sql(moved).await;
    let (browser, page) = come(&mut house, &who("anything@acme.example")).await;
    assert!(
        page.status == 422
            && page
                .text
                .contains("Your email address here isn’t in a domain that this provider is"),
        "{}",
        page.text
    );
    assert_eq!(browser.get("/api-docs").await.status, 303);
}

/// An owner who names another server does not hand it the secret of the first.
#[tokio::test]
async fn a_clients_secret_goes_to_nobody_else() {
    let house = House::new().await;
    house.set().await;
    let empty = ("client_secret", "");
    let saved = house.set_with(&[empty]).await;
    assert_eq!(saved.status, 303, "the same provider: {}", saved.text);
    let thief = crate::support::raw::RawUpstream::start().await;
    for other in [("issuer", thief.url.as_str()), ("client_id", "another")] {
        let saved = house.set_with(&[other, empty]).await;
        assert!(saved.status == 422 && saved.text.contains("client secret"), "{}", saved.text);
    }
    assert!(thief.requests().is_empty());
}
