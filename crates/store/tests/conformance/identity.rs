//! Who comes in: addresses that are proved, factors, challenges, tries, single sign-on.

use crate::world::{World, at, entry};
use keydesk_model::{AttemptKind, Email, Role};
use keydesk_store::{Domain, NewEmailChange, PendingLogin, SignUp, Sso, StoreError};

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

fn email(text: &str) -> Email {
    text.parse().expect("an address")
}

pub async fn an_address_changes_by_the_codes_of_both_sides(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let change = NewEmailChange {
        old_code_hash: OLD,
        new_code_hash: NEW,
        user: world.user,
        email: email("ann@new.example"),
        expires_at: at(10),
    };
    write.add_email_change(&change).await.expect("adds");
    for (hash, is_new) in [(OLD, false), (NEW, true)] {
        let found = write.find_email_change(hash, at(3)).await.expect("reads").expect("is there");
        assert_eq!(
            (found.is_new_side, found.old_confirmed, found.new_confirmed),
            (is_new, false, false)
        );
    }
    write.confirm_email_change(NEW, true).await.expect("confirms");
    let found = write.find_email_change(OLD, at(3)).await.expect("reads").expect("is there");
    assert_eq!((found.old_confirmed, found.new_confirmed), (false, true));
    assert!(write.find_email_change(OLD, at(10)).await.expect("reads").is_none(), "its time");
    write.set_email(world.user, &change.email).await.expect("sets");
    write.close_email_changes(world.user).await.expect("closes");
    assert!(write.find_email_change(NEW, at(3)).await.expect("reads").is_none());
    let sign_up = SignUp { email: email("bea@beta.example"), account_name: "Beta".to_owned() };
    write.add_sign_up(OLD, &sign_up, at(10)).await.expect("adds");
    let found = write.find_sign_up(OLD, at(3)).await.expect("reads").expect("is there");
    assert_eq!((found.email, found.account_name), (sign_up.email, sign_up.account_name));
    assert!(write.close_sign_up(OLD).await.expect("closes"));
    assert!(!write.close_sign_up(OLD).await.expect("asks"));
    write.commit(entry()).await.expect("commits");
    world.store.forget_expired(at(20)).await.expect("forgets");
}

pub async fn a_factor_counts_once_each(world: World) {
    let (user, mut write) = (world.user, world.store.write(at(2)).await.expect("begins"));
    write.set_totp(user, b"sealed").await.expect("sets");
    assert!(write.confirm_totp(user).await.expect("confirms"));
    assert!(!write.confirm_totp(user).await.expect("asks"));
    assert!(matches!(write.set_totp(user, b"other").await, Err(StoreError::Conflict)));
    let mut outcomes = Vec::new();
    for step in [5, 5, 4, 6] {
        outcomes.push(write.take_totp_step(user, step).await.expect("asks"));
    }
    assert_eq!(outcomes, [true, false, false, true]);
    write.set_recovery_codes(user, &[OLD, NEW]).await.expect("sets");
    assert!(write.use_recovery_code(user, OLD).await.expect("uses"));
    assert!(!write.use_recovery_code(user, OLD).await.expect("asks"));
    assert_eq!(write.count_recovery_codes(user).await.expect("counts"), 1);
    let half = PendingLogin { user, version: 1, account: None };
    write.add_pending_login(OLD, half, at(9)).await.expect("adds");
    assert_eq!(write.find_pending_login(OLD, at(3)).await.expect("reads"), Some(half));
    assert_eq!(write.find_pending_login(OLD, at(9)).await.expect("reads"), None);
    write.add_passkey(user, ("id", "Phone", "{}")).await.expect("adds");
    write.note_passkey_use("id", "{}").await.expect("notes");
    let [found] = &write.list_passkeys(user).await.expect("lists")[..] else { panic!("one") };
    assert_eq!(
        (found.last_used_at, write.count_passkeys(user).await.expect("counts")),
        (Some(at(2)), 1)
    );
    assert_eq!(write.remove_passkeys(user).await.expect("removes"), 1);
    write.require_two_factor(world.account, true).await.expect("sets");
    let account = write.find_account(world.account).await.expect("reads").expect("is there");
    assert!(account.requires_two_factor);
    write.commit(entry()).await.expect("commits");
}

pub async fn a_challenge_is_answered_once(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    assert!(write.spend_challenge(NEW, at(9)).await.expect("spends"));
    assert!(!write.spend_challenge(NEW, at(9)).await.expect("asks"));
    assert!(write.spend_challenge(OLD, at(9)).await.expect("spends"), "each by itself");
}

