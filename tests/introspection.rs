//! Token introspection, revocation, and self-service, with real OAuth clients and by their OpenAPI documents.

use crate::{
    documents::repository,
    integrations::{clients, node_script, start_echo, start_keydesk},
    limits::token_with,
    support::{Keydesk, PASSWORD, User, client},
};
use std::{fs, path::Path, process::Command};

const SECRET: &str = "a secret of twenty-four letters";

fn run(command: &mut Command) -> serde_json::Value {
    let output = command.output().expect("starts");
    let message = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}{errors}");
    serde_json::from_str(&message).expect("JSON")
}

async fn start_for_oauth(folder: &Path) -> (Keydesk, User) {
    let secret = folder.join("secret");
    fs::write(&secret, SECRET).expect("writes");
    let config = format!(
        "[self_service]\nrotate = true\n[[introspection]]\nclient_id = \"billing & co\"\nclient_secret_file = \"{}\"\n",
        secret.display()
    );
    start_keydesk(start_echo().await, &config).await
}

#[tokio::test]
async fn f11_oauth4webapi_introspects_and_revokes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (keydesk, ann) = start_for_oauth(folder.path()).await;
    let token = token_with(&ann, "CRM", &["contacts:read", "messages:*"]).await;
    let dead = token_with(&ann, "Old", &["*"]).await;
    ann.post(&format!("/tokens/{}/revoke", ann.token_id("Old").await), &[]).await;
    let mut node = Command::new("node");
    node.arg(node_script("oauth.mjs")).args([
        &keydesk.gateway,
        "billing & co",
        SECRET,
        &token,
        &dead,
    ]);
    let message = run(&mut node);
    for way in ["basic", "post"] {
        assert_eq!(message[way]["active"], true, "{message}");
        assert_eq!(message[way]["scope"], "contacts:read messages:*");
        assert_eq!(message[way]["token_type"], "Bearer");
    }
    assert_eq!(message["ended"], serde_json::json!({ "active": false }));
    assert_eq!(message["after"], serde_json::json!({ "active": false }));
    assert!(
        message["refused"].to_string().contains("invalid_client")
            || message["refused"].to_string().contains("CHALLENGE"),
        "{message}"
    );
}

#[tokio::test]
async fn f11_authlib_introspects_and_revokes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (keydesk, ann) = start_for_oauth(folder.path()).await;
    let token = token_with(&ann, "CRM", &["contacts:read"]).await;
    let mut python = Command::new("python3");
    python
        .env("PYTHONPATH", clients().join("python"))
        .arg(repository().join("tests/clients/oauth.py"));
    python.args([&keydesk.gateway, "billing & co", SECRET, &token]);
    let message = run(&mut python);
    assert_eq!(message["client_secret_basic"]["active"], true, "{message}");
    assert_eq!(message["client_secret_post"]["scope"], "contacts:read", "{message}");
    assert_eq!(
        (&message["revoked"], &message["after"]["active"]),
        (&200.into(), &false.into()),
        "{message}"
    );
}

/// A token with an IP allowlist is active only if the introspection request names an allowed IP address.
#[tokio::test]
async fn introspection_keeps_to_address_lists_and_refuses_strangers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (keydesk, ann) = start_for_oauth(folder.path()).await;
    let token = token_with(&ann, "CRM", &["*"]).await;
    let limits = format!("/tokens/{}/limits", ann.token_id("CRM").await);
    ann.post(&limits, &[("scope", "*"), ("ip_allowlist", "10.0.0.0/8"), ("mode", "enforce")]).await;
    let url = format!("{}/keydesk/oauth/introspect", keydesk.gateway);
    let ask = async |form: &[(&str, &str)], secret: Option<&str>| {
        let request = client().build().expect("a client").post(&url).form(form);
        let request = match secret {
            Some(secret) => request.basic_auth("billing+%26+co", Some(secret)),
            None => request,
        };
        let response = request.send().await.expect("answers");
        let status = response.status().as_u16();
        (status, response.json::<serde_json::Value>().await.expect("JSON"))
    };
    let named = ("token", token.as_str());
    let secret = Some("a+secret+of+twenty-four+letters");
    for (form, active) in [
        (vec![named], false),
        (vec![named, ("client_ip", "10.1.2.3")], true),
        (vec![named, ("client_ip", "11.1.2.3")], false),
        (vec![("token", "rubbish")], false),
    ] {
        let (status, message) = ask(&form, secret).await;
        assert_eq!((status, &message["active"]), (200, &active.into()), "{form:?}");
    }
    for (form, secret, status, error) in [
        (vec![named], None, 401, "invalid_client"),
        (vec![named], Some("wrong"), 401, "invalid_client"),
        (
            vec![named, ("client_id", "billing & co"), ("client_secret", SECRET)],
            secret,
            401,
            "invalid_client",
        ),
        (vec![], secret, 400, "invalid_request"),
        (vec![named, ("token", "other")], secret, 400, "invalid_request"),
        (vec![named, ("client_ip", "here")], secret, 400, "invalid_request"),
    ] {
        let (got, message) = ask(&form, secret).await;
        assert_eq!((got, &message["error"]), (status, &error.into()), "{form:?}");
    }
    assert!(!keydesk.printed().contains(&token) && !keydesk.printed().contains(SECRET));
}

/// Runs schemathesis over one of the gateway's own documents.
fn fuzz(document: &str, base: &str, more: &[&str], tokens: &Path) {
    let folder = clients().join("schemathesis");
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", &folder).env("KEYDESK_TOKENS", tokens);
    python.env("SCHEMATHESIS_HOOKS", repository().join("tests/clients/fresh_tokens.py"));
    python.current_dir(tokens.parent().expect("a folder"));
    python.args(["-m", "schemathesis.cli", "run", document, "--url", base, "--checks", "all"]);
    python.args(["--max-examples", "40", "--seed", "1", "--no-color", "--workers", "1"]);
    let output = python.args(more).output().expect("starts");
    let message = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{message}{}", String::from_utf8_lossy(&output.stderr));
    assert!(message.contains("No issues found"), "{message}");
}

#[tokio::test]
async fn f10_self_service_and_introspection_are_as_their_documents_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let (keydesk, ann) = start_for_oauth(folder.path()).await;
    let mut tokens = Vec::new();
    // One user makes 300 changes a minute.
    for maker in 0..4 {
        let email = format!("maker{maker}@acme.example");
        let maker = ann.invite(&email, "administrator", PASSWORD).await;
        for number in 0..240 {
            tokens.push(maker.create_token(&format!("Fuzz {email} {number}"), "never").await);
        }
    }
    let path = folder.path().join("tokens");
    fs::write(&path, tokens.join("\n")).expect("writes");
    let (endpoint, gateway) = (ann.endpoint_url().await, keydesk.gateway.clone());
    tokio::task::spawn_blocking(move || {
        fuzz(&format!("{gateway}/keydesk/openapi.json"), &endpoint, &[], &path);
        let credentials = format!("billing+%26+co:{}", SECRET.replace(' ', "+"));
        let document = format!("{gateway}/keydesk/oauth/openapi.json");
        fuzz(&document, &gateway, &["--auth", &credentials], &path);
    })
    .await
    .expect("runs");
}
