//! R8, R29: that nothing is lost on the way from writers to followers, how late it is, and how long
//! a gateway takes to start.

use crate::{
    figures::{Report, spread},
    support::{
        Keydesk, Options,
        postgres::Postgres,
        proxy::{Mode, Proxy},
    },
};
use keydesk_model::{
    AccountId, Actor, Change, Event, Feed, IpAllowlist, Origin, ScopeSet, Snapshot, Timestamp,
    TokenId, TokenNote, TokenOwner,
};
use keydesk_store::{AuditEntry, DatabaseUrl, FollowEvent, NewSecret, NewToken, Store};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

const WRITERS: usize = 50;

/// Notes when each number has arrived, and whether it was the next.
#[derive(Default)]
struct Follower {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    last: i64,
    out_of_order: usize,
    arrived: HashMap<TokenId, Instant>,
}

impl Feed for Follower {
    fn load(&self, snapshot: Snapshot<'_>) {
        let mut seen = self.seen.lock().expect("not poisoned");
        seen.last = snapshot.seq;
        let now = Instant::now();
        for secret in snapshot.secrets {
            seen.arrived.entry(secret.token).or_insert(now);
        }
    }

    fn apply(&self, seq: i64, change: Change) {
        let mut seen = self.seen.lock().expect("not poisoned");
        seen.out_of_order += usize::from(seq != seen.last + 1);
        seen.last = seq;
        if let Change::SecretIssued(secret) = change {
            seen.arrived.insert(secret.token, Instant::now());
        }
    }
}

fn entry() -> AuditEntry {
    AuditEntry {
        event: Event::SessionEnded {},
        actor: Actor::Operator { user: None },
        origin: Origin::default(),
        account: None,
        target: String::new(),
    }
}

pub async fn order_and_lag(report: &mut Report, changes: usize) {
    follow_writers(report, changes, true).await;
    follow_writers(report, changes, false).await;
}

