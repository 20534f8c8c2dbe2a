//! Rules made ready to be asked, by a tree of segments.

use super::{
    Rules, Unlisted,
    smallest::smallest,
    template::{PathTemplate, Segment},
};
use crate::{Rate, Scope, ScopeSet};
use std::{borrow::Cow, collections::HashMap, sync::Arc};

/// Rules made ready to be asked.
#[derive(Debug, Default)]
pub struct RuleTable {
    root: Branch,
    rules: Vec<Rule>,
    unlisted: Unlisted,
    /// Without a scope on any operation there is nothing to limit.
    limits: bool,
}

/// What one operation asks for.
#[derive(Debug)]
pub struct Rule {
    pub name: Arc<str>,
    pub scopes: ScopeSet,
    /// As RFC 6750 writes them.
    pub wanted: Arc<str>,
    /// Of each account.
    pub rate: Option<Rate>,
}

#[derive(Debug, Default)]
struct Branch {
    literals: HashMap<String, Branch>,
    /// The longest text around the parameter first.
    parameters: Vec<(Segment, Branch)>,
    rest: Option<Methods>,
    ends: Option<Methods>,
}

/// The rules of one path, by method.
#[derive(Debug, Default)]
struct Methods(Vec<(String, usize)>);

impl Methods {
    fn find(&self, method: &str) -> Option<usize> {
        let named = |wanted: &str| self.0.iter().find(|(name, _)| name == wanted);
        // RFC 9110 section 9.3.2: HEAD is GET without a body, whatever a document says of it.
        let own =
            if method == "HEAD" { named("GET").or_else(|| named("HEAD")) } else { named(method) };
        own.or_else(|| named("*")).map(|(_, rule)| *rule)
    }
}

impl RuleTable {
    pub fn new(rules: &Rules) -> Self {
        let mut sorted: Vec<_> = rules.operations.iter().collect();
        sorted.sort_by(|a, b| a.path.precedes(&b.path));
        let mut table = Self { unlisted: rules.unlisted, ..Self::default() };
        for operation in sorted {
            let number = table.rules.len();
            let (name, wanted) = (operation.name().into(), operation.scopes.to_string().into());
            table.limits |= !operation.scopes.is_empty();
            table.rules.push(Rule {
                name,
                scopes: operation.scopes.clone(),
                wanted,
                rate: operation.rate,
            });
            table.root.add(&operation.path.segments, &operation.method, number);
        }
        table
    }

    /// Whether anything is known of operations.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule for a request: the template that says the most of those that fit decides, by its method.
    /// `path` is what is forwarded, without the query.
    pub fn find(&self, method: &str, path: &str) -> Option<&Rule> {
        if self.rules.is_empty() {
            return None;
        }
        let inner = path.strip_prefix('/')?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let methods = self.root.find(if inner.is_empty() { None } else { Some(inner) })?;
        self.rules.get(methods.find(method)?)
    }

    /// Whether these scopes are enough for an operation of that name, as these or earlier rules named it.
    /// None: that cannot be told of calls for which there was no rule.
    pub fn allows_named(&self, name: &str, held: &ScopeSet) -> Option<bool> {
        let (method, path) = name.split_once(' ')?;
        let path: PathTemplate = path.parse().ok()?;
        let method = if method == "*" { "GET" } else { method };
        Some(self.allows(self.find(method, &path.example()), held))
    }

    /// The fewest scopes, and of those the least powerful, with which all of these operations may be
    /// called; None where only a token for everything will do.
    pub fn smallest_scopes<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<ScopeSet> {
        let mut wanted: Vec<&ScopeSet> = Vec::new();
        for name in names {
            let (method, path) = name.split_once(' ')?;
            let path: PathTemplate = path.parse().ok()?;
            match self.find(if method == "*" { "GET" } else { method }, &path.example()) {
                Some(rule) if rule.scopes.is_empty() => {}
                Some(rule) => wanted.push(&rule.scopes),
                None if self.unlisted == Unlisted::Any => {}
                None => return None,
            }
        }
        let power = |scope: &Scope| {
            self.rules
                .iter()
                .filter(|rule| rule.scopes.iter().any(|asked| scope.covers(asked)))
                .count()
        };
        Some(smallest(&wanted, &power))
    }

    /// Whether these scopes are enough for what [`RuleTable::find`] found.
    pub fn allows(&self, rule: Option<&Rule>, held: &ScopeSet) -> bool {
        if !self.limits {
            return true;
        }
        match rule {
            Some(rule) => {
                rule.scopes.is_empty() || rule.scopes.iter().any(|wanted| held.allows(wanted))
            }
            None => self.unlisted == Unlisted::Any || held.allows(&Scope::everything()),
        }
    }
}

