//! Alerts: a month of clients in which some fail or fall silent, and who gets an email.

use crate::{
    api::Program,
    world::{Console, User},
};
use keydesk_control::{AlertWatch, UsageRollup};
use keydesk_model::{
    CountedRequests, EndedRequests, NodeId, PeriodUse, TimeBucket, Timestamp, TokenId, UsedToken,
};
use keydesk_store::UsageReport;
use std::{net::IpAddr, time::Duration};

const HOUR: Duration = Duration::from_hours(1);

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A gateway that reports the hours of tokens.
pub(crate) struct Gateway<'a> {
    console: &'a Console,
    id: NodeId,
    rollup: UsageRollup,
    watch: AlertWatch,
}

impl<'a> Gateway<'a> {
    pub async fn start(console: &'a Console) -> Self {
        let id = NodeId::generate(Timestamp::from_micros(0), &console.app.entropy);
        let node = format!(
            "INSERT INTO node (id, name, role, release, joined, known, renewals, applied, epoch, lease_ms, \
             max_staleness_ms, on_disconnect, asks_peers, peer_url, keys, seen_at) \
             VALUES ('{id}', 'g', 'gateway', '', 1, 1, 1, 1, '', 1, 1, '', '', '', '', 0)"
        );
        console.sql(&node).await;
        let rollup = UsageRollup::default();
        Self { console, id, rollup, watch: AlertWatch::default() }
    }

    /// Reports an hour, lets it pass, and runs the jobs.
    pub async fn hour(&mut self, hours: &[(TokenId, u64, u64)]) {
        let app = &self.console.app;
        let at = app.now().start_of_hour();
        self.console.pass(HOUR);
        let body = |good: u64, bad: u64| {
            let mut used = PeriodUse::default();
            for (count, status) in [(good, 200), (bad, 500)].into_iter().filter(|of| of.0 > 0) {
                used.count(&CountedRequests {
                    count,
                    operation: "GET /contacts",
                    client: "importer",
                    network: IpAddr::from([192, 0, 2, 7]).into(),
                    status,
                    were_rejected: false,
                    rejection: None,
                    would_be_rejected: false,
                    time: TimeBucket::of(Duration::from_millis(5)),
                });
            }
            used
        };
        let used = hours.iter().filter(|hour| hour.1 + hour.2 > 0);
        let bodies: Vec<_> = used.map(|(token, good, bad)| (*token, body(*good, *bad))).collect();
        let reported = bodies.iter().map(|(token, body)| ((UsedToken::Token(*token), at), body));
        let report = UsageReport {
            by: self.id,
            reporter: "g",
            uses: reported.collect(),
            ended: &EndedRequests::default(),
            complete_until: app.now(),
            now: app.now(),
        };
        app.store.record_ended(&report).await.expect("stores");
        self.rollup.run(app).await.expect("adds up");
        self.watch.run(app).await.expect("watches");
        // Another console finds the same.
        if at.as_micros() / 3_600_000_000 % 6 == 0 {
            AlertWatch::default().run(app).await.expect("watches");
        }
    }
}

/// How a client uses its token.
#[derive(Clone, Copy)]
enum Habit {
    Always,
    Office,
    Nightly,
    /// In about half of the hours.
    Random,
    /// Always, and a sixth of its requests fail.
    Noisy,
    /// Always, from the third week on.
    Late,
}

impl Habit {
    fn of(client: usize) -> Self {
        match client {
            0..15 => Self::Always,
            15..25 => Self::Office,
            25..30 => Self::Nightly,
            30..40 => Self::Random,
            40..45 => Self::Noisy,
            _ => Self::Late,
        }
    }

    /// Returns the requests in an hour that succeed and fail.
    fn requests(self, (day, hour): (u64, u64), numbers: &mut Numbers) -> (u64, u64) {
        let some = 40 + numbers.below(60);
        let few = numbers.below(3);
        match self {
            Self::Always => (some, few),
            Self::Office if day % 7 < 5 && (8..18).contains(&hour) => (some, few),
            Self::Nightly if hour == 2 => (some, few),
            Self::Random if numbers.below(2) == 0 => (some / 10 + 1, 0),
            Self::Noisy => (some, some / 5 + numbers.below(4)),
            Self::Late if day >= 15 => (some, few),
            _ => (0, 0),
        }
    }
}