/// Known or not, counts go after the same time: else the answer would tell.
pub async fn tries_are_forgotten_alike_whoever_has_the_address(world: World) {
    const DAY: i64 = 24 * 3_600 * 1_000_000;
    let user = world.user.to_string();
    let keys = [
        (AttemptKind::Email, "ann@acme.example"),
        (AttemptKind::Email, "nobody@acme.example"),
        (AttemptKind::Factor, user.as_str()),
        (AttemptKind::Address, "192.0.2.1"),
    ];
    let mut write = world.store.write(at(2)).await.expect("begins");
    for (kind, key) in keys {
        let next = write.find_attempts(kind, key).await.expect("reads");
        let next = next.try_at(kind, at(2)).expect("the first is free");
        write.set_attempts(kind, key, next).await.expect("sets");
    }
    write.keep().await.expect("commits");
    for (now, expected) in [(2 * DAY, [1, 1, 1, 0]), (31 * DAY, [0, 0, 1, 0])] {
        world.store.forget_old_attempts(at(now)).await.expect("forgets");
        let mut write = world.store.write(at(now)).await.expect("begins");
        let mut left = [0; 4];
        for (left, (kind, key)) in left.iter_mut().zip(keys) {
            *left = write.find_attempts(kind, key).await.expect("reads").failures;
        }
        assert_eq!(left, expected);
    }
    let mut write = world.store.write(at(3)).await.expect("begins");
    write.clear_factor_attempts(world.user).await.expect("clears");
    let left = write.find_attempts(AttemptKind::Factor, &user).await.expect("reads");
    assert_eq!(left.failures, 0);
}

fn domain(name: &str) -> Domain {
    Domain { name: name.to_owned(), is_confirmed: false }
}

pub async fn single_sso_speaks_for_a_domain_when_it_was_confirmed(world: World) {
    let sso = Sso {
        account: world.account,
        issuer: "https://login.example.com".to_owned(),
        client_id: "keydesk".to_owned(),
        sealed: vec![1, 2, 3],
        domains: vec![domain("acme.example")],
        scopes: "email profile".to_owned(),
        client_auth: "automatic".to_owned(),
        trusts_emails: false,
        default_role: Role::Developer,
        role_claim: "groups".to_owned(),
        roles: String::new(),
    };
    let mut write = world.store.write(at(2)).await.expect("begins");
    write.set_sso(&sso, world.member).await.expect("sets");
    assert!(write.find_sso_for("acme.example").await.expect("reads").is_none());
    let evil = ("https://evil.example", ["acme.example"].as_slice());
    let confirmed = write.confirm_sso(world.account, evil).await;
    assert!(matches!(confirmed, Err(StoreError::Conflict)));
    let issuer = sso.issuer.clone();
    let seen = (issuer.as_str(), ["acme.example"].as_slice());
    write.confirm_sso(world.account, seen).await.expect("confirms");
    // A domain more waits for the operator, and the first goes on.
    let more = vec![domain("acme.example"), domain("müller.example")];
    let sso = Sso { domains: more, ..sso };
    write.set_sso(&sso, world.member).await.expect("sets");
    assert!(write.find_sso_for("müller.example").await.expect("reads").is_none());
    let confirmed = write.confirm_sso(world.account, seen).await;
    assert!(matches!(confirmed, Err(StoreError::Conflict)), "the operator saw one domain");
    write.add_identity(&sso, "sub-1", world.user).await.expect("adds");
    let known = write.find_identity(&sso, "sub-1").await.expect("reads");
    assert_eq!(known, Some(world.user));
    assert!(write.has_identity(&sso, world.user).await.expect("reads"));
    assert!(write.find_sso_for("acme.example").await.expect("reads").is_some());
    // What the operator did not look at changes nothing; what they did takes the yes back.
    let sso = Sso { roles: "admins = administrator".to_owned(), ..sso };
    write.set_sso(&sso, world.member).await.expect("sets");
    assert!(write.find_sso_for("acme.example").await.expect("reads").is_some());
    let sso = Sso { issuer: "https://other.example".to_owned(), ..sso };
    write.set_sso(&sso, world.member).await.expect("sets");
    assert!(write.find_sso_for("acme.example").await.expect("reads").is_none());
    assert_eq!(write.find_identity(&sso, "sub-1").await.expect("reads"), None, "another issuer");
    assert!(write.remove_sso(world.account).await.expect("removes"));
    write.commit(entry()).await.expect("commits");
}
