//! What every back end must do, as a list that is run on both: a case that is forgotten there is dead
//! code.

mod cluster;
mod identity;
mod limits;
#[path = "../../../../tests/support/ports.rs"]
mod ports;
#[path = "../../../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "the harness of all tests")]
mod postgres;
mod schema;
mod world;

use cluster::{
    a_place_is_renewed_and_left_by_its_holder_alone, a_report_that_is_sent_twice_counts_once,
    an_account_that_was_stopped_is_stopped_again_once, nodes_join_in_order_renew_and_leave,
};
use identity::{
    a_challenge_is_answered_once, a_factor_counts_once_each,
    an_address_changes_by_the_codes_of_both_sides,
    single_sso_speaks_for_a_domain_when_it_was_confirmed,
    tries_are_forgotten_alike_whoever_has_the_address,
};
use keydesk_model::{
    AccountId, AccountNumber, Called, InvitationId, MemberId, RevocationReason, Role, SessionId,
    Usage, UserId,
};
use keydesk_store::{NewInvitation, NewMember, NewSession, StoreError};
use keydesk_token::Entropy;
use limits::{
    a_reminder_is_noted_once_and_tells_who_is_still_there,
    limits_of_a_token_reach_the_follower_with_its_open_secret,
    limits_of_an_account_reach_the_follower,
    requests_are_counted_by_operation_and_violation_for_a_month,
    requests_of_a_month_add_up_and_are_told_to_all,
    rules_go_to_every_follower_and_a_pending_version_does_not,
};
use std::sync::Arc;
use world::{World, ann, at, entry};

async fn numbers_are_gap_free_and_applied_before_commit_returns(world: World) {
    for expected in 1..=20 {
        let mut write = world.store.write(at(2)).await.expect("begins");
        world.issue(&mut write, None).await.expect("issues");
        write.commit(entry()).await.expect("commits");
        assert_eq!(world.follower.numbers().last(), Some(&expected));
    }
    assert_eq!(world.follower.numbers(), (0..=20).collect::<Vec<_>>());
}

async fn what_is_not_committed_never_happened(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let id = world.issue(&mut write, None).await.expect("issues");
    drop(write);
    world.store.catch_up().await.expect("reads");
    let mut read = world.store.read().await.expect("reads");
    assert!(read.find_token(world.account, id).await.expect("reads").is_none());
    assert_eq!(world.follower.numbers(), [0]);
    let mut write = world.store.write(at(3)).await.expect("begins");
    world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    assert_eq!(world.follower.numbers(), [0, 1], "no number was lost");
}

async fn concurrent_writers_leave_no_gap(world: World) {
    let world = Arc::new(world);
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for _ in 0..10 {
                    let mut write = world.store.write(at(2)).await.expect("begins");
                    world.issue(&mut write, None).await.expect("issues");
                    write.commit(entry()).await.expect("commits");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("ends");
    }
    assert_eq!(world.follower.numbers(), (0..=80).collect::<Vec<_>>());
}

async fn a_token_has_one_open_secret(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let id = world.issue(&mut write, None).await.expect("issues");
    assert!(matches!(write.issue_secret(id, &world.secret(2)).await, Err(StoreError::Conflict)));
    drop(write);
    let mut write = world.store.write(at(3)).await.expect("begins");
    let id = world.issue(&mut write, None).await.expect("issues");
    assert!(write.end_secret(id, RevocationReason::Rotated).await.expect("ends"));
    assert!(
        !write.end_secret(id, RevocationReason::Revoked).await.expect("asks"),
        "it has ended already"
    );
    assert!(matches!(write.issue_secret(id, &world.secret(1)).await, Err(StoreError::Conflict)));
    write.issue_secret(id, &world.secret(2)).await.expect("issues");
    let token = write.find_token(world.account, id).await.expect("reads").expect("there");
    assert_eq!((token.version, token.revocation), (2, None));
}

async fn an_ended_secret_keeps_its_reason_and_forgets_its_display_copy(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let id = world.issue(&mut write, None).await.expect("issues");
    write.end_secret(id, RevocationReason::Revoked).await.expect("ends");
    write.commit(entry()).await.expect("commits");
    let token = world.store.read().await.expect("reads").find_token(world.account, id).await;
    let token = token.expect("reads").expect("there");
    assert_eq!(
        token.revocation.map(|revocation| (revocation.at, revocation.reason)),
        Some((at(2), RevocationReason::Revoked))
    );
    assert_eq!(token.encrypted_copy, None);
}