async fn follow_writers(report: &mut Report, changes: usize, is_cut: bool) {
    let server = Postgres::start("");
    let database = server.new_database();
    let place: DatabaseUrl = server.url(&database).parse().expect("a place");
    let link = Arc::new(Proxy::to(([127, 0, 0, 1], server.port).into()).await);
    let far: DatabaseUrl =
        format!("postgres://keydesk@{}/{database}", link.addr).parse().expect("a place");
    let writer = Store::open(&place).await.expect("opens");
    let account = account(&writer).await;
    let follower = Arc::new(Follower::default());
    let store = Store::open(&far).await.expect("opens");
    store.follow(Arc::clone(&follower) as Arc<dyn Feed>, None).await.expect("follows");
    let tasks = follow(&store);
    let breaks = Arc::clone(&link);
    let chaos = tokio::spawn(async move {
        if !is_cut {
            return;
        }
        for mode in [Mode::Cut, Mode::Hole].into_iter().cycle() {
            tokio::time::sleep(Duration::from_secs(4)).await;
            breaks.set(mode);
            tokio::time::sleep(Duration::from_millis(300)).await;
            breaks.set(Mode::Pass);
        }
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| tokio::spawn(write(writer.clone(), account, number, changes / WRITERS)))
        .collect();
    let mut committed = HashMap::new();
    for writer in writers {
        committed.extend(writer.await.expect("writes"));
    }
    // It may have been stopped while the link was cut.
    chaos.abort();
    let _ = chaos.await;
    link.set(Mode::Pass);
    tokio::time::sleep(Duration::from_secs(4)).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let seen = follower.seen.lock().expect("not poisoned");
    let lost = committed.keys().filter(|token| !seen.arrived.contains_key(token)).count();
    let lags = committed.iter().filter_map(|(token, at)| {
        seen.arrived.get(token).map(|arrived| arrived.saturating_duration_since(*at))
    });
    let message = format!(
        "{} changes by {WRITERS} writers over a link that is {}: lost {lost}, out of order {}; behind the commit by {}",
        committed.len(),
        if is_cut { "cut every four seconds" } else { "left alone" },
        seen.out_of_order,
        spread(lags.collect())
    );
    report.add("R8", lost + seen.out_of_order, &message);
}

fn follow(store: &Store) -> [tokio::task::JoinHandle<()>; 2] {
    let wake = Arc::new(Notify::new());
    let (listening, message) = (store.clone(), Arc::clone(&wake));
    let listener = tokio::spawn(async move {
        loop {
            let tell = |news| {
                if news == FollowEvent::Change {
                    message.notify_one();
                }
            };
            if listening.listen(tell).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    let store = store.clone();
    let follower = tokio::spawn(async move {
        loop {
            let _ = tokio::time::timeout(Duration::from_millis(250), wake.notified()).await;
            if tokio::time::timeout(Duration::from_secs(2), store.catch_up()).await.is_err() {
                store.eject();
            }
        }
    });
    [listener, follower]
}

async fn account(store: &Store) -> AccountId {
    let now = Timestamp::from_micros(1);
    let account = AccountId::generate(now, &Entropy::seeded(1));
    let mut write = store.write(now).await.expect("begins");
    let number = 385_403.try_into().expect("a number");
    write.add_account(account, number, &"Acme".parse().expect("a name")).await.expect("adds");
    write.commit(entry()).await.expect("commits");
    account
}

/// Tokens with the moments at which their commits had returned.
async fn write(
    store: Store,
    account: AccountId,
    number: usize,
    count: usize,
) -> Vec<(TokenId, Instant)> {
    let entropy = Entropy::seeded(100 + number as u64);
    let mut committed = Vec::new();
    for _ in 0..count {
        let plain = PlainToken::generate(&Prefix::default(), Kind::Account, &entropy);
        let new = NewToken {
            id: TokenId::generate(Timestamp::from_micros(1), &entropy),
            account,
            token_owner: TokenOwner::Account,
            note: TokenNote::default(),
            name: "CRM".to_owned(),
            scopes: ScopeSet::everything(),
            ip_allowlist: IpAllowlist::default(),
            expires_at: None,
            created_by: None,
            request_key: None,
        };
        let secret = NewSecret {
            hash: plain.hash(),
            version: 1,
            masked: plain.masked(),
            encrypted_copy: None,
        };
        // A writer whose turn does not come in time asks again.
        let Ok(mut write) = store.write(Timestamp::from_micros(2)).await else { continue };
        write.issue_token(&new, &secret).await.expect("issues");
        if write.commit(entry()).await.is_ok() {
            committed.push((new.id, Instant::now()));
        }
    }
    committed
}

/// A gateway that starts on a full database: nobody is told that a good token is wrong.
pub async fn start_with(report: &mut Report, tokens: usize) {
    let server = Postgres::start("");
    let database = server.new_database();
    let config = format!("database_url = \"{}\"", server.url(&database));
    let mut keydesk =
        Keydesk::start_with(&Options { config: config.clone(), ..Options::default() });
    let ann = keydesk.with_account().await;
    let token = ann.create_token("CRM", "never").await;
    let path = ann.endpoint_url().await.trim_start_matches(&keydesk.gateway).to_owned();
    let copy = format!(
        "INSERT INTO token SELECT 'tok_' || md5(n::text), account_id, token_owner, member_id, name, scopes, expires_at, \
         created_at, created_by, NULL FROM token, generate_series(1, {tokens}) AS n WHERE token_owner = 'account'; \
         INSERT INTO secret (hash, token_id, version, masked, issued_at) SELECT sha256(n::text::bytea), \
         'tok_' || md5(n::text), 1, 'kd_a_x', 1 FROM generate_series(1, {tokens}) AS n"
    );
    server.ask(&database, &copy);
    keydesk.stop();
    let mut wrong = 0;
    let mut spans = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let options = Options { config: config.clone(), has_account: true, ..Options::default() };
        keydesk.kill_and_restart(&options);
        spans.push(start.elapsed());
        let endpoint = format!("{}{path}", keydesk.gateway);
        wrong += usize::from(crate::support::use_token(&endpoint, &token).await.0 != 200);
    }
    report.add(
        "R29",
        wrong,
        &format!(
            "start with {tokens} tokens on PostgreSQL until a token is accepted: {}",
            spread(spans)
        ),
    );
}
