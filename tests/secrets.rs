//! T58 to T60: no secret in the database, a log, a URL, or what the process prints; and no key, no
//! secret.

use crate::support::{
    Keydesk, NEW_PASSWORD, Options, PASSWORD, User, call, is_let_through, use_token,
};
use sha2::Digest;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// A secret in the forms in which it might have been written down.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let hex = hex::encode(secret);
    vec![
        secret.as_bytes().to_vec(),
        hex.clone().into_bytes(),
        hex.to_uppercase().into_bytes(),
        base64(secret),
        percent_encoded(secret, "%20").into_bytes(),
        percent_encoded(secret, "+").into_bytes(),
    ]
}

/// As in a URL or a form: everything but letters, digits, and unreserved marks is encoded.
fn percent_encoded(secret: &str, space: &str) -> String {
    let encode = |byte: u8| match byte {
        b' ' => space.to_owned(),
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    secret.bytes().map(encode).collect()
}

/// Without the last group, which depends on what follows.
fn base64(secret: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    secret
        .as_bytes()
        .chunks_exact(3)
        .flat_map(|group| {
            let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
            [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize])
        })
        .collect()
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries =
        fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path());
    entries
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read(&path).expect("readable")))
        .collect()
}

/// Does most of what can be done, and returns every secret that was ever in play.
async fn live_a_day(keydesk: &mut Keydesk) -> Vec<String> {
    let ann = keydesk.with_account().await;
    let setup_code =
        keydesk.setup_link.clone().expect("a link").rsplit('/').next().expect("a code").to_owned();
    let endpoint = ann.endpoint_url().await;
    let mut secrets = vec![PASSWORD.to_owned(), NEW_PASSWORD.to_owned(), ann.bearer_token().await];
    secrets.push(ann.create_token("CRM sync", "30d").await);
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    secrets.push(
        ann.link_in_mail("/invitation/").await.rsplit('/').next().expect("a code").to_owned(),
    );
    secrets.push(bob.bearer_token().await);
    ann.post("/forgot-password", &[("email", "bob@acme.example")]).await;
    let link = ann.link_in_mail("/reset-password/").await;
    secrets.push(link.rsplit('/').next().expect("a code").to_owned());
    for token in &secrets[2..4] {
        use_token(&endpoint, token).await;
        // Mistakes that put a token where it does not belong.
        call(&format!("{endpoint}/api/v1/contacts?access_token={token}"), None).await;
        call(&format!("{endpoint}/api/v1/contacts"), Some(&format!("Bearer Bearer {token}"))).await;
        call(&format!("{endpoint}/api/v1/contacts"), Some(token)).await;
        call(&format!("{}/api-docs", keydesk.console), Some(&format!("Bearer {token}"))).await;
        let client = crate::support::client().user_agent(token.as_str()).build().expect("a client");
        client
            .get(format!("{endpoint}/api/v1/contacts"))
            .bearer_auth(token)
            .send()
            .await
            .expect("answers");
    }
    ann.post("/api-docs/rotate", &[]).await;
    secrets.push(ann.bearer_token().await);
    ann.post(
        "/profile/password",
        &[("current_password", PASSWORD), ("new_password", NEW_PASSWORD)],
    )
    .await;
    secrets.push(ann.bearer_token().await);
    ann.log_in("ann@acme.example", "canary of a wrong password").await;
    secrets.push("canary of a wrong password".to_owned());
    let session = User::visiting(&keydesk.console).log_in("ann@acme.example", NEW_PASSWORD).await;
    let cookie =
        session.header("set-cookie").split([';', '=']).nth(1).expect("a cookie").to_owned();
    assert_eq!(cookie.len(), 64);
    secrets.push(cookie);
    // The link of the first start is printed on purpose; nothing else may hold it.
    assert_eq!(keydesk.printed().matches(&setup_code).count(), 1);
    secrets
}

