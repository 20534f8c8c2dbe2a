//! The check of a token, from the header's value to the decision: hit, unknown, rubbish, by the
//! number of tokens in the table.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use keydesk_gateway::{LiveTable, Presented};
use keydesk_model::{
    AccountId, AccountNumber, Binding, Feed, LiveSecret, ScopeSet, Snapshot, Timestamp, TokenId,
};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use std::hint::black_box;

const NOW: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);

fn headers(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        AUTHORIZATION,
        HeaderValue::try_from(format!("Bearer {token}")).expect("a header value"),
    );
    headers
}

/// A table of `size` tokens, and a sample of those that are in it.
fn table(size: usize, entropy: &Entropy) -> (LiveTable, Vec<HeaderMap>) {
    let mut sample = Vec::new();
    let secrets = (0..size)
        .map(|at| {
            let plain = PlainToken::generate(&Prefix::default(), Kind::Account, entropy);
            if at % size.div_ceil(1_000) == 0 {
                sample.push(headers(plain.expose()));
            }
            LiveSecret {
                hash: plain.hash(),
                token: TokenId::generate(NOW, entropy),
                account: AccountId::generate(NOW, entropy),
                number: AccountNumber::from_random(385_403),
                binding: Binding::Account,
                name: "bench".to_owned(),
                scopes: ScopeSet::everything(),
                expires_at: None,
                ending: None,
            }
        })
        .collect();
    let table = LiveTable::default();
    table.load(Snapshot { seq: 1, secrets });
    (table, sample)
}

fn verify(criterion: &mut Criterion) {
    let entropy = Entropy::seeded(1);
    let mut group = criterion.benchmark_group("verify");
    for size in [1_000, 100_000, 1_000_000] {
        let (table, known) = table(size, &entropy);
        let unknown: Vec<_> = (0..known.len())
            .map(|_| {
                headers(PlainToken::generate(&Prefix::default(), Kind::Account, &entropy).expose())
            })
            .collect();
        for (name, sample) in [("hit", &known), ("unknown", &unknown)] {
            let mut next = sample.iter().cycle();
            group.bench_with_input(BenchmarkId::new(name, size), &size, |bencher, _| {
                bencher.iter(|| {
                    let presented =
                        Presented::in_headers(next.next().expect("endless")).expect("well-formed");
                    black_box(table.verify(&presented, NOW).is_ok())
                });
            });
        }
    }
    let rubbish = headers("kd_a_0000000000000000000000000000000000000x");
    group.bench_function("rubbish", |bencher| {
        bencher.iter(|| black_box(Presented::in_headers(&rubbish).is_ok()));
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
