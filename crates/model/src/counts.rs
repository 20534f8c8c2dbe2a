//! Tallies by name. Compact: a gateway holds several for each token and hour, and most have one name.

use crate::Tally;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use std::fmt;

/// Tallies, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<(Box<str>, Tally)>);

impl Counts {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, key: &str) -> Option<&Tally> {
        self.place(key).ok().map(|place| &self.0[place].1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tally)> {
        self.0.iter().map(|(key, tally)| (&**key, tally))
    }

    /// Adds to a tally. If there are `most` others already, it adds to that of `rest`.
    pub(crate) fn add(&mut self, key: &str, tally: &Tally, (most, rest): (usize, &str)) {
        match self.place(key) {
            Ok(place) => self.0[place].1.merge(tally),
            Err(place) if self.len() < most || key == rest => self.insert(place, key, tally),
            Err(_) => self.add(rest, tally, (most, rest)),
        }
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        // What was written is read in order.
        if self.0.last().is_none_or(|(last, _)| **last < *key) {
            return Err(self.len());
        }
        self.0.binary_search_by(|(known, _)| (**known).cmp(key))
    }

    fn insert(&mut self, place: usize, key: &str, tally: &Tally) {
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(self.0.len().max(1));
        }
        self.0.insert(place, (key.into(), tally.clone()));
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tallies;
        impl<'de> Visitor<'de> for Tallies {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tallies by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
                let mut counts = Counts(Vec::with_capacity(map.size_hint().unwrap_or_default()));
                while let Some((key, tally)) = map.next_entry::<Box<str>, Tally>()? {
                    match counts.place(&key) {
                        Ok(place) => counts.0[place].1.merge(&tally),
                        Err(place) => counts.0.insert(place, (key, tally)),
                    }
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_map(Tallies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(requests: u64) -> Tally {
        Tally { requests, ..Tally::default() }
    }

    #[test]
    fn names_are_sorted_and_merged_and_the_rest_is_one() {
        let mut counts = Counts::default();
        for (key, requests) in
            [("b", 1), ("a", 2), ("b", 3), ("c", 4), ("d", 5), ("c", 6), ("a", 7)]
        {
            counts.add(key, &tally(requests), (2, "*"));
        }
        let found: Vec<_> = counts.iter().map(|(key, tally)| (key, tally.requests)).collect();
        assert_eq!(found, [("*", 15), ("a", 9), ("b", 4)]);
        assert_eq!(counts.get("b"), Some(&tally(4)));
        assert_eq!((counts.get("c"), counts.get("z"), counts.len()), (None, None, 3));
    }

    #[test]
    fn what_is_written_is_read_in_any_order() {
        let mut counts = Counts::default();
        for key in ["b", "a", "c"] {
            counts.add(key, &tally(1), (9, "*"));
        }
        let text = serde_json::to_string(&counts).expect("JSON");
        assert_eq!(serde_json::from_str::<Counts>(&text).expect("reads"), counts);
        let [a, b, c] = ["a", "b", "c"].map(|key| format!("\"{key}\":[1,0,0,[0,0,0,0],[]]"));
        let mixed = format!("{{{c},{a},{b},{a}}}");
        let read: Counts = serde_json::from_str(&mixed).expect("reads");
        assert_eq!(read.get("a"), Some(&tally(2)));
        assert_eq!(read.iter().map(|(key, _)| key).collect::<String>(), "abc");
    }
}
