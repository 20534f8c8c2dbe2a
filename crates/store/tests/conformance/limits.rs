//! What tokens may do: rules, limits, and what is written down of requests.

use crate::world::{World, at, entry};
use keydesk_model::{
    AccountNumber, Called, Change, LiveRules, Mode, Month, Operation, QuotaUse, Rules, TokenLimits,
    Unlisted, Usage, Violation, Violations,
};
use keydesk_store::AccountSearch;

fn rules(path: &str) -> Rules {
    let operation = Operation {
        method: "GET".to_owned(),
        path: path.parse().expect("a template"),
        scopes: "a:read".parse().expect("scopes"),
        rate: "10/s".parse().ok(),
    };
    Rules { operations: vec![operation], unlisted: Unlisted::Any, ..Rules::default() }
}

pub async fn rules_go_to_every_follower_and_a_pending_version_does_not(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    assert_eq!(write.find_rules().await.expect("reads"), None);
    let live = LiveRules { rules: rules("/a"), mode: Mode::Enforce };
    write.set_rules(&live).await.expect("sets");
    write.commit(entry()).await.expect("commits");
    assert_eq!(world.follower.last(), Some(Change::RulesChanged(live.clone())));
    let mut write = world.store.write(at(3)).await.expect("begins");
    write.set_pending_rules(Some(&rules("/b"))).await.expect("sets");
    write.commit(entry()).await.expect("commits");
    assert_eq!(world.follower.last(), Some(Change::RulesChanged(live.clone())), "not yet");
    let found = world.store.read().await.expect("reads").find_rules().await.expect("reads");
    let found = found.expect("there are some");
    assert_eq!((found.live, found.pending), (live, Some(rules("/b"))));
}

pub async fn limits_of_a_token_reach_the_follower_with_its_open_secret(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let id = world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    let grant = |scopes: &str, ip_allowlist: &str| TokenLimits {
        scopes: scopes.parse().expect("scopes"),
        ip_allowlist: ip_allowlist.parse().expect("networks"),
    };
    let (now, tried) = (grant("a:read b:read", "10.0.0.0/8"), grant("a:read", "10.1.0.0/16 ::1"));
    for observed in [Some(&tried), None] {
        let mut write = world.store.write(at(3)).await.expect("begins");
        write.limit_token(id, &now, observed).await.expect("limits");
        write.commit(entry()).await.expect("commits");
        let Some(Change::SecretIssued(secret)) = world.follower.last() else {
            panic!("the follower is told");
        };
        assert_eq!((secret.grant(), secret.observed.as_ref()), (now.clone(), observed));
        let loaded = world.load_anew().await;
        let loaded = loaded.iter().find(|secret| secret.token == id).expect("is there");
        assert_eq!((loaded.grant(), loaded.observed.as_ref()), (now.clone(), observed));
        let mut read = world.store.read().await.expect("reads");
        let token = read.find_token(world.account, id).await.expect("reads").expect("there");
        assert_eq!(
            (token.ip_allowlist, token.observed.as_ref()),
            (now.ip_allowlist.clone(), observed)
        );
    }
}

pub async fn requests_are_counted_by_operation_and_violation_for_a_month(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let token = world.issue(&mut write, None).await.expect("issues");
    write.commit(entry()).await.expect("commits");
    let day = 86_400_000_000;
    let mut violations = Violations::default();
    violations.add(Violation::Scope);
    violations.add(Violation::ObservedIpAddress);
    let seen = |last: i64, requests, violations, was_rejected| Usage {
        token,
        client: "curl".to_owned(),
        client_ip: "::1".to_owned(),
        last_used_at: at(last),
        requests,
        called: Called { operation: "GET /a".into(), violations, was_rejected },
    };
    let unknown = Usage { called: Called::default(), ..seen(day, 9, violations, true) };
    for usage in [
        vec![seen(day, 3, Violations::default(), false), seen(day + 1, 2, violations, true)],
        vec![seen(day + 2, 1, violations, false), unknown],
        vec![seen(40 * day, 1, Violations::default(), false)],
    ] {
        world.store.record_usage(&usage, world.sent("usage")).await.expect("records");
    }
    let mut read = world.store.read().await.expect("reads");
    let uses = read.list_operation_use(at(day)).await.expect("lists");
    let of_token = read.list_operation_use_of(token, at(day)).await.expect("lists");
    assert_eq!(uses, of_token);
    assert_eq!((uses.len(), uses[0].requests, uses[0].last_used_at), (1, 7, at(40 * day)));
    let violated = read.list_violated(world.account, at(day)).await.expect("lists");
    let message: Vec<_> =
        violated.iter().map(|seen| (seen.violation, seen.requests, seen.rejected)).collect();
    assert_eq!(message, [(Violation::ObservedIpAddress, 3, 2), (Violation::Scope, 3, 2)]);
    drop(read);
    world.store.forget_old_use(at(40 * day)).await.expect("forgets");
    let mut read = world.store.read().await.expect("reads");
    assert_eq!(read.list_operation_use(at(0)).await.expect("lists")[0].requests, 1);
    assert!(read.list_violated(world.account, at(0)).await.expect("lists").is_empty());
}