async fn a_request_key_makes_one_token(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let id = world.issue(&mut write, Some("key")).await.expect("issues");
    assert!(matches!(world.issue(&mut write, Some("key")).await, Err(StoreError::Conflict)));
    let found =
        write.find_token_by_request(world.account, "key").await.expect("reads").expect("there");
    assert_eq!(found.id, id);
}

async fn addresses_are_one_user_in_any_spelling(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let other = UserId::generate(at(2), &world.entropy);
    let mut new = ann(other);
    new.email = "ANN@acme.EXAMPLE".parse().expect("an address");
    assert!(matches!(write.add_user(&new).await, Err(StoreError::Conflict)));
    let found = write.find_user_by_email(&new.email).await.expect("reads").expect("there");
    assert_eq!(found.id, world.user);
}

async fn a_password_is_changed_from_the_version_that_was_read(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    write.set_password(world.user, "new", 1).await.expect("changes");
    assert!(matches!(write.set_password(world.user, "other", 1).await, Err(StoreError::Conflict)));
}

async fn a_removed_member_is_gone_and_may_join_anew(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let (account, user) = (world.account, world.user);
    let again = NewMember {
        id: MemberId::generate(at(2), &world.entropy),
        account,
        user,
        role: Role::Viewer,
    };
    assert!(matches!(write.add_member(again).await, Err(StoreError::Conflict)));
    write.remove_member(world.member).await.expect("removes");
    assert_eq!(write.count_owners(account).await.expect("counts"), 0);
    assert!(write.list_accounts_of(user, at(9)).await.expect("lists").is_empty());
    write.add_member(again).await.expect("joins");
    assert!(write.find_member(account, world.member).await.expect("reads").is_none());
    assert_eq!(
        write.find_member_of(account, user).await.expect("reads").map(|m| m.id),
        Some(again.id)
    );
}

async fn sessions_end_by_idleness_age_and_hand(world: World) {
    let mut write = world.store.write(at(100)).await.expect("begins");
    let id = SessionId::generate(at(100), &world.entropy);
    let new = NewSession {
        id,
        hash: [7; 32],
        user: world.user,
        account: Some(world.account),
        client_ip: "127.0.0.1".to_owned(),
        user_agent: "Firefox".to_owned(),
    };
    write.add_session(&new).await.expect("adds");
    for (seen_after, created_after, found) in [(99, 99, true), (100, 99, false), (99, 100, false)] {
        let session =
            write.find_session([7; 32], at(seen_after), at(created_after)).await.expect("reads");
        assert_eq!(session.is_some(), found);
    }
    assert!(write.renew_session(id, [8; 32]).await.expect("renews"));
    assert!(write.find_session([7; 32], at(0), at(0)).await.expect("reads").is_none());
    assert_eq!(write.end_sessions(world.user, Some(id)).await.expect("ends"), 0);
    assert_eq!(write.end_sessions(world.user, None).await.expect("ends"), 1);
    assert!(
        !write.renew_session(id, [9; 32]).await.expect("asks"),
        "what has ended is not renewed"
    );
    assert!(write.find_session([8; 32], at(0), at(0)).await.expect("reads").is_none());
}

async fn leaving_an_account_ends_the_sessions_that_could_enter_it(world: World) {
    let mut write = world.store.write(at(100)).await.expect("begins");
    let other = AccountId::generate(at(100), &world.entropy);
    let number = AccountNumber::try_from(385_404).expect("a number");
    write.add_account(other, number, &"Other".parse().expect("a name")).await.expect("adds");
    for (hash, account) in [(1, Some(world.account)), (2, None), (3, Some(other))] {
        let new = NewSession {
            id: SessionId::generate(at(100), &world.entropy),
            hash: [hash; 32],
            user: world.user,
            account,
            client_ip: "127.0.0.1".to_owned(),
            user_agent: "Firefox".to_owned(),
        };
        write.add_session(&new).await.expect("adds");
    }
    assert_eq!(write.end_sessions_in(world.user, world.account).await.expect("ends"), 2);
    assert!(write.find_session([3; 32], at(0), at(0)).await.expect("reads").is_some());
}

