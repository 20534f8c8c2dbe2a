//! The check of a token, from the header's value to the decision: hit, unknown, rubbish, by the
//! number of tokens in the table; and what memory a token takes.

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use keydesk_gateway::{LiveTable, Presented};
use keydesk_model::{
    AccountId, AccountNumber, Feed, IpAllowlist, LiveSecret, Moment, MonotonicClock, ScopeSet,
    Snapshot, Table, Timestamp, TokenId, TokenOwner,
};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use std::{hint::black_box, time::Duration};

const NOW: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);
/// How many tokens are presented in turn: more than caches hold.
const SAMPLE: usize = 100_000;

/// `Bearer ` and a token with the default prefix: all of the same length, so that a sample lies in
/// one piece of memory, as a header does that was just read.
type Header = [u8; 50];

fn header(token: &PlainToken) -> Header {
    let value = format!("Bearer {}", token.expose());
    value.as_bytes().try_into().expect("tokens are of one length")
}

fn token(entropy: &Entropy) -> PlainToken {
    PlainToken::generate(&Prefix::default(), Kind::Account, entropy)
}

/// A table of `size` tokens, and a sample of those that are in it, in no order.
fn table(table: LiveTable, size: usize, entropy: &Entropy) -> (LiveTable, Vec<Header>) {
    let mut sample = Vec::new();
    let every = size.div_ceil(SAMPLE);
    let secrets = (0..size).map(|at| {
        let plain = token(entropy);
        if at % every == 0 {
            sample.push(header(&plain));
        }
        LiveSecret {
            hash: plain.hash(),
            token: TokenId::generate(NOW, entropy),
            account: AccountId::generate(NOW, entropy),
            number: AccountNumber::from_random(385_403),
            token_owner: TokenOwner::Account,
            name: "bench".to_owned(),
            scopes: ScopeSet::everything(),
            expires_at: None,
            revocation: None,
            ip_allowlist: IpAllowlist::default(),
            observed: None,
            closing: None,
            restored_from: None,
        }
    });
    table.load(Snapshot::new(1, secrets));
    println!("{size} tokens: {:.1} bytes each", bytes_each(&table));
    (table, sample)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2 to the 52")]
fn bytes_each(table: &LiveTable) -> f64 {
    table.size_bytes() as f64 / table.len() as f64
}

/// As the binary reads it: once a request, where there is a lease.
fn stopwatch() -> MonotonicClock {
    MonotonicClock::new(|| {
        let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let (seconds, nanos) = (since.tv_sec.cast_unsigned(), since.tv_nsec.cast_unsigned());
        Moment::from_micros(seconds * 1_000_000 + nanos / 1_000)
    })
}

fn verify_in(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    table: &LiveTable,
    sample: &[Header],
) {
    let mut next = sample.iter().cycle();
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            let presented =
                Presented::in_field(next.next().map(<[u8; 50]>::as_slice), 1).expect("well-formed");
            black_box(table.verify(&presented, NOW).is_ok())
        });
    });
}

fn verify(criterion: &mut Criterion) {
    let entropy = Entropy::seeded(1);
    let mut group = criterion.benchmark_group("verify");
    group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    for size in [1_000, 100_000, 1_000_000, 10_000_000] {
        let (table, known) = table(LiveTable::default(), size, &entropy);
        let unknown: Vec<_> = (0..known.len()).map(|_| header(&token(&entropy))).collect();
        for (name, sample) in [("hit", &known), ("unknown", &unknown)] {
            verify_in(&mut group, BenchmarkId::new(name, size), &table, sample);
        }
    }
    let (leased, known) = table(LiveTable::with_lease_guard(stopwatch()), 100_000, &entropy);
    leased.serve_until(Some(Moment::from_micros(u64::MAX)));
    verify_in(&mut group, BenchmarkId::new("hit under a lease", 100_000), &leased, &known);
    let rubbish: [(&str, &[u8]); 2] = [
        ("rubbish", b"Bearer kd_a_0000000000000000000000000000000000000x"),
        ("rubbish of another shape", b"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"),
    ];
    for (name, value) in rubbish {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(Presented::in_field(Some(black_box(value)), 1).is_ok()));
        });
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
