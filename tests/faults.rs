//! R25, R26, T70, T73: a machine without a network, a disk without room, a clock that jumps.

use crate::support::{
    Keydesk, Options,
    cluster::{Cluster, LEASE},
    eventually,
    faults::{Clock, Namespace, SmallDisk, is_root},
    postgres::Postgres,
    proxy::Proxy,
    use_token,
};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_machine_whose_cable_is_pulled_refuses_within_its_lease() {
    if !is_root() {
        return;
    }
    let namespace = Namespace::new();
    let primary = Postgres::start_with_tls(&[&namespace.host.to_string()]);
    let ca = primary.folder().join("ca.pem");
    let cluster = Cluster::start_on(primary, 1, "confirm_timeout_seconds = 0", &[]).await;
    let server = ([127, 0, 0, 1], cluster.primary.port).into();
    let link = Proxy::between((namespace.host, 0).into(), server).await;
    let config = format!(
        "role = \"gateway\"\ndatabase_url = \"postgres://keydesk@{}/{}?sslrootcert={}\"\nupstream = \"http://127.0.0.1:1\"\n\
         [cluster]\nname = \"far\"\nlease_seconds = {}",
        link.addr,
        cluster.database,
        ca.display(),
        LEASE.as_secs()
    );
    let options = Options {
        config,
        has_account: true,
        namespace: Some(namespace.name.clone()),
        gateway: Some("127.0.0.1:8081".to_owned()),
        ..Options::default()
    };
    let far = Keydesk::start_with(&options);
    let url = format!("{}{}/api/v1/contacts", far.gateway, cluster.path);
    let token = cluster.ann.create_token("CRM", "never").await;
    // 502: the token is good, but there is no API behind that gateway.
    eventually("it follows", async || namespace.try_token(&url, &token) == "502").await;
    namespace.connect(false);
    let location = cluster.revoke_newest().await;
    let receipt = cluster.receipt(&location).await;
    assert_eq!(receipt["unconfirmed"][0]["name"], "far", "{receipt}");
    let effective_at = receipt["effective_at"].as_str().expect("an instant");
    let effective_at: jiff::Timestamp = effective_at.parse().expect("RFC 3339");
    while jiff::Timestamp::now() < effective_at {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..5 {
        assert_eq!(namespace.try_token(&url, &token), "503");
    }
    namespace.connect(true);
    for _ in 0..200 {
        match &*namespace.try_token(&url, &token) {
            "401" => return,
            "503" => tokio::time::sleep(Duration::from_millis(50)).await,
            other => panic!("{other}"),
        }
    }
    panic!("it never heard of the revocation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t70_a_gateway_whose_disk_is_full_refuses_but_does_not_confirm_until_it_can_remember() {
    if !is_root() {
        return;
    }
    let disk = SmallDisk::new();
    let mut cluster = Cluster::start(1, "confirm_timeout_seconds = 1").await;
    let mut options = Options {
        config: cluster.options[0].config.replace("node-0", "full"),
        key_file: Some(cluster.nodes[0].data().join("keydesk.key")),
        has_account: true,
        data: Some(disk.path().join("data")),
        ..Options::default()
    };
    cluster.nodes.push(Keydesk::start_with(&options));
    options.key_file = None;
    let token = cluster.token_everywhere("CRM").await;
    // What is in its journal ends with a page of the disk: the next record needs one more.
    let journal = disk.path().join("data/revocations.journal");
    let length = std::fs::metadata(&journal).expect("is there").len().next_multiple_of(4096);
    let file = std::fs::OpenOptions::new().write(true).open(&journal).expect("opens");
    file.set_len(length).expect("grows");
    disk.fill();
    let location = cluster.revoke_newest().await;
    assert_eq!(cluster.try_token(1, &token).await.1, "token_revoked");
    let receipt = cluster.receipt(&location).await;
    assert_eq!(receipt["unconfirmed"][0]["name"], "full", "{receipt}");
    let other = cluster.ann.create_token("other", "never").await;
    cluster.until(1, &other, 200, Duration::from_secs(5)).await;
    disk.clear();
    eventually("it confirms once there is room", async || {
        let nodes = cluster.primary.ask(
            &cluster.database,
            "SELECT count(*) FROM node WHERE applied = (SELECT seq FROM head)",
        );
        nodes == "2"
    })
    .await;
    let location = cluster.revoke_newest().await;
    assert_eq!(cluster.receipt(&location).await["complete"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r25_t73_a_clock_that_jumps_revives_nothing_and_costs_no_lease() {
    let clock = Clock::new();
    let mut keydesk = Keydesk::start_with(&clock.options(Options::default()));
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let revoked = ann.create_token("revoked", "never").await;
    crate::support::cluster::revoke_newest(&ann).await;
    let (kept, month) =
        (ann.create_token("kept", "never").await, ann.create_token("month", "30d").await);
    for (offset, still_good) in
        [("+1h", true), ("-1h", true), ("+1y", false), ("-1y", false), ("+0", false)]
    {
        clock.jump(offset);
        assert_eq!(use_token(&endpoint, &kept).await.0, 200, "{offset}");
        assert_eq!(use_token(&endpoint, &revoked).await.0, 401, "{offset}");
        let said = use_token(&endpoint, &month).await;
        assert_eq!(said.0 == 200, still_good, "{offset}: {said:?}");
    }
}
