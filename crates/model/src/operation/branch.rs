//! The rules as a tree of path segments, and the lookup of a path in it.

use super::{
    segment::{fold, segment_name, stems},
    template::Segment,
};
use std::collections::HashMap;

/// A node of the tree: the rules whose paths share a prefix.
#[derive(Debug, Default)]
pub(super) struct Branch {
    literals: HashMap<String, Branch>,
    /// The segments with a parameter, those with the longest literal text first.
    parameters: Vec<(Segment, Branch)>,
    rest: Option<Methods>,
    ends: Option<Methods>,
    /// The literals by their folded names, and by their folded names without a suffix.
    folded: HashMap<String, Vec<String>>,
    stems: HashMap<String, Vec<String>>,
}

/// The rules of one path by method.
#[derive(Debug, Default)]
pub(super) struct Methods(Vec<(String, usize)>);

impl Methods {
    pub fn find(&self, method: &str) -> Option<usize> {
        let named = |wanted: &str| self.0.iter().find(|(name, _)| name == wanted);
        // RFC 9110 section 9.3.2: HEAD is GET without a body, regardless of the document.
        let own =
            if method == "HEAD" { named("GET").or_else(|| named("HEAD")) } else { named(method) };
        own.or_else(|| named("*")).map(|(_, rule)| *rule)
    }
}

impl Branch {
    pub fn add(&mut self, segments: &[Segment], method: &str, rule: usize) {
        let methods = match segments {
            [] => &mut self.ends,
            [Segment::Rest, ..] => &mut self.rest,
            [Segment::Literal(text), others @ ..] => {
                self.index(text);
                return self.literals.entry(text.clone()).or_default().add(others, method, rule);
            }
            [segment, others @ ..] => {
                let known = self.parameters.iter().position(|(known, _)| known == segment);
                let at = known.unwrap_or_else(|| {
                    self.parameters.push((segment.clone(), Self::default()));
                    self.parameters.sort_by(|(a, _), (b, _)| a.weight().cmp(&b.weight()));
                    self.parameters.iter().position(|(known, _)| known == segment).unwrap_or(0)
                });
                return self.parameters[at].1.add(others, method, rule);
            }
        };
        methods.get_or_insert_default().0.push((method.to_owned(), rule));
    }

    fn index(&mut self, literal: &str) {
        if self.literals.contains_key(literal) {
            return;
        }
        let folded = fold(literal);
        for stem in stems(&folded) {
            self.stems.entry(stem.to_owned()).or_default().push(literal.to_owned());
        }
        self.folded.entry(folded).or_default().push(literal.to_owned());
    }

    /// Returns the literals that a server could confuse with a differently written name.
    fn other_literals(&self, name: &str, folded: &str) -> Vec<&Self> {
        let by_name = self.folded.get(folded).into_iter().chain(self.stems.get(folded));
        let by_stem = stems(folded).filter_map(|stem| self.folded.get(stem));
        let mut texts: Vec<&String> = by_name.chain(by_stem).flatten().collect();
        texts.sort_unstable();
        texts.dedup();
        let others = texts.into_iter().filter(|text| *text != name);
        others.filter_map(|text| self.literals.get(text)).collect()
    }

    /// Adds the results of each other reading of a path: a segment that isn't a given literal but equals it after
    /// folding.
    pub fn find_other_readings<'a>(&'a self, rest: Option<&str>, found: &mut Vec<&'a Methods>) {
        let Some(rest) = rest else { return };
        let (segment, others) = match rest.split_once('/') {
            Some((segment, others)) => (segment, Some(others)),
            None => (rest, None),
        };
        let name = segment_name(segment);
        let folded = fold(&name);
        let takes_folded = |segment: &Segment| {
            !segment.takes(&name) && segment.folded().is_some_and(|segment| segment.takes(&folded))
        };
        let parameters = self.parameters.iter().filter(|(segment, _)| takes_folded(segment));
        let strays = self.other_literals(&name, &folded).into_iter();
        for branch in strays.chain(parameters.map(|(_, branch)| branch)) {
            found.extend(branch.find(others));
            branch.find_other_readings(others, found);
        }
        let fitting = self.parameters.iter().filter(|(segment, _)| segment.takes(&name));
        let exact = self.literals.get(&*name).into_iter();
        for branch in exact.chain(fitting.map(|(_, branch)| branch)) {
            branch.find_other_readings(others, found);
        }
    }

    pub fn find(&self, rest: Option<&str>) -> Option<&Methods> {
        let Some(rest) = rest else { return self.ends.as_ref() };
        let (segment, others) = match rest.split_once('/') {
            Some((segment, others)) => (segment, Some(others)),
            None => (rest, None),
        };
        let name = segment_name(segment);
        if let Some(found) = self.literals.get(&*name).and_then(|branch| branch.find(others)) {
            return Some(found);
        }
        let fitting = self.parameters.iter().filter(|(segment, _)| segment.takes(&name));
        fitting
            .map(|(_, branch)| branch)
            .find_map(|branch| branch.find(others))
            .or(self.rest.as_ref())
    }
}
