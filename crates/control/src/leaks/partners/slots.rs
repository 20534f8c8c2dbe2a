//! The reports that are read concurrently. A report can be large, and its signature is known only at its end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The number of reports that are read concurrently, in all and from one network.
const MOST: usize = 16;
const MOST_FROM_NETWORK: usize = 2;

#[derive(Clone, Debug, Default)]
pub(crate) struct ReportSlots(Arc<Mutex<HashMap<String, usize>>>);

/// The place of a report, which is free when it is dropped.
pub(super) struct Slot {
    slots: ReportSlots,
    network: String,
}

impl ReportSlots {
    /// Returns `None` if too many reports are being read.
    pub(super) fn take(&self, network: &str) -> Option<Slot> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_network = used.get(network).copied().unwrap_or(0);
        if of_network >= MOST_FROM_NETWORK || used.values().sum::<usize>() >= MOST {
            return None;
        }
        used.insert(network.to_owned(), of_network + 1);
        Some(Slot { slots: self.clone(), network: network.to_owned() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut used = self.slots.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = used.get_mut(&self.network) {
            *count -= 1;
        }
        used.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_and_all_together_have_a_limit() {
        let slots = ReportSlots::default();
        let two = [slots.take("a"), slots.take("a")];
        assert!(two.iter().all(Option::is_some) && slots.take("a").is_none());
        let others: Vec<_> = (0..20).filter_map(|number| slots.take(&number.to_string())).collect();
        assert_eq!(others.len(), 14);
        drop(two);
        assert!(slots.take("a").is_some() && slots.take("b").is_some());
        drop(others);
        assert!(slots.0.lock().expect("not poisoned").is_empty());
    }
}
