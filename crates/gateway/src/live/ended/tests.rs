//! What is counted and kept of ended requests.

use super::*;
use keydesk_token::Entropy;

fn ended(log: &EndedLog, number: u64, token: Option<TokenId>, path: &str) {
    let mut request = Box::new(Ending::default());
    let account = "385403".parse().ok();
    request.begin(account, ("GET", path), Some(format!("agent{}/1", number % 3).as_bytes()));
    if let (Some(token), Some(account)) = (token, account) {
        request.is_of(account, token);
    }
    let status = if number.is_multiple_of(10) { 500 } else { 200 };
    let end =
        End { status, is_upstreams: true, code: None, took: Duration::from_millis(number % 9) };
    let ids = crate::arrival::RequestIds::new(&Entropy::seeded(number));
    let arrival = Arrival {
        request_id: ids.next(),
        at: Timestamp::from_micros(i64::try_from(number).unwrap_or(0) * 1_000_000),
        client_ip: [192, 0, 2, 1].into(),
    };
    log.add(request, end, &arrival);
}

/// The account that there is.
fn numbers() -> Arc<AccountNumbers> {
    let numbers = AccountNumbers::default();
    numbers.add("385403".parse().expect("a number"));
    Arc::new(numbers)
}

#[test]
fn requests_without_a_token_to_no_account_are_not_kept() {
    let logs = EndedLogs::default();
    let log = logs.add(&Arc::default());
    ended(&log, 1, None, "/contacts");
    assert!(logs.take().counts.is_empty());
    let report = logs.take();
    assert!(report.logged.is_empty() && report.lost == 0);
    ended(&log, 2, Some(TokenId::from_bytes([7; 16])), "/contacts");
    assert_eq!(logs.take().counts.len(), 1, "the token proves its account");
}

#[test]
fn requests_without_a_token_leave_room_to_others() {
    let logs = EndedLogs::default();
    let log = logs.add(&numbers());
    let end = End { status: 401, is_upstreams: false, code: None, took: Duration::ZERO };
    let ids = crate::arrival::RequestIds::new(&Entropy::seeded(1));
    let send = |token: Option<TokenId>, last: u32| {
        let mut request = Box::new(Ending::default());
        let account: AccountNumber = "385403".parse().expect("a number");
        request.begin(Some(account), ("GET", "/"), None);
        if let Some(token) = token {
            request.is_of(account, token);
        }
        let client_ip = std::net::Ipv4Addr::from_bits(last << 8).into();
        let at = Timestamp::from_micros(0);
        log.add(request, end, &Arrival { request_id: ids.next(), at, client_ip });
    };
    for network in 0..60_000 {
        send(None, network);
    }
    send(Some(TokenId::from_bytes([7; 16])), 0);
    let report = logs.take();
    let [of_account, of_token] = [0, 1].map(|number| report.counts[number].1.all.requests);
    assert_eq!(of_account.min(of_token), 1, "the token's is counted: {of_account} {of_token}");
    assert_eq!((of_account.max(of_token), report.lost), (50_000, 10_000));
}

#[test]
fn every_request_is_counted_and_the_newest_of_each_outcome_are_logged() {
    let logs = EndedLogs::default();
    let (one, other) = (logs.add(&numbers()), logs.add(&numbers()));
    let token = TokenId::from_bytes([7; 16]);
    for number in 0..1_000 {
        let log = if number % 2 == 0 { &one } else { &other };
        ended(log, number, Some(token).filter(|_| number % 4 > 0), "/contacts");
    }
    let report = logs.take();
    let requests: u64 = report.counts.iter().map(|(_, used)| used.all.requests).sum();
    assert_eq!((requests, report.lost), (1_000, 0));
    let of_token = report.counts.iter().filter(|((used, _), _)| *used == UsedToken::Token(token));
    let of_token: Vec<_> = of_token.map(|(_, used)| used).collect();
    assert_eq!(of_token.len(), 1, "within one hour");
    assert_eq!((of_token[0].all.requests, of_token[0].clients.len()), (750, 3));
    let logged = |outcome| report.logged.iter().filter(|one| one.outcome == outcome).count();
    assert_eq!(logged(RequestOutcome::Succeeded), 100, "50 of each worker");
    assert_eq!(logged(RequestOutcome::Failed), 50, "those of one worker");
    assert_eq!(logged(RequestOutcome::Unauthenticated), 50);
    let newest = report.logged.iter().map(|one| one.at).max();
    assert_eq!(newest, Some(Timestamp::from_micros(999_000_000)));
    assert!(logs.take().counts.is_empty(), "taken once");
}

#[test]
fn rejected_requests_are_grouped_by_reason() {
    let logs = EndedLogs::default();
    let log = logs.add(&numbers());
    let token = TokenId::from_bytes([7; 16]);
    let ids = crate::arrival::RequestIds::new(&Entropy::seeded(1));
    let account: AccountNumber = "385403".parse().expect("a number");
    for (number, (code, status)) in [
        ("token_revoked", 401),
        ("insufficient_scope", 403),
        ("token_revoked", 401),
        ("upstream_timeout", 504),
        ("client_closed_request", 499),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request = Box::new(Ending::default());
        request.begin(Some(account), ("GET", "/contacts"), Some(b"importer/1"));
        request.is_of(account, token);
        let took = Duration::from_millis(1);
        let end = End { status, is_upstreams: false, code: Some(code), took };
        let at = Timestamp::from_micros(i64::try_from(number).expect("small"));
        let client_ip = [192, 0, 2, 1].into();
        log.add(request, end, &Arrival { request_id: ids.next(), at, client_ip });
    }
    let report = logs.take();
    let [(_, used)] = report.counts.as_slice() else { panic!("one hour: {report:?}") };
    let groups: Vec<_> = used.rejections.iter().collect();
    assert_eq!(groups.len(), 2, "{groups:?}");
    let (revoked, requests) = groups[1];
    assert_eq!((revoked.token, revoked.code.as_str()), (Some(token), "token_revoked"));
    assert_eq!((revoked.client.as_str(), requests.requests), ("importer", 2));
    assert_eq!((requests.first_at.as_micros(), requests.last_at.as_micros()), (0, 2));
    assert!(requests.last_request.ends_with('2'), "{requests:?}");
}

#[test]
fn a_logged_path_has_no_token_and_a_long_one_is_cut() {
    let logs = EndedLogs::default();
    let log = logs.add(&numbers());
    let token = keydesk_token::PlainToken::generate(
        &keydesk_token::Prefix::default(),
        keydesk_token::Kind::User,
        &Entropy::seeded(1),
    );
    ended(&log, 1, None, &format!("/x/{}", token.expose()));
    ended(&log, 2, None, &"/y".repeat(400));
    let logged = logs.take().logged;
    assert_eq!(logged[0].path, "/x/[token]");
    assert_eq!(logged[1].path.len(), LONGEST_PATH);
    for kind in
        [keydesk_token::Kind::User, keydesk_token::Kind::Account, keydesk_token::Kind::Management]
    {
        let token = keydesk_token::PlainToken::generate(
            &keydesk_token::Prefix::default(),
            kind,
            &Entropy::seeded(1),
        );
        let begin = "/y".repeat((LONGEST_PATH - token.expose().len()) / 2);
        ended(&log, 3, None, &format!("{begin}{}", token.expose()));
        let path = logs.take().logged.remove(0).path;
        assert!(path.ends_with("/[token]"), "cut in the middle: {path}");
    }
}