pub async fn requests_of_a_month_add_up_and_are_told_to_all(world: World) {
    let number = |n: u32| AccountNumber::try_from(n).expect("a number");
    let seen = |account, requests| QuotaUse { account: number(account), requests };
    let (month, next) = (Month::of(at(0)), Month::of(at(40 * 86_400_000_000)));
    let minute = 60_000_000;
    let exchange = async |month, counted: &[QuotaUse], since, now| {
        let sent = keydesk_store::Sent { now: at(now), ..world.sent("quota") };
        world.store.add_quota_use(month, counted, sent).await.expect("adds");
        let mut message = world.store.list_quota_use(month, at(since)).await.expect("lists");
        message.sort_by_key(|seen| seen.requests);
        message
    };
    assert_eq!(exchange(month, &[seen(385_403, 3)], 0, 5 * minute).await, [seen(385_403, 3)]);
    let both = [seen(385_403, 2), seen(400_000, 9)];
    assert_eq!(exchange(month, &both, 0, 9 * minute).await, [seen(385_403, 5), seen(400_000, 9)]);
    // What has not changed lately is not told again.
    assert_eq!(exchange(month, &[], 11 * minute, 12 * minute).await, []);
    assert_eq!(exchange(next, &[seen(385_403, 1)], 0, 5).await, [seen(385_403, 1)]);
    let mut read = world.store.read().await.expect("reads");
    assert_eq!(read.count_requests(number(385_403), month).await.expect("reads"), 5);
    drop(read);
    world.store.forget_old_quota_use(next).await.expect("forgets");
    assert_eq!(exchange(month, &[], 0, 0).await, []);
}

pub async fn limits_of_an_account_reach_the_follower(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let mut account = write.find_account(world.account).await.expect("reads").expect("there");
    "free".clone_into(&mut account.plan);
    account.ip_allowlist = "10.0.0.0/8".parse().expect("networks");
    account.observed = "::1".parse().ok();
    write.limit_account(&account).await.expect("limits");
    write.commit(entry()).await.expect("commits");
    let Some(Change::AccountChanged(live)) = world.follower.last() else {
        panic!("the follower is told");
    };
    assert_eq!(
        (live.plan.as_str(), &live.ip_allowlist, &live.observed),
        ("free", &account.ip_allowlist, &account.observed)
    );
    let mut read = world.store.read().await.expect("reads");
    let found = read.find_account_by_number(account.number).await.expect("reads").expect("there");
    assert_eq!((found.plan, found.observed), (account.plan, account.observed));
    let mut listed = async |text: &str, after: Option<AccountNumber>| {
        let search = AccountSearch { text: text.to_owned(), after, limit: 10 };
        let found = read.search_accounts(&search, (at(2), Month::of(at(2)))).await;
        found.expect("lists").into_iter().map(|found| found.account.number).collect::<Vec<_>>()
    };
    assert_eq!(listed("", None).await, [account.number]);
    assert_eq!(listed(&account.number.to_string(), None).await, [account.number]);
    assert!(
        listed("100%", None).await.is_empty() && listed("", Some(account.number)).await.is_empty()
    );
}

pub async fn a_reminder_is_noted_once_and_tells_who_is_still_there(world: World) {
    let mut write = world.store.write(at(2)).await.expect("begins");
    let id = world.issue(&mut write, None).await.expect("issues");
    let mut account = write.find_account(world.account).await.expect("reads").expect("there");
    (account.max_lifetime_days, account.requires_expiry) = (Some(30), true);
    write.set_account_expiry(&account).await.expect("sets");
    write.commit(entry()).await.expect("commits");
    let mut write = world.store.write(at(3)).await.expect("begins");
    let found = write.find_account(world.account).await.expect("reads").expect("there");
    assert_eq!((found.max_lifetime_days, found.requires_expiry), (Some(30), true));
    let expiring = write.list_expiring_tokens(at(3), at(99)).await.expect("lists");
    let message: Vec<_> = expiring.iter().map(|token| (token.token, token.expires_at)).collect();
    assert_eq!(message, [(id, at(99))]);
    assert!(write.list_expiring_tokens(at(3), at(98)).await.expect("lists").is_empty());
    assert!(write.list_expiring_tokens(at(99), at(100)).await.expect("lists").is_empty());
    let message = write.list_whom_to_tell(world.account, id).await.expect("lists");
    let message: Vec<_> =
        message.iter().map(|(email, language)| (email.as_str(), *language)).collect();
    assert_eq!(message, [("ann@acme.example", None)]);
    assert!(write.note_reminder(id, at(99), 7).await.expect("notes"));
    assert!(!write.note_reminder(id, at(99), 7).await.expect("notes"), "it was noted");
    assert!(write.note_reminder(id, at(99), 1).await.expect("notes"));
    write.remove_member(world.member).await.expect("removes");
    assert!(write.list_whom_to_tell(world.account, id).await.expect("lists").is_empty());
}
