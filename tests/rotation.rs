//! F5, N5 and F10: rotation with overlap, and tokens that rotate and revoke themselves.

use crate::{
    limits::{send, token_with},
    support::{Keydesk, Options, User, client, eventually},
};

async fn start(config: &str) -> (Keydesk, User, String) {
    let options = Options { config: config.to_owned(), ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    (keydesk, ann, endpoint)
}

#[tokio::test]
async fn f5_n5_an_previous_secret_goes_on_is_watched_and_closed() {
    let (_keydesk, ann, endpoint) = start("[self_service]\nrotate = true\n").await;
    let old = token_with(&ann, "CRM", &["*"]).await;
    let id = ann.token_id("CRM").await;
    let contacts = format!("{endpoint}/api/v1/contacts");
    let form = [("grace_period", "24h"), ("revoke_after_idle", "1h")];
    let page = ann.post(&format!("/tokens/{id}/rotate"), &form).await;
    assert!(page.text.contains("The previous secret stops working"), "{}", page.text);
    let new = page.value("new-token");
    assert_eq!(send("GET", &contacts, &new, "crm/2").await.header("sunset"), "");
    let late = send("GET", &contacts, &old, "importer/1").await;
    assert_eq!(late.status, 200);
    assert!(late.header("deprecation").starts_with("@1"), "{:?}", late.headers);
    assert!(late.header("sunset").ends_with(" GMT") && late.header("link").contains("/tokens"));
    eventually("the late caller is named", async || {
        let tokens = ann.get("/tokens").await.text;
        let violations = ann.get("/tokens/violations").await.text;
        tokens.contains("Previous secrets in grace period")
            && tokens.contains("importer")
            && violations.contains("Used the previous secret")
            && !violations.contains("crm")
    })
    .await;
    // An old secret rotates nothing, and closing it leaves the new one alone.
    let own = send("POST", &format!("{endpoint}/keydesk/rotate"), &old, "importer/1").await;
    assert_eq!((own.status, own.code()), (409, "already_rotated"));
    let page = ann.post(&format!("/tokens/{id}/revoke-previous"), &[]).await;
    assert_eq!(page.done(), Some("/tokens?done=previous_secret_revoked"));
    assert_eq!(send("GET", &contacts, &old, "importer/1").await.code(), "token_rotated");
    assert_eq!(send("GET", &contacts, &new, "crm/2").await.status, 200);
    let page = ann.post(&format!("/tokens/{id}/revoke-previous"), &[]).await;
    assert_eq!(page.status, 409);
}

/// Revoking ends the old secret with the new one; so does a rotation without overlap.
#[tokio::test]
async fn f5_what_ends_a_token_ends_its_previous_secrets() {
    let (_keydesk, ann, endpoint) = start("[self_service]\nrotate = true\n").await;
    let contacts = format!("{endpoint}/api/v1/contacts");
    for act in ["revoke", "rotate"] {
        let first = token_with(&ann, act, &["*"]).await;
        let id = ann.token_id(act).await;
        let rotate = format!("/tokens/{id}/rotate");
        let second = ann.post(&rotate, &[("grace_period", "7d")]).await.value("new-token");
        let third = ann.post(&rotate, &[("grace_period", "1h")]).await.value("new-token");
        for token in [&first, &second, &third] {
            assert_eq!(send("GET", &contacts, token, "app").await.status, 200, "{act}");
        }
        let page = ann.post(&format!("/tokens/{id}/{act}"), &[]).await;
        for token in [&first, &second, &third] {
            assert_eq!(send("GET", &contacts, token, "app").await.status, 401, "{act}");
        }
        if act == "rotate" {
            let last = page.value("new-token");
            assert_eq!(send("GET", &contacts, &last, "app").await.status, 200);
        }
    }
    let wrong = ann
        .post(
            &format!("/tokens/{}/rotate", ann.token_id("rotate").await),
            &[("grace_period", "2h")],
        )
        .await;
    assert!(
        wrong.status == 422
            && wrong.text.contains("The grace period must be none, 1h, 24h, or 7d."),
        "{}",
        wrong.text
    );
}

#[tokio::test]
async fn f10_a_token_rotates_and_revokes_itself() {
    let (keydesk, ann, endpoint) = start("[self_service]\nrotate = true\n").await;
    let contacts = format!("{endpoint}/api/v1/contacts");
    let first = token_with(&ann, "CRM", &["contacts:read"]).await;
    let rotated = send("POST", &format!("{endpoint}/keydesk/rotate"), &first, "crm").await;
    assert_eq!((rotated.status, rotated.header("cache-control")), (200, "no-store"));
    assert_eq!(rotated.body["complete"], true, "{}", rotated.body);
    assert!(rotated.body["receipt"].is_i64(), "{}", rotated.body);
    let second = rotated.body["token"].as_str().expect("a token").to_owned();
    assert_eq!(send("GET", &contacts, &first, "crm").await.code(), "token_rotated");
    assert_eq!(send("GET", &contacts, &second, "crm").await.status, 200);
    // With overlap, by form and by JSON.
    let url = format!("{endpoint}/keydesk/rotate");
    let client = client().build().expect("a client");
    let form = client.post(&url).bearer_auth(&second).form(&[("grace_period", "1h")]).send().await;
    let message: serde_json::Value = form.expect("answers").json().await.expect("JSON");
    assert!(message["previous_secret_expires_at"].is_string(), "{message}");
    let third = message["token"].as_str().expect("a token").to_owned();
    assert_eq!(send("GET", &contacts, &second, "crm").await.status, 200);
    let wrong =
        client.post(&url).bearer_auth(&third).json(&serde_json::json!({ "grace_period": "9d" }));
    assert_eq!(wrong.send().await.expect("answers").status(), 400);
    for form in [[("grace_period_", "24h")], [("revoke_after_idle", "1h")]] {
        let wrong = client.post(&url).bearer_auth(&third).form(&form).send().await;
        assert_eq!(
            wrong.expect("answers").status(),
            400,
            "{form:?}: a slip of the pen ends nothing"
        );
    }
    let other =
        client.post(&url).bearer_auth(&third).form(&[("token", first.as_str())]).send().await;
    assert_eq!(other.expect("answers").status(), 403, "a token changes itself and no other");
    let large = client.post(&url).bearer_auth(&third).body(vec![b'x'; 40_000]).send().await;
    assert_eq!(large.expect("answers").status(), 413);
    let revoked = send("POST", &format!("{endpoint}/keydesk/revoke"), &third, "crm").await;
    assert_eq!((revoked.status, &revoked.body["complete"]), (200, &true.into()));
    for token in [&second, &third] {
        assert_eq!(send("GET", &contacts, token, "crm").await.code(), "token_revoked");
    }
    // A bearer token, too; the new one stands on API Docs.
    let bearer = ann.bearer_token().await;
    let rotated = send("POST", &url, &bearer, "crm").await;
    let next = rotated.body["token"].as_str().expect("a token").to_owned();
    assert_eq!(ann.bearer_token().await, next);
    assert_eq!(send("GET", &contacts, &bearer, "crm").await.status, 401);
    for token in [&first, &second, &third, &bearer, &next] {
        assert!(!keydesk.printed().contains(token.as_str()), "no token is in the log");
    }
}

/// The forms in which existing clients ask for it.
#[tokio::test]
async fn f10_clients_of_another_system_rotate_at_their_path() {
    let config = "[self_service]\nrotate_path = \"/api/v1/rotateToken\"\n";
    let (keydesk, ann, endpoint) = start(config).await;
    let mut token = token_with(&ann, "CRM", &["contacts:read"]).await;
    let url = format!("{endpoint}/api/v1/rotateToken");
    let client = client().build().expect("a client");
    for form in 0..4 {
        let request = match form {
            0 => client.post(format!("{url}?token={token}")),
            1 => client.post(&url).form(&[("token", &token)]),
            2 => client.post(&url).json(&serde_json::json!({ "token": token })),
            _ => client.post(&url),
        };
        let answer = request.bearer_auth(&token).send().await.expect("answers");
        assert_eq!(answer.status(), 200, "form {form}");
        let message: serde_json::Value = answer.json().await.expect("JSON");
        token = message["token"].as_str().expect("a member named token").to_owned();
    }
    assert_eq!(
        send("GET", &format!("{endpoint}/api/v1/contacts"), &token, "crm").await.status,
        200
    );
    assert!(!keydesk.printed().contains("kd_a_"), "no token is in the log");
    let off = "[self_service]\nrotate = false\nrevoke = false\n";
    let (_keydesk, ann, endpoint) = start(off).await;
    let token = token_with(&ann, "CRM", &["*"]).await;
    for act in ["rotate", "revoke"] {
        let answer = send("POST", &format!("{endpoint}/keydesk/{act}"), &token, "crm").await;
        assert_eq!(answer.code(), "unknown_endpoint");
    }
}
