//! Nodes, what they report, and what they write back.

use crate::world::{World, at, entry};
use keydesk_model::{
    AccountNumber, AccountState, Change, DisconnectPolicy, LeaseConfig, Month, NodeId, QuotaUse,
    Usage,
};
use keydesk_store::{Holder, NewNode, Renewed, Report, Standing, StoreError};
use std::time::Duration;

fn node(world: &World, name: &str, terms: LeaseConfig) -> NewNode {
    NewNode {
        id: NodeId::generate(at(1), &world.entropy),
        name: name.to_owned(),
        is_gateway: true,
        is_console: name == "one",
        terms,
        peer_url: "http://10.0.0.1:8083".to_owned(),
        keys: vec!["a".to_owned(), "b".to_owned()],
    }
}

fn terms(lease: Duration) -> LeaseConfig {
    LeaseConfig {
        lease,
        max_staleness: lease * 12,
        on_disconnect: DisconnectPolicy::FailClosed,
        asks_peers: true,
    }
}

fn holder(secret: &str, attempts: i64) -> Holder {
    Holder { secret: secret.repeat(32), attempts }
}

fn report(keys: &[String]) -> Report<'_> {
    Report { applied: (0, "e"), known: 2, keys }
}

pub async fn nodes_join_in_order_renew_and_leave(world: World) {
    let (store, long) = (&world.store, terms(Duration::from_mins(5)));
    let one = node(&world, "one", long);
    let two = node(&world, "two", terms(Duration::from_millis(1)));
    let ours = holder("a", 0);
    assert_eq!(store.join(&one, &ours, at(1)).await.expect("joins"), 1);
    assert_eq!(store.join(&two, &holder("x", 0), at(1)).await.expect("joins"), 2);
    let answer = store.renew(one.id, &ours, report(&one.keys), at(3)).await.expect("renews");
    let Renewed::Yes(answer) = answer else { panic!("it is listed") };
    assert_eq!((answer.head, answer.newest_node), (0, 2));
    assert_eq!(answer.now.is_some(), store.is_shared());
    let listed = store.list_nodes().await.expect("lists");
    let [first, second] = &listed[..] else { panic!("two") };
    assert_eq!((first.row.renewals, first.row.known, &first.row.epoch[..]), (1, 2, "e"));
    assert_eq!((first.row.terms, first.row.is_console, second.row.is_console), (long, true, false));
    assert_eq!(first.keys, ["a", "b"]);
    // It renewed since it was seen like that; and its lease is not over, whatever the clock of who asks says.
    let before = keydesk_model::NodeRow { renewals: 0, ..first.row.clone() };
    assert!(!store.remove_gone(&before, at(i64::MAX / 2)).await.expect("asks"));
    let later = at(if store.is_shared() { i64::MAX / 2 } else { 4 });
    assert!(!store.remove_gone(&first.row, later).await.expect("asks"));
    let mut write = store.write(at(5)).await.expect("begins");
    assert!(!write.remove_node(&first.row).await.expect("asks"), "its lease may live");
    drop(write);
    tokio::time::sleep(Duration::from_millis(30)).await;
    let now = at(30_000);
    assert!(store.remove_gone(&second.row, now).await.expect("removes"));
    let gone = store.renew(two.id, &holder("x", 0), report(&[]), at(3)).await.expect("asks");
    assert!(matches!(gone, Renewed::Gone), "it must join anew");
    let head = store.look().await.expect("looks").newest_node;
    assert_eq!(head, 3, "others receive that it has left");
    store.leave(one.id, &holder("a", 1)).await.expect("leaves");
    assert!(store.list_nodes().await.expect("lists").is_empty());
}

pub async fn a_place_is_renewed_and_left_by_its_holder_alone(world: World) {
    let store = &world.store;
    let one = node(&world, "one", terms(Duration::from_secs(5)));
    store.join(&one, &holder("a", 0), at(1)).await.expect("joins");
    let twice = store.join(&one, &holder("c", 0), at(1)).await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
    let renew = async |secret: &str, attempts: i64| {
        let holder = holder(secret, attempts);
        store.renew(one.id, &holder, report(&[]), at(3)).await.expect("asks")
    };
    assert!(matches!(renew("a", 0).await, Renewed::Yes(_)));
    assert!(matches!(renew("a", 0).await, Renewed::Taken), "another one asked for the first time");
    assert!(matches!(renew("a", 3).await, Renewed::Yes(_)), "two were lost on the way");
    for (secret, attempts) in [("a", 1), ("x", 9)] {
        assert!(matches!(renew(secret, attempts).await, Renewed::Taken), "{secret} {attempts}");
    }
    store.leave(one.id, &holder("x", 9)).await.expect("asks");
    assert_eq!(store.list_nodes().await.expect("lists")[0].row.renewals, 2);
    store.leave(one.id, &holder("a", 4)).await.expect("leaves");
    assert!(store.list_nodes().await.expect("lists").is_empty());
}

pub async fn a_report_that_is_sent_twice_counts_once(world: World) {
    let account = AccountNumber::try_from(385_403).expect("a number");
    let month = Month::of(at(0));
    let (first, second) = (world.sent("quota"), world.sent("quota"));
    for sent in [first, first, second, first, second] {
        let counted = [QuotaUse { account, requests: 3 }];
        world.store.add_quota_use(month, &counted, sent).await.expect("adds");
    }
    let mut read = world.store.read().await.expect("reads");
    assert_eq!(read.count_requests(account, month).await.expect("reads"), 6);
    drop(read);
    let mut write = world.store.write(at(2)).await.expect("begins");
    let token = world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    let usage = [Usage {
        token,
        client: "curl".to_owned(),
        client_ip: "::1".to_owned(),
        last_used_at: at(10),
        requests: 4,
        called: keydesk_model::Called::default(),
    }];
    for _ in 0..2 {
        // Of another kind: numbers are told apart by it.
        let sent = keydesk_store::Sent { kind: "usage", ..first };
        world.store.record_usage(&usage, sent).await.expect("records");
    }
    let mut read = world.store.read().await.expect("reads");
    assert_eq!(read.list_integrations(token, at(5)).await.expect("lists")[0].requests, 4);
}

pub async fn an_account_that_was_stopped_is_stopped_again_once(world: World) {
    let number = AccountNumber::try_from(385_403).expect("a number");
    let state = AccountState::Suspended;
    let stopped = Standing { number, state, at: at(70) };
    let mut write = world.store.write(at(90)).await.expect("begins");
    assert!(write.stop_again(&stopped).await.expect("stops"));
    assert!(!write.stop_again(&stopped).await.expect("asks"));
    write.commit(entry()).await.expect("commits");
    assert_eq!(world.follower.last(), Some(Change::AccountStopped { number, state, at: at(70) }));
    let mut write = world.store.write(at(95)).await.expect("begins");
    let mut account = write.find_account(world.account).await.expect("reads").expect("is there");
    assert_eq!((account.state, account.state_since), (state, Some(at(70))));
    write.set_account_state(&mut account, AccountState::Active).await.expect("opens");
    assert!(account.state_changed_at > at(70), "later than what it follows on");
    // What is known from before does not stand against it.
    assert!(!write.stop_again(&stopped).await.expect("asks"));
}