/// What is planted: a kind of event, the client, and the hours from and until.
type Planted = (&'static str, usize, u64, u64);

const fn at(day: u64, hour: u64) -> u64 {
    day * 24 + hour
}

const PLANTED: [Planted; 20] = [
    ("token.error_spike", 0, at(16, 3), at(16, 4)),
    ("token.error_spike", 1, at(17, 10), at(17, 13)),
    ("token.error_spike", 2, at(20, 0), at(21, 6)),
    ("token.error_spike", 3, at(3, 12), at(3, 14)),
    ("token.error_spike", 4, at(25, 23), at(26, 1)),
    ("token.error_spike", 15, at(21, 9), at(21, 12)),
    ("token.error_spike", 16, at(23, 14), at(23, 15)),
    ("token.error_spike", 17, at(28, 8), at(28, 17)),
    ("token.error_spike", 40, at(19, 6), at(19, 9)),
    ("token.error_spike", 41, at(27, 20), at(27, 22)),
    ("token.silent", 5, at(16, 0), at(16, 12)),
    ("token.silent", 6, at(18, 13), at(20, 0)),
    ("token.silent", 7, at(24, 5), at(27, 5)),
    ("token.silent", 8, at(7, 0), at(7, 12)),
    ("token.silent", 18, at(22, 0), at(24, 0)),
    ("token.silent", 19, at(17, 0), at(18, 0)),
    ("token.silent", 20, at(25, 8), at(25, 18)),
    ("token.silent", 25, at(23, 0), at(27, 0)),
    ("token.silent", 30, at(20, 0), at(23, 0)),
    ("token.silent", 45, at(22, 0), at(23, 0)),
];

/// Returns the requests of a client in an hour, with what is planted there.
fn with_planted((good, bad): (u64, u64), (client, hour): (usize, u64)) -> (u64, u64) {
    let applies =
        |planted: &&Planted| planted.1 == client && (planted.2..planted.3).contains(&hour);
    match PLANTED.iter().find(applies).map(|planted| planted.0) {
        Some("token.silent") => (0, 0),
        Some(_) => (good / 3, bad + good - good / 3),
        None => (good, bad),
    }
}

async fn clients(ann: &User) -> Vec<TokenId> {
    let mut tokens = Vec::new();
    for number in 0..50 {
        let name = format!("Client-{number:02}");
        let form = [("name", &*name), ("expires", "never"), ("scope", "*")];
        assert_eq!(ann.post("/tokens", &form).await.status, 200);
        let id = ann.id_in(&format!("/tokens?text={name}"), "tok_", &name).await;
        tokens.push(id.parse().expect("an ID"));
    }
    tokens
}

/// Every planted incident is found, once, and nothing else is.
#[tokio::test]
async fn f17_a_month_of_clients_raises_the_right_alerts() {
    let console = Console::start().await;
    let ann = console.owner();
    let tokens = clients(&ann).await;
    // A Monday, so that the days of the plan are those of a week.
    let monday = Timestamp::from_micros(1_796_601_600_000_000);
    console.pass(monday.since(console.app.now()));
    let start = console.app.now();
    let mut gateway = Gateway::start(&console).await;
    let mut numbers = Numbers(1);
    for hour in 0..30 * 24 {
        let when = (hour / 24, hour % 24);
        let used = tokens.iter().enumerate().map(|(client, token)| {
            let usual = Habit::of(client).requests(when, &mut numbers);
            let (good, bad) = with_planted(usual, (client, hour));
            (*token, good, bad)
        });
        let used: Vec<_> = used.collect();
        gateway.hour(&used).await;
    }
    let mut read = console.app.store.read().await.expect("reads");
    let (mut rows, mut last) = (Vec::new(), 0);
    loop {
        let part = read.list_audit(last).await.expect("reads");
        let Some(end) = part.last() else { break };
        last = end.seq;
        rows.extend(part);
    }
    let alerts: Vec<_> = rows
        .into_iter()
        .filter(|row| ["token.error_spike", "token.silent"].contains(&row.event.as_str()))
        .map(|row| {
            let client = tokens.iter().position(|token| token.to_string() == row.target);
            (row.event, client.expect("a client"), row.at.since(start).as_secs() / 3_600)
        })
        .collect();
    let is_found = |(kind, client, from, until): &Planted| {
        // While it lasts, or with the report of its last hour.
        let fits = |alert: &&(String, usize, u64)| {
            alert.0 == *kind && alert.1 == *client && (*from..=*until).contains(&alert.2)
        };
        alerts.iter().filter(fits).count()
    };
    let found: Vec<_> = PLANTED.iter().map(is_found).collect();
    assert_eq!(found, vec![1; PLANTED.len()], "each once: {alerts:?}");
    assert_eq!(alerts.len(), PLANTED.len(), "and nothing else: {alerts:?}");
}

/// Who gets an email, and who doesn't.
#[tokio::test]
async fn f17_alerts_are_sent_to_those_who_want_them() {
    let console = Console::start().await;
    let ann = console.owner();
    let mut tokens = Vec::new();
    for name in ["CRM", "Loud"] {
        let form = [("name", name), ("expires", "never"), ("scope", "*")];
        assert_eq!(ann.post("/tokens", &form).await.status, 200);
        tokens.push(ann.id_in("/tokens", "tok_", name).await);
    }
    let mut gateway = Gateway::start(&console).await;
    let ids: Vec<TokenId> = tokens.iter().map(|id| id.parse().expect("an ID")).collect();
    // A session ends after a while without requests.
    for _ in 0..6 {
        gateway.hour(&[(ids[0], 60, 0), (ids[1], 60, 0)]).await;
    }
    let off = [("kind", "silence"), ("kind", "previous_secret")];
    let saved = ann.post(&format!("/tokens/{}/alerts", tokens[1]), &off).await;
    assert_eq!(
        saved.location.as_deref(),
        Some(&*format!("/tokens/{}?done=alerts_saved", tokens[1]))
    );
    gateway.hour(&[(ids[0], 30, 30), (ids[1], 30, 30)]).await;
    let mail = ann.get("/mail").await.readable();
    assert_eq!(mail.matches("Alert: requests with “CRM” fail").count(), 1, "{mail}");
    assert!(!mail.contains("“Loud”"), "its alert is off: {mail}");
    assert!(mail.contains("Usually, 0% fail"), "{mail}");
    let page = ann.get("/alerts").await.readable();
    assert_eq!(
        page.matches("Error spike (").count() + page.matches(") Error spike").count(),
        2,
        "{page}"
    );
    // All of them off, and quiet hours that are wrong.
    let wrong = [("quiet_from", "22:00"), ("quiet_until", "late"), ("zone", "Europe/Berlin")];
    let page = ann.post("/alerts", &wrong).await;
    assert!(page.status == 422 && page.text.contains("such as 22:00 and 07:00"), "{}", page.text);
    let zone = [("quiet_from", "22:00"), ("quiet_until", "07:00"), ("zone", "Mars")];
    assert!(ann.post("/alerts", &zone).await.text.contains("name of a time zone"));
    let right = [("quiet_from", "22:00"), ("quiet_until", "07:00"), ("zone", "Europe/Berlin")];
    assert_eq!(ann.post("/alerts", &right).await.status, 303);
    let page = ann.get("/alerts").await.text;
    assert!(page.contains("value=\"22:00\"") && page.contains("Europe/Berlin"), "{page}");
    for _ in 0..4 {
        gateway.hour(&[(ids[0], 60, 0)]).await;
    }
    gateway.hour(&[(ids[0], 30, 30)]).await;
    let mail = ann.get("/mail").await.readable();
    assert_eq!(mail.matches("Alert: requests with “CRM” fail").count(), 1, "all are off: {mail}");
}

#[tokio::test]
async fn f7_operators_see_which_account_sends_requests() {
    let console = Console::start().await;
    let ann = console.owner();
    let form = [("name", "CRM"), ("expires", "never"), ("scope", "*")];
    assert_eq!(ann.post("/tokens", &form).await.status, 200);
    let token = ann.id_in("/tokens", "tok_", "CRM").await.parse().expect("an ID");
    let program = Program::of_operator(&ann, &["accounts:read"]).await;
    let mut gateway = Gateway::start(&console).await;
    for _ in 0..3 {
        gateway.hour(&[(token, 90, 10)]).await;
    }
    let page = ann.get("/operator/usage").await.readable();
    assert!(page.contains("Acme") && page.contains("300") && page.contains("10.0%"), "{page}");
    let usage = program.get("/instance/usage").await.body;
    let acme = &usage["accounts"][0];
    assert_eq!((&acme["name"], &acme["requests"]), (&"Acme".into(), &300.into()), "{usage}");
    assert_eq!((&acme["errors"], &acme["server_errors"]), (&30.into(), &30.into()));
    assert_eq!(acme["days"].as_array().map(Vec::len), Some(30));
}

#[tokio::test]
async fn f17_a_previous_secret_that_is_still_used_raises_one_alert_before_it_ends() {
    let console = Console::start().await;
    let ann = console.owner();
    let token = ann.create_token("CRM", "never").await;
    let id = ann.token_id("CRM").await;
    let rotated = ann.post(&format!("/tokens/{id}/rotate"), &[("grace_period", "24h")]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    drop(token);
    let used = async |client: &str| {
        let at = console.app.now().as_micros();
        let day = at / 86_400_000_000;
        console
            .sql(&format!(
                "INSERT INTO operation_use (day, token_id, client, operation, violation, requests, rejected, last_used_at) \
                 VALUES ({day}, '{id}', '{client}', 'GET /contacts', 'previous_secret', 3, 0, {at})"
            ))
            .await;
    };
    console.pass(HOUR);
    used("importer").await;
    used("nightly").await;
    let alerts = async || {
        for _ in 0..2 {
            AlertWatch::default().run(&console.app).await.expect("watches");
        }
        let page = console.logged_in(crate::world::ANN).await.get("/alerts").await.readable();
        page.matches("Previous secret still used").count()
    };
    // The page names the kind once, where it is chosen.
    let named = alerts().await;
    console.pass(HOUR * 16);
    assert_eq!(alerts().await, named, "7 of 24 hours are left: more than a quarter");
    console.pass(HOUR * 2);
    assert_eq!(alerts().await, named + 1, "once, however many consoles look");
    let mail = console.logged_in(crate::world::ANN).await.get("/mail").await.readable();
    assert_eq!(mail.matches("previous secret of “CRM” is still used").count(), 1, "{mail}");
    assert!(mail.contains("importer, nightly"), "{mail}");
    console.pass(HOUR * 3);
    assert_eq!(alerts().await, named + 1);
}