async fn invitations_and_resets_work_once_and_not_for_ever(world: World) {
    let mut write = world.store.write(at(100)).await.expect("begins");
    let invitation = |code: u8, entropy: &Entropy| NewInvitation {
        id: InvitationId::generate(at(100), entropy),
        account: world.account,
        email: "bob@acme.example".parse().expect("an address"),
        role: Role::Developer,
        code_hash: [code; 32],
        invited_by: Some(world.member),
        expires_at: at(200),
    };
    let (first, second) = (invitation(1, &world.entropy), invitation(2, &world.entropy));
    write.add_invitation(&first).await.expect("adds");
    write.add_invitation(&second).await.expect("adds");
    assert!(
        write.find_invitation([1; 32], at(100)).await.expect("reads").is_none(),
        "the second replaces it"
    );
    assert!(write.find_invitation([2; 32], at(200)).await.expect("reads").is_none(), "over");
    assert!(write.close_invitation(world.account, second.id).await.expect("closes"));
    assert!(!write.close_invitation(world.account, second.id).await.expect("asks"));
    write.add_reset([3; 32], world.user, at(200)).await.expect("adds");
    write.add_reset([4; 32], world.user, at(200)).await.expect("adds");
    for (code, now, found) in [(3, 100, false), (4, 199, true), (4, 200, false)] {
        let reset = write.find_reset([code; 32], at(now)).await.expect("reads");
        assert_eq!(reset, found.then_some(world.user));
    }
    write.close_resets(world.user).await.expect("closes");
    assert!(write.find_reset([4; 32], at(100)).await.expect("reads").is_none());
}

async fn usage_adds_up_by_client_and_address(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let token = world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    let seen = |last: i64, requests| Usage {
        token,
        client: "curl".to_owned(),
        client_ip: "::1".to_owned(),
        last_used_at: at(last),
        requests,
        called: Called::default(),
    };
    for usage in [vec![seen(10, 1), seen(9, 2)], vec![seen(20, 2)], vec![seen(15, 1)]] {
        world.store.record_usage(&usage, world.sent("usage")).await.expect("records");
    }
    let others = (0..80).map(|n| Usage { client: format!("p{n}"), ..seen(1, 1) });
    let others: Vec<_> = others.collect();
    let sent = world.sent("usage");
    world.store.record_usage(&others, sent).await.expect("records many at once");
    let mut read = world.store.read().await.expect("reads");
    let rows = read.list_integrations(token, at(5)).await.expect("lists");
    assert_eq!(
        (rows.len(), rows[0].requests, rows[0].first_used_at, rows[0].last_accepted_at),
        (1, 6, at(10), at(20))
    );
    assert!(read.list_integrations(token, at(20)).await.expect("lists").is_empty());
    let rejected =
        Usage { called: Called { was_rejected: true, ..Called::default() }, ..seen(30, 1) };
    world.store.record_usage(&[rejected], world.sent("usage")).await.expect("records");
    let rows = read.list_integrations(token, at(5)).await.expect("lists");
    assert_eq!((rows[0].requests, rows[0].last_accepted_at), (7, at(20)), "it was not accepted");
    let accepted = read.list_last_accepted(world.account, at(5)).await.expect("lists");
    assert_eq!(accepted.get(&(token, "curl".to_owned())), Some(&at(20)));
    let token = read.find_token(world.account, token).await.expect("reads").expect("there");
    assert_eq!((token.last_used_by.as_deref(), token.last_used_at), (Some("curl"), Some(at(30))));
}

async fn of_what_used_a_token_the_last_thousand_are_kept(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let token = world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    let from = |number: i64| Usage {
        token,
        client: "curl".to_owned(),
        client_ip: format!("{number:04}"),
        last_used_at: at(number),
        requests: 1,
        called: Called::default(),
    };
    let first = async || {
        let mut read = world.store.read().await.expect("reads");
        let ip_allowlist = read.list_addresses_of(token, at(-1)).await.expect("lists");
        ip_allowlist.into_iter().next()
    };
    let record = async |numbers: std::ops::Range<i64>| {
        let usage: Vec<_> = numbers.map(from).collect();
        world.store.record_usage(&usage, world.sent("usage")).await.expect("records");
    };
    record(0..1_100).await;
    assert_eq!(first().await.as_deref(), Some("0100"), "a flood is cut at once");
    record(1_100..1_110).await;
    world.store.forget_crowded_use().await.expect("forgets");
    assert_eq!(first().await.as_deref(), Some("0110"), "the rest is, later");
}

