//! The rules compiled into a tree of segments for lookups.

use super::{
    PathMatching, Rules, Unlisted, branch::Branch, segment::is_plain, smallest::smallest,
    template::PathTemplate,
};
use crate::{Rate, Scope, ScopeSet};
use std::sync::Arc;

/// The compiled rules.
#[derive(Debug, Default)]
pub struct RuleTable {
    root: Branch,
    rules: Vec<Rule>,
    unlisted: Unlisted,
    /// Whether any operation requires a scope; otherwise, nothing is limited.
    limits: bool,
    matching: PathMatching,
    /// Whether all servers read every template the same way, so that a plain path has one reading.
    is_plain: bool,
}

/// The rules that apply to a request.
#[derive(Debug)]
pub struct Match<'a> {
    /// The rule of the operation. `None` if no rule matches.
    pub rule: Option<&'a Rule>,
    /// The rules of the operations that a server with a looser reading could choose.
    also: Vec<Option<&'a Rule>>,
}

impl<'a> Match<'a> {
    /// Returns every rule that must permit the request.
    pub fn all(&self) -> impl Iterator<Item = Option<&'a Rule>> {
        std::iter::once(self.rule).chain(self.also.iter().copied())
    }

    /// Returns the rate limit that applies. The limits of other readings come first, so that no spelling avoids them.
    pub fn rate(&self) -> Option<(&'a Rule, Rate)> {
        let own = self.rule.into_iter();
        self.also.iter().copied().flatten().chain(own).find_map(|rule| Some((rule, rule.rate?)))
    }
}

/// The requirements of one operation.
#[derive(Debug)]
pub struct Rule {
    pub name: Arc<str>,
    pub scopes: ScopeSet,
    /// The scopes in the format of RFC 6750.
    pub wanted: Arc<str>,
    /// The rate limit for each account.
    pub rate: Option<Rate>,
}

impl RuleTable {
    pub fn new(rules: &Rules) -> Self {
        let mut sorted: Vec<_> = rules.operations.iter().collect();
        sorted.sort_by(|a, b| a.path.precedes(&b.path));
        let is_plain = rules.operations.iter().all(|operation| is_plain(operation.path.as_str()));
        let (unlisted, matching) = (rules.unlisted, rules.paths);
        let mut table = Self { unlisted, matching, is_plain, ..Self::default() };
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

    /// Returns whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the rule for a request: the method's rule in the most specific matching template. `path` is the
    /// forwarded path without the query.
    pub fn find(&self, method: &str, path: &str) -> Option<&Rule> {
        if self.rules.is_empty() {
            return None;
        }
        let inner = path.strip_prefix('/')?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let methods = self.root.find(if inner.is_empty() { None } else { Some(inner) })?;
        self.rules.get(methods.find(method)?)
    }

    /// Returns the rule for a request and the rules for other readings of its path.
    pub fn find_all(&self, method: &str, path: &str) -> Match<'_> {
        let rule = self.find(method, path);
        let mut also = Vec::new();
        if path.contains("//") && !self.rules.is_empty() {
            // Servers that drop empty segments read a different path.
            let merged = self.find_all(method, &without_empty_segments(path));
            also.push(merged.rule);
            also.extend(merged.also);
        }
        let has_one_reading =
            self.matching == PathMatching::Exact || (self.is_plain && is_plain(path));
        if !self.rules.is_empty() && !has_one_reading {
            let inner = path.strip_prefix('/').unwrap_or(path);
            let mut found = Vec::new();
            let inner = inner.strip_suffix('/').unwrap_or(inner);
            self.root.find_other_readings(Some(inner), &mut found);
            let readings = found.into_iter();
            also.extend(
                readings
                    .map(|methods| methods.find(method).and_then(|number| self.rules.get(number))),
            );
        }
        Match { rule, also }
    }

