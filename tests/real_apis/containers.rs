//! Configuration as containers want it: by environment, secrets from files, on several addresses.

use super::InFront;
use crate::support::{Keydesk, Options, free_port, raw::RawUpstream};

#[tokio::test]
async fn every_key_can_come_from_the_environment_and_secrets_from_files() {
    let upstream = RawUpstream::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("credential");
    std::fs::write(&secret, "Bearer of-the-upstream\n").expect("writes");
    let url = folder.path().join("url");
    std::fs::write(&url, format!("{}\n", upstream.url)).expect("writes");
    let environment = vec![
        ("KEYDESK_UPSTREAMS_0_PREFIX", "/".to_owned()),
        ("KEYDESK_UPSTREAMS_0_URLS", upstream.url.clone()),
        ("KEYDESK_UPSTREAMS_0_CREDENTIAL_FILE", secret.display().to_string()),
        ("KEYDESK_LIMITS_MAX_BODY_BYTES", "10".to_owned()),
        ("KEYDESK_TOKEN_PREFIX", "acme".to_owned()),
        ("KEYDESK_OBSERVE_STATUS", "127.0.0.1:0".to_owned()),
        ("KEYDESK_PUBLIC_GATEWAY_URL_FILE", url.display().to_string()),
    ];
    let config = "[limits]\nmax_body_bytes = 1000\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, environment, ..Options::default() });
    let ann = keydesk.with_account().await;
    assert!(ann.endpoint_url().await.starts_with(&upstream.url), "the public URL is of the file");
    let token = ann.bearer_token().await;
    assert!(token.starts_with("acme_u_"));
    let account = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
    let addr = keydesk.status("/metrics").await;
    assert_eq!(addr.0, 200);
    let printed = keydesk.printed();
    assert!(!printed.contains("of-the-upstream"));
    drop(account);
}

#[tokio::test]
async fn a_wrong_variable_is_named() {
    for (name, value, message) in [
        (
            "KEYDESK_LIMITS_RESPONSE_TIMEOUT_SECONDS",
            "0",
            "KEYDESK_LIMITS_RESPONSE_TIMEOUT_SECONDS: 0 is not between 1 and 86400",
        ),
        (
            "KEYDESK_TRUSTED_PROXIES",
            "10.0.0.1, ten",
            "KEYDESK_TRUSTED_PROXIES: “ten” is not an address or network",
        ),
        (
            "KEYDESK_CORS_ORIGINS",
            "app.example.com",
            "KEYDESK_CORS_ORIGINS: “app.example.com” is not right: an origin is written",
        ),
        (
            "KEYDESK_UPSTREAMS_0_ENCODED_SLASH",
            "yes",
            "KEYDESK_UPSTREAMS_0_ENCODED_SLASH: “yes” is not reject or keep",
        ),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keydesk"));
        let folder = tempfile::tempdir().expect("a folder");
        command.env_clear().env(name, value).current_dir(folder.path());
        if name.contains("UPSTREAMS") {
            command
                .env("KEYDESK_UPSTREAMS_0_PREFIX", "/")
                .env("KEYDESK_UPSTREAMS_0_URLS", "http://127.0.0.1:9");
        }
        let output = command.output().expect("runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(message), "{name}: {error}");
    }
}

/// `:PORT` is every address of both families, `localhost` both loopback addresses, and a list is a list.
#[tokio::test]
async fn a_listener_has_several_addresses() {
    for (form, hosts) in [
        (":PORT", &["127.0.0.1", "[::1]"][..]),
        ("localhost:PORT", &["127.0.0.1", "[::1]"]),
        ("127.0.0.1:PORT,127.0.0.2:PORT", &["127.0.0.1", "127.0.0.2"]),
    ] {
        let (console, gateway) = (free_port(), free_port());
        let options = Options {
            console: Some(format!("localhost:{console}")),
            gateway: Some(form.replace("PORT", &gateway.to_string())),
            ..Options::default()
        };
        let mut keydesk = Keydesk::start_with(&options);
        let ann = keydesk.with_account().await;
        let token = ann.bearer_token().await;
        let account = ann.endpoint_url().await.rsplit('/').next().expect("a number").to_owned();
        for host in hosts {
            let url = format!("http://{host}:{gateway}/{account}");
            assert_eq!(crate::support::use_token(&url, &token).await.0, 200, "{form} {host}");
        }
        let page = crate::support::call(&format!("http://[::1]:{console}/login"), None).await;
        assert_eq!(page.status(), 200, "the console, too");
    }
}

#[tokio::test]
async fn the_token_form_is_served_beside_the_path_form() {
    let api = InFront::with("").await;
    for url in [&api.endpoint, &api.keydesk.gateway] {
        assert_eq!(crate::support::use_token(url, &api.token).await.0, 200, "{url}");
    }
}

/// A trickle that is as slow as it likes.
#[tokio::test]
async fn the_slowest_upload_can_be_allowed() {
    let api = InFront::with("[limits]\nmin_body_bytes_per_second = 0\n").await;
    assert_eq!(api.get("/api/v1/contacts").await.status(), 200);
}