async fn every_commit_writes_one_audit_entry_in_order(world: World) {
    for _ in 0..5 {
        let mut write = world.store.write(at(2)).await.expect("begins");
        world.issue(&mut write, None).await.expect("issues");
        write.commit(entry()).await.expect("commits");
        drop(world.store.write(at(3)).await.expect("begins"));
    }
    let entries = world.store.read().await.expect("reads").list_audit(0).await.expect("lists");
    assert_eq!(
        entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        (1..=6).collect::<Vec<_>>()
    );
    assert_eq!(entries[5].event, "session.ended");
}

/// T65: the first to take a number commits last; whoever follows sees both, in order.
async fn a_number_is_never_overtaken(world: World) {
    let mut first = world.store.write(at(2)).await.expect("begins");
    world.issue(&mut first, None).await.expect("issues");
    let world = Arc::new(world);
    let second = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut write = world.store.write(at(3)).await.expect("begins");
            world.issue(&mut write, None).await.expect("issues");
            write.commit(entry()).await.expect("commits")
        })
    };
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    world.store.catch_up().await.expect("reads");
    assert_eq!(world.follower.numbers(), [0], "the second waits for the first");
    let first = first.commit(entry()).await.expect("commits");
    let second = second.await.expect("ends");
    let numbers = [first, second].map(|done| done.change.map(|(seq, _)| seq));
    assert_eq!(numbers, [Some(1), Some(2)]);
    assert_eq!(world.follower.numbers(), [0, 1, 2]);
}

async fn what_had_ended_is_ended_again_once(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let id = world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    let hash = world.follower.issued();
    let revocation = keydesk_model::Revocation { at: at(7), reason: RevocationReason::Revoked };
    let stone = keydesk_store::Tombstone { hash, revocation, expires_at: Some(at(99)) };
    let mut write = world.store.write(at(9)).await.expect("begins");
    assert!(write.end_again(&stone).await.expect("ends"));
    assert!(!write.end_again(&stone).await.expect("asks"));
    write.commit(entry()).await.expect("commits");
    let token = world.store.read().await.expect("reads").find_token(world.account, id).await;
    assert_eq!(
        token.expect("reads").expect("there").revocation,
        Some(revocation),
        "as it was then"
    );
    assert_eq!(world.follower.numbers(), [0, 1, 2], "and everybody hears of it");
}

macro_rules! conformance {
    ($($case:ident,)*) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$case(super::World::new(&super::world::sqlite(folder.path())).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgresql() {
                super::$case(super::World::new(&super::world::postgresql()).await).await;
            }
        }
    )*};
}

conformance! {
    numbers_are_gap_free_and_applied_before_commit_returns,
    what_is_not_committed_never_happened,
    concurrent_writers_leave_no_gap,
    a_token_has_one_open_secret,
    an_ended_secret_keeps_its_reason_and_forgets_its_display_copy,
    a_request_key_makes_one_token,
    addresses_are_one_user_in_any_spelling,
    a_password_is_changed_from_the_version_that_was_read,
    a_removed_member_is_gone_and_may_join_anew,
    sessions_end_by_idleness_age_and_hand,
    leaving_an_account_ends_the_sessions_that_could_enter_it,
    invitations_and_resets_work_once_and_not_for_ever,
    usage_adds_up_by_client_and_address,
    of_what_used_a_token_the_last_thousand_are_kept,
    every_commit_writes_one_audit_entry_in_order,
    a_number_is_never_overtaken,
    what_had_ended_is_ended_again_once,
    nodes_join_in_order_renew_and_leave,
    a_place_is_renewed_and_left_by_its_holder_alone,
    a_report_that_is_sent_twice_counts_once,
    an_account_that_was_stopped_is_stopped_again_once,
    rules_go_to_every_follower_and_a_pending_version_does_not,
    limits_of_a_token_reach_the_follower_with_its_open_secret,
    requests_are_counted_by_operation_and_violation_for_a_month,
    requests_of_a_month_add_up_and_are_told_to_all,
    limits_of_an_account_reach_the_follower,
    a_reminder_is_noted_once_and_tells_who_is_still_there,
    an_address_changes_by_the_codes_of_both_sides,
    a_factor_counts_once_each,
    a_challenge_is_answered_once,
    tries_are_forgotten_alike_whoever_has_the_address,
    single_sso_speaks_for_a_domain_when_it_was_confirmed,
}
