//! What a revocation costs with many gateways: a simulation of decision 9, from parts that are measured
//! on the real thing. Each gateway hears, reads, applies, syncs its journal and confirms; the database
//! serves so many connections at once, and confirmations that come together share a sync.

use keydesk_token::Entropy;

/// Milliseconds, as measured on two cores: a small query, a commit's sync, a journal's sync.
const QUERY: f64 = 0.4;
const SYNC: f64 = 2.0;
const JOURNAL: f64 = 2.0;
const CONNECTIONS: usize = 16;

/// When the last of `gateways` has confirmed.
fn last_confirmation(gateways: usize, entropy: &Entropy) -> f64 {
    let mut free = [0.0_f64; CONNECTIONS];
    let mut serve = |arrives: f64, takes: f64| {
        let first = free.iter_mut().min_by(|a, b| a.total_cmp(b)).expect("some");
        *first = first.max(arrives) + takes;
        *first
    };
    let jitter = || f64::from(entropy.bytes::<1>()[0]) / 255.0;
    let mut applied: Vec<f64> =
        (0..gateways).map(|_| serve(jitter(), 2.0 * QUERY) + JOURNAL * (0.5 + jitter())).collect();
    applied.sort_by(f64::total_cmp);
    // A group commit: whoever is ready when a sync begins is part of it.
    let (mut synced_at, mut last) = (0.0_f64, 0.0_f64);
    for ready in applied {
        let written = serve(ready, QUERY);
        if written > synced_at {
            synced_at = written + SYNC;
        }
        last = last.max(synced_at);
    }
    last
}

#[test]
fn a_hundred_gateways_confirm_within_a_tenth_of_a_lease() {
    let entropy = Entropy::seeded(1);
    println!("gateways  p50 ms  p99 ms");
    let mut at_a_hundred = 0.0;
    for gateways in [3, 10, 30, 100, 300] {
        let mut spans: Vec<_> = (0..1_000).map(|_| last_confirmation(gateways, &entropy)).collect();
        spans.sort_by(f64::total_cmp);
        println!("{gateways:>8}  {:>6.1}  {:>6.1}", spans[500], spans[990]);
        if gateways == 100 {
            at_a_hundred = spans[990];
        }
    }
    assert!((1.0..500.0).contains(&at_a_hundred), "decision 9 rests on this: {at_a_hundred}");
}