#[tokio::test]
async fn t58_t60_no_secret_is_written_anywhere() {
    let mut keydesk = Keydesk::start();
    let secrets = live_a_day(&mut keydesk).await;
    let data = keydesk.data();
    let running = files_in(&data);
    keydesk.stop();
    let printed = keydesk.printed().into_bytes();
    assert!(contains(&printed, b"Console"), "what is printed is really heard");
    let mut places = running;
    places.extend(files_in(&data));
    places.push(("standard output and error".to_owned(), printed));
    assert!(
        places.iter().any(|(_, bytes)| contains(bytes, b"ann@acme.example")),
        "the search finds what is there"
    );
    for secret in &secrets {
        for spelling in spellings(secret) {
            for (place, bytes) in &places {
                assert!(
                    !contains(bytes, &spelling),
                    "{place} holds a secret of {} bytes",
                    secret.len()
                );
            }
        }
    }
}

#[tokio::test]
async fn t58_nothing_in_the_database_opens_anything_by_itself() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let digest = sha2::Sha256::digest(ann.bearer_token().await.as_bytes());
    let hex = hex::encode(digest);
    assert!(!is_let_through(&use_token(&endpoint, &hex).await));
    let cookie = format!("{}={hex}", keydesk.cookie_name());
    let request = crate::support::client()
        .build()
        .expect("a client")
        .get(format!("{}/api-docs", keydesk.console))
        .header("cookie", cookie);
    let page = request.send().await.expect("answers");
    assert!(page.url().path() == "/login");
}

#[tokio::test]
async fn t59_a_display_copy_in_another_row_is_not_shown() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let token = ann.bearer_token().await;
    assert_eq!(bob.get("/api-docs").await.status, 200);
    keydesk.stop();
    let url = format!("sqlite://{}", keydesk.data().join("keydesk.sqlite").display());
    let pool = sqlx::SqlitePool::connect(&url).await.expect("opens");
    let swap = "UPDATE secret SET encrypted_copy = (SELECT a.encrypted_copy FROM secret a JOIN token t ON t.id = a.token_id \
        WHERE t.name LIKE '%Ann Chen%' AND a.ended_at IS NULL) WHERE token_id = (SELECT id FROM token WHERE name LIKE '%bob%')";
    assert_eq!(sqlx::query(swap).execute(&pool).await.expect("writes").rows_affected(), 1);
    pool.close().await;
    let keydesk = keydesk.restart(&Options::default());
    let bob = User::logged_in(&keydesk.console, "bob@acme.example", PASSWORD).await;
    let page = bob.get("/api-docs").await;
    assert_eq!(page.status, 500);
    assert!(!page.text.contains(&token));
}

#[tokio::test]
async fn f2_the_key_file_is_its_owner_s_alone_and_the_database_is_useless_without_it() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint_token = ann.bearer_token().await;
    let key = keydesk.data().join("keydesk.key");
    assert_eq!(fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(keydesk.data()).expect("there").permissions().mode() & 0o777, 0o700);
    keydesk.stop();
    let refusal = |keydesk: &Keydesk| {
        let output = keydesk.run(&["feedback"], "");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let good = fs::read(&key).expect("readable");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changes");
    assert!(refusal(&keydesk).contains("chmod 600"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("changes");
    fs::remove_file(&key).expect("removes");
    assert!(refusal(&keydesk).contains("is missing"));
    assert!(!key.exists(), "no new key is made over an old database");
    fs::write(&key, format!("keydesk-key-1 {}\n", "0".repeat(64))).expect("writes");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("changes");
    assert!(refusal(&keydesk).contains("not the one that this database was written with"));
    fs::write(&key, "nonsense").expect("writes");
    assert!(refusal(&keydesk).contains("is damaged"));
    fs::write(&key, good).expect("writes");
    let keydesk = keydesk.restart(&Options::default());
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    assert_eq!(
        ann.bearer_token().await,
        endpoint_token,
        "the old key back, everything is as before"
    );
}