    /// Returns the first rule of a request's readings that these scopes don't satisfy.
    pub fn lacks<'a>(&self, found: &Match<'a>, held: &ScopeSet) -> Option<Option<&'a Rule>> {
        found.all().find(|rule| !self.allows(*rule, held))
    }

    /// Returns whether these scopes permit an operation with that name, as the current or earlier rules named it.
    /// Returns `None` for requests that had no rule, because their operation is unknown.
    pub fn allows_named(&self, name: &str, held: &ScopeSet) -> Option<bool> {
        let (method, path) = name.split_once(' ')?;
        let path: PathTemplate = path.parse().ok()?;
        let method = if method == "*" { "GET" } else { method };
        Some(self.allows(self.find(method, &path.example()), held))
    }

    /// Returns the smallest and, among those, least powerful scope set that permits all of these operations. Returns
    /// `None` if only full access permits them.
    pub fn suggested_scopes<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<ScopeSet> {
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

    /// Returns whether these scopes satisfy the result of [`RuleTable::find`].
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

fn without_empty_segments(path: &str) -> String {
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let end = if path.ends_with('/') { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{super::template::Segment, *};
    use crate::{Operation, PathTemplateError};
    use proptest::prelude::*;

    fn rules(list: &[(&str, &str, &str)]) -> Rules {
        let operations = list.iter().map(|(method, path, scopes)| Operation {
            method: (*method).to_owned(),
            path: path.parse().expect("a template"),
            scopes: scopes.parse().expect("scopes"),
            rate: None,
        });
        Rules { operations: operations.collect(), ..Rules::default() }
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
            // The concrete path is a different resource, which has no GET.
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
    fn t34_no_letter_case_or_suffix_avoids_the_scope_of_a_literal() {
        let listed = rules(&[
            ("GET", "/contacts/{id}", "contacts:read"),
            ("GET", "/contacts/export", "contacts:export"),
            ("POST", "/contacts/merge", "contacts:merge"),
            ("GET", "/files/{name}", "files:read"),
            ("GET", "/files/audit.log", "files:audit"),
            ("GET", "/files/report-{n}.csv", "files:reports"),
            ("*", "/admin/**", "admin:all"),
            ("GET", "/{any}/{other}", "any:read"),
            ("GET", "/v1/Users/{id}/Keys", "keys:read"),
            ("GET", "/v1/Users/{id}/{part}", "users:read"),
        ]);
        let table = RuleTable::new(&listed);
        let held: ScopeSet =
            "contacts:read files:read any:read users:read".parse().expect("scopes");
        let lacks = |table: &RuleTable, path: &str| {
            let lacking = table.lacks(&table.find_all("GET", path), &held);
            lacking.map(|rule| rule.map_or("*".to_owned(), |rule| rule.wanted.to_string()))
        };
        for (path, wanted) in [
            ("/contacts/7", None),
            ("/contacts/exports", None),
            ("/contacts/Ann", None),
            ("/contacts/7.json", None),
            ("/contacts/export", Some("contacts:export")),
            ("/contacts/EXPORT", Some("contacts:export")),
            ("/contacts/expor%54", Some("contacts:export")),
            ("/contacts/export.json", Some("contacts:export")),
            ("/contacts/Export.tar.gz", Some("contacts:export")),
            ("/contacts/export.", Some("contacts:export")),
            ("/contacts/export%20", Some("contacts:export")),
            ("/contacts/export%0A", Some("contacts:export")),
            ("/contacts/%0Dexport%7F", Some("contacts:export")),
            ("/contacts/export%2E%20.", Some("contacts:export")),
            ("/contacts/export;v=1", Some("contacts:export")),
            ("/contacts/EXPORT;v=1", Some("contacts:export")),
            ("/contacts/EXPORT/", Some("contacts:export")),
            ("/Contacts/export", Some("contacts:export")),
            ("/contacts/Merge", Some("*")),
            ("/files/AUDIT.LOG", Some("files:audit")),
            ("/files/audit", Some("files:audit")),
            ("/files/audit.txt", None),
            ("/files/REPORT-7.CSV", Some("files:reports")),
            ("/ADMIN/users", Some("admin:all")),
            ("/admin./users", Some("admin:all")),
            ("/v1/Users/7/name", None),
            ("/v1/users/7/keys", Some("*")),
            ("/v1/Users/7/keys", Some("keys:read")),
            ("/V1/USERS/7/KEYS.xml", Some("*")),
        ] {
            assert_eq!(lacks(&table, path).as_deref(), wanted, "{path}");
        }
        let exact = RuleTable::new(&Rules { paths: PathMatching::Exact, ..listed });
        assert_eq!(lacks(&exact, "/contacts/EXPORT"), None);
        assert_eq!(lacks(&exact, "/contacts/expor%74").as_deref(), Some("contacts:export"));
    }

    #[test]
    fn another_spelling_does_not_avoid_a_rate() {
        let mut listed = rules(&[("GET", "/a/{x}", ""), ("GET", "/a/export", "")]);
        listed.operations[1].rate = "3/m".parse().ok();
        let table = RuleTable::new(&listed);
        let rate =
            |path: &str| table.find_all("GET", path).rate().map(|(rule, _)| rule.name.clone());
        assert_eq!(rate("/a/7"), None);
        for path in ["/a/export", "/a/EXPORT", "/a/export.json"] {
            assert_eq!(rate(path).as_deref(), Some("GET /a/export"), "{path}");
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
    fn what_is_no_template_is_rejected_with_the_reason() {
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
            table.suggested_scopes(names.iter().copied()).map(|set| set.to_string())
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
        let set = table.suggested_scopes(names.iter().map(String::as_str)).expect("a set");
        let enough =
            |set: &ScopeSet| names.iter().all(|n| table.allows_named(n, set) == Some(true));
        assert!(enough(&set));
        for scope in set.iter() {
            assert!(!enough(&set.iter().filter(|s| *s != scope).cloned().collect()), "{scope}");
        }
    }

    /// A reference implementation: tries every template and chooses the best match.
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
                // A lowercase path without a suffix has one reading.
                prop_assert_eq!(table.find_all(&method, path).all().count(), 1);
                prop_assert_eq!(found(&table, &method, path), reference(&all, &method, path), "{} {}", method, path);
            }
        }
    }
}
