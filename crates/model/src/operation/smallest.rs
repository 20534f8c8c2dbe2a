//! The smallest scope set that permits a list of operations.

use crate::{Scope, ScopeSet};

/// The number of scopes up to which every set is tried; beyond it, the choice is greedy.
const TRIED: usize = 16;

/// Returns the smallest set with at least one scope of each wanted set and, among sets of equal size, the least
/// powerful.
pub(super) fn smallest(wanted: &[&ScopeSet], power: &dyn Fn(&Scope) -> usize) -> ScopeSet {
    let mut candidates: Vec<&Scope> = wanted.iter().flat_map(|scopes| scopes.iter()).collect();
    candidates.sort();
    candidates.dedup();
    if candidates.len() > TRIED {
        return enough(wanted, power);
    }
    let powers: Vec<_> = candidates.iter().map(|scope| power(scope)).collect();
    let masks: Vec<u32> = wanted
        .iter()
        .map(|scopes| {
            let held =
                candidates.iter().enumerate().filter(|(_, c)| scopes.iter().any(|s| s == **c));
            held.fold(0, |mask, (at, _)| mask | 1 << at)
        })
        .collect();
    let weigh = |set: u32| {
        let chosen = powers.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
        (set.count_ones(), chosen.map(|(_, power)| power).sum::<usize>(), set.reverse_bits())
    };
    let fits = |set: &u32| masks.iter().all(|mask| mask & set != 0);
    let best = (0..1 << candidates.len()).filter(fits).min_by_key(|set| weigh(*set)).unwrap_or(0);
    let chosen = candidates.iter().enumerate().filter(|(at, _)| best >> at & 1 == 1);
    chosen.map(|(_, scope)| (*scope).clone()).collect()
}

/// Returns a set with at least one scope of each wanted set and no redundant scope.
fn enough(wanted: &[&ScopeSet], power: &dyn Fn(&Scope) -> usize) -> ScopeSet {
    let mut chosen: Vec<Scope> = Vec::new();
    let lacks = |chosen: &[Scope]| {
        wanted.iter().filter(|w| !w.iter().any(|s| chosen.contains(s))).copied().collect::<Vec<_>>()
    };
    loop {
        let open = lacks(&chosen);
        let candidates = open.iter().flat_map(|scopes| scopes.iter());
        let useful = |scope: &&Scope| {
            let count = open.iter().filter(|scopes| scopes.iter().any(|s| s == *scope)).count();
            (count, std::cmp::Reverse(power(scope)))
        };
        match candidates.max_by_key(useful) {
            Some(scope) => chosen.push(scope.clone()),
            None => break,
        }
    }
    for scope in chosen.clone() {
        let without: Vec<_> = chosen.iter().filter(|s| **s != scope).cloned().collect();
        if lacks(&without).is_empty() {
            chosen = without;
        }
    }
    chosen.into_iter().collect()
}