impl Branch {
    fn add(&mut self, segments: &[Segment], method: &str, rule: usize) {
        let methods = match segments {
            [] => &mut self.ends,
            [Segment::Rest, ..] => &mut self.rest,
            [Segment::Literal(text), others @ ..] => {
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

    fn find(&self, rest: Option<&str>) -> Option<&Methods> {
        let Some(rest) = rest else { return self.ends.as_ref() };
        let (segment, others) = match rest.split_once('/') {
            Some((segment, others)) => (segment, Some(others)),
            None => (rest, None),
        };
        let name = name_of(segment);
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

/// A segment as servers understand it: decoded, without matrix parameters. Both are rare, and what could
/// be understood in two ways has been refused before.
fn name_of(segment: &str) -> Cow<'_, str> {
    let name = segment.split(';').next().unwrap_or_default();
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut decoded = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let digits = (byte == b'%').then(|| (bytes.next(), bytes.next()));
        match digits {
            Some((Some(high), Some(low))) => {
                let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                decoded.push(digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0));
            }
            _ => decoded.push(byte),
        }
    }
    // An encoded semicolon begins a parameter for one server and is a letter to the next.
    let text = String::from_utf8_lossy(&decoded);
    Cow::Owned(text.split(';').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, PathTemplateError};
    use proptest::prelude::*;

    fn rules(list: &[(&str, &str, &str)]) -> Rules {
        let operations = list.iter().map(|(method, path, scopes)| Operation {
            method: (*method).to_owned(),
            path: path.parse().expect("a template"),
            scopes: scopes.parse().expect("scopes"),
            rate: None,
        });
        Rules { operations: operations.collect(), unlisted: Unlisted::Everything }
    }

    fn found(table: &RuleTable, method: &str, path: &str) -> Option<String> {
        table.find(method, path).map(|rule| rule.name.to_string())
    }

    #[test]
    fn the_template_that_says_most_decides() {
        let table = RuleTable::new(&rules(&[
            ("GET", "/a/{x}", "a:read"),
            ("POST", "/a/export", "a:export"),
            ("GET", "/a/{x}/c", "a:read"),
            ("GET", "/a/b/d", "a:read"),
            ("GET", "/files/report-{n}.csv", "r:read"),
            ("GET", "/files/{name}", "f:read"),
            ("*", "/admin/**", "admin:all"),
            ("GET", "/", "home:read"),
        ]));
        for (method, path, name) in [
            ("GET", "/a/1", Some("GET /a/{x}")),
            ("GET", "/a/1/", Some("GET /a/{x}")),
            ("HEAD", "/a/1", Some("GET /a/{x}")),
            ("POST", "/a/export", Some("POST /a/export")),
            // The concrete path is another resource, and has no GET.
            ("GET", "/a/export", None),
            ("GET", "/a/b/c", Some("GET /a/{x}/c")),
            ("GET", "/a/b/d", Some("GET /a/b/d")),
            ("GET", "/files/report-7.csv", Some("GET /files/report-{n}.csv")),
            ("GET", "/files/report-.csv", Some("GET /files/{name}")),
            ("DELETE", "/admin/x/y", Some("* /admin/**")),
            ("DELETE", "/admin", None),
            ("GET", "/administrator", None),
            ("GET", "/", Some("GET /")),
            ("DELETE", "/a/1", None),
            ("GET", "/%61/1", Some("GET /a/{x}")),
            ("GET", "/a;v=1/1", Some("GET /a/{x}")),
            ("GET", "/A/1", None),
        ] {
            assert_eq!(found(&table, method, path).as_deref(), name, "{method} {path}");
        }
    }

    #[test]
    fn without_a_rule_only_a_token_for_everything_will_do() {
        let listed = rules(&[("GET", "/a", "a:read"), ("GET", "/free", "")]);
        let set = |text: &str| text.parse::<ScopeSet>().expect("scopes");
        let table = RuleTable::new(&listed);
        let allows =
            |table: &RuleTable, path, held| table.allows(table.find("GET", path), &set(held));
        assert!(allows(&table, "/a", "a:*") && allows(&table, "/free", "b:read"));
        assert!(!allows(&table, "/a", "b:read") && !allows(&table, "/other", "a:read"));
        assert!(allows(&table, "/other", "*"));
        let open = RuleTable::new(&Rules { unlisted: Unlisted::Any, ..listed });
        assert!(allows(&open, "/other", "a:read"));
        let without_scopes = RuleTable::new(&rules(&[("GET", "/a", "")]));
        assert!(allows(&without_scopes, "/other", "a:read"), "nothing to limit");
    }

    #[test]
    fn what_is_no_template_is_refused_with_the_reason() {
        for (text, error) in [
            ("a", PathTemplateError::NoSlash),
            ("/a//b", PathTemplateError::Unclean),
            ("/a/../b", PathTemplateError::Unclean),
            ("/a?b", PathTemplateError::Unclean),
            ("/%61", PathTemplateError::Unclean),
            ("/{a", PathTemplateError::Braces),
            ("/a}b{c}", PathTemplateError::Braces),
            ("/{}", PathTemplateError::Braces),
            ("/**/a", PathTemplateError::Rest),
            ("/a*", PathTemplateError::Rest),
        ] {
            assert_eq!(text.parse::<PathTemplate>(), Err(error), "{text}");
        }
        let twice = rules(&[("GET", "/a/{x}", ""), ("GET", "/a/{y}", "")]);
        assert!(twice.check().is_err_and(|error| error.to_string().contains("GET /a/{y}")));
    }

    #[test]
    fn the_smallest_set_of_scopes_is_proposed() {
        let table = RuleTable::new(&rules(&[
            ("GET", "/a", "a:read a:all"),
            ("POST", "/a", "a:write a:all"),
            ("GET", "/b/{id}", "b:read all:read"),
            ("GET", "/c", "c:read all:read"),
            ("GET", "/d", "d:read d:other"),
            ("POST", "/d", "d:other"),
            ("GET", "/free", ""),
        ]));
        let smallest = |names: &[&str]| {
            table.smallest_scopes(names.iter().copied()).map(|set| set.to_string())
        };
        for (names, set) in [
            (&["GET /a"][..], Some("a:read")),
            (&["GET /a", "POST /a"], Some("a:all")),
            (&["GET /b/{other}"], Some("b:read")),
            (&["GET /b/{id}", "GET /c"], Some("all:read")),
            (&["GET /d"], Some("d:read")),
            (&["GET /free"], Some("")),
            (&["GET /a", "no rule"], None),
            (&["GET /gone"], None),
        ] {
            assert_eq!(smallest(names).as_deref(), set, "{names:?}");
        }
        let held = |text: &str| text.parse::<ScopeSet>().expect("scopes");
        assert_eq!(table.allows_named("GET /b/{renamed}", &held("b:read")), Some(true));
        assert_eq!(table.allows_named("GET /b/{renamed}", &held("c:read")), Some(false));
        assert_eq!(table.allows_named("no rule", &held("*")), None);
    }

    #[test]
    fn of_many_scopes_a_set_is_found_that_is_enough_and_has_nothing_needless() {
        let list: Vec<_> =
            (0..40).map(|n| (format!("/{n}"), format!("s{n}:a s{}:a", n / 2))).collect();
        let list: Vec<_> = list.iter().map(|(p, s)| ("GET", p.as_str(), s.as_str())).collect();
        let table = RuleTable::new(&rules(&list));
        let names: Vec<_> = list.iter().map(|(_, path, _)| format!("GET {path}")).collect();
        let set = table.smallest_scopes(names.iter().map(String::as_str)).expect("a set");
        let enough =
            |set: &ScopeSet| names.iter().all(|n| table.allows_named(n, set) == Some(true));
        assert!(enough(&set));
        for scope in set.iter() {
            assert!(!enough(&set.iter().filter(|s| *s != scope).cloned().collect()), "{scope}");
        }
    }

    /// The whole of the rules, read by the letter: every template is tried, and the best one chosen.
    fn reference(rules: &Rules, method: &str, path: &str) -> Option<String> {
        let names: Vec<_> = path.split('/').skip(1).filter(|name| !name.is_empty()).collect();
        let fits = |template: &PathTemplate| {
            let segments = &template.segments;
            let has_rest = segments.last() == Some(&Segment::Rest);
            let enough = if has_rest {
                names.len() >= segments.len()
            } else {
                names.len() == segments.len()
            };
            enough && segments.iter().zip(&names).all(|(segment, name)| segment.takes(name))
        };
        let fitting: Vec<_> = rules.operations.iter().filter(|rule| fits(&rule.path)).collect();
        let best = fitting.iter().map(|rule| &rule.path).min_by(|a, b| a.precedes(b))?;
        let of_best: Vec<_> =
            fitting.iter().filter(|rule| rule.path.segments == best.segments).collect();
        let wanted = if method == "HEAD" { "GET" } else { method };
        let own = of_best.iter().find(|rule| rule.method == wanted);
        own.or_else(|| of_best.iter().find(|rule| rule.method == "*")).map(|rule| rule.name())
    }

    proptest! {
        #[test]
        fn t34_it_finds_what_the_reference_finds(
            templates in proptest::collection::vec(
                ("GET|POST|\\*", "(/([ab]|\\{x\\}|a\\{x\\}|\\{x\\}b)){0,3}(/\\*\\*)?"), 0..8),
            paths in proptest::collection::vec(("GET|POST|HEAD", "(/(a|b|ab|aab|c)){0,4}/?"), 1..12),
        ) {
            let mut all = Rules::default();
            for (method, path) in templates {
                let path = if path.is_empty() { "/" } else { path.as_str() };
                all.operations.push(Operation { method, path: path.parse().expect("a template"), scopes: ScopeSet::default(), rate: None });
                if all.check().is_err() {
                    all.operations.pop();
                }
            }
            let table = RuleTable::new(&all);
            for (method, path) in paths {
                let path = if path.is_empty() { "/" } else { path.as_str() };
                prop_assert_eq!(found(&table, &method, path), reference(&all, &method, path), "{} {}", method, path);
            }
        }
    }
}
