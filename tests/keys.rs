//! N6, T72: another master key while everything runs; killed on the way, it goes on.

use crate::support::{
    Keydesk, Options, PASSWORD, User, authenticator::set_up_authenticator, cluster::Cluster,
    eventually, is_let_through, use_token,
};
use std::process::{Command, Stdio};

fn rotate(keydesk: &Keydesk) -> (bool, String) {
    let output = keydesk.command(&["key", "rotate"]);
    let message = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&message).into_owned())
}

fn keys_in(keydesk: &Keydesk) -> String {
    std::fs::read_to_string(keydesk.data().join("keydesk.key")).expect("there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_a_rotation_of_the_key_kills_no_token_and_no_password() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    let endpoint = ann.endpoint_url().await;
    let (anns, bobs) = (ann.bearer_token().await, bob.bearer_token().await);
    let before = keys_in(&keydesk);
    let (done, message) = rotate(&keydesk);
    assert!(done && message.contains("does not need the old key any more"), "{message}");
    let after = keys_in(&keydesk);
    assert!(!after.contains(before.trim()) && after.lines().count() == 1, "the old key is gone");
    for (user, token) in [(&ann, &anns), (&bob, &bobs)] {
        assert_eq!(&user.bearer_token().await, token, "shown as before");
        assert!(is_let_through(&use_token(&endpoint, token).await));
    }
    // The old key is in no file any more; passwords that were hashed with it are good all the same.
    keydesk = keydesk.restart(&Options::default());
    for _ in 0..2 {
        let again = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
        assert_eq!(again.bearer_token().await, anns);
    }
    let (done, message) = rotate(&keydesk);
    assert!(done, "{message}");
    User::logged_in(&keydesk.console, "bob@acme.example", PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t72_a_rotation_that_is_killed_goes_on_and_a_wrong_key_harms_nothing() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.bearer_token().await;
    for round in 0..12 {
        let mut killed = Command::new(env!("CARGO_BIN_EXE_keydesk"))
            .env_clear()
            .args(["--data", &keydesk.data().to_string_lossy(), "key", "rotate"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        tokio::time::sleep(std::time::Duration::from_millis(round * 6)).await;
        let _ = killed.kill();
        let _ = killed.wait();
        assert_eq!(ann.bearer_token().await, token, "round {round}");
        assert!(is_let_through(&use_token(&endpoint, &token).await));
    }
    let (done, message) = rotate(&keydesk);
    assert!(done, "{message}");
    assert_eq!(ann.bearer_token().await, token);
    keydesk.stop();
    let right = keys_in(&keydesk);
    let wrong = format!("keydesk-key-1 {}\n", "ab".repeat(32));
    std::fs::write(keydesk.data().join("keydesk.key"), wrong).expect("writes");
    let (done, message) = rotate(&keydesk);
    assert!(!done && message.contains("put the old file back"), "{message}");
    std::fs::write(keydesk.data().join("keydesk.key"), right).expect("writes");
    let keydesk = keydesk.restart(&Options::default());
    let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
    assert_eq!(ann.bearer_token().await, token);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t72_nodes_get_the_new_key_before_it_is_used() {
    let cluster = Cluster::start(2, "").await;
    let mut token = cluster.ann.bearer_token().await;
    let (done, message) = rotate(&cluster.nodes[0]);
    assert!(!done && message.contains("do not hold the new key yet: node-1"), "{message}");
    let there = User::logged_in(&cluster.nodes[1].console, "ann@acme.example", PASSWORD).await;
    assert_eq!(there.bearer_token().await, token, "all goes on");
    let key = |node: usize| cluster.nodes[node].data().join("keydesk.key");
    std::fs::copy(key(0), key(1)).expect("copies");
    let message = std::sync::Mutex::new(String::new());
    eventually("the other node has read the file", async || {
        let (done, said) = rotate(&cluster.nodes[0]);
        *message.lock().expect("not poisoned") = said;
        done
    })
    .await;
    let message = message.into_inner().expect("not poisoned");
    assert!(message.contains("Copy the file to the other nodes"), "{message}");
    for user in [&cluster.ann, &there] {
        assert_eq!(user.bearer_token().await, token);
        // What is made now is sealed under the new key, wherever it is made, and shown everywhere.
        let page = user.post("/api-docs/rotate", &[]).await;
        assert_eq!(page.done(), Some("/api-docs?done=token_rotated"));
        token = cluster.ann.bearer_token().await;
        assert_eq!(there.bearer_token().await, token);
    }
}

/// N6: the master key changes, and the authenticator goes on.
#[tokio::test]
async fn n6_a_rotation_of_the_key_kills_no_second_factor() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (authenticator, _) = set_up_authenticator(&ann).await;
    for _ in 0..2 {
        let (done, message) = rotate(&keydesk);
        assert!(done, "{message}");
    }
    let user = User::visiting(&keydesk.console);
    let page = user.log_in("ann@acme.example", PASSWORD).await;
    let half = page.text.split("name=\"half\" value=\"").nth(1).expect("it asks for the code");
    let half = half.split('"').next().expect("a value");
    let code = authenticator.code(1);
    let entered = user.post("/login/two-factor", &[("half", half), ("code", &code)]).await;
    assert_eq!(entered.status, 303, "{}", entered.text);
    assert!(ann.get("/two-factor").await.text.contains("10 of 10"));
}
