//! Files that import each other in a circle can be read, tested, and moved only together. No circle has more than
//! three.

use crate::documents::repository;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A path of modules.
type ModulePath = Vec<String>;

/// The files of a crate by module path, with what they import and re-export.
#[derive(Default)]
struct Crate {
    modules: BTreeMap<ModulePath, String>,
    exports: BTreeMap<ModulePath, BTreeMap<String, ModulePath>>,
}

/// The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(tree: &str, before: &[String], found: &mut Vec<ModulePath>) {
    let tree = tree.trim();
    if let Some((front, group)) = tree.split_once('{') {
        let segments = front.split("::").map(str::trim).filter(|part| !part.is_empty());
        let before: Vec<_> = before.iter().cloned().chain(segments.map(str::to_owned)).collect();
        let group = group.rsplit_once('}').map_or(group, |(inner, _)| inner);
        let (mut depth, mut start) = (0, 0);
        for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    if !group[start..at].trim().is_empty() {
                        paths(&group[start..at], &before, found);
                    }
                    start = (at + 1).min(group.len());
                }
                _ => {}
            }
        }
    } else {
        let tree = tree.split(" as ").next().unwrap_or(tree);
        let segments = tree.split("::").map(|part| part.trim().to_owned());
        found.push(before.iter().cloned().chain(segments).collect());
    }
}

/// The trees after `use`, and whether they are re-exported.
fn uses(text: &str) -> Vec<(String, bool)> {
    let statements = text.split(';').filter_map(|statement| {
        let line = statement.rfind("use ").filter(|at| {
            let before = statement[..*at].rsplit('\n').next().unwrap_or_default().trim();
            before.is_empty() || before.starts_with("pub")
        })?;
        let is_public =
            statement[..line].rsplit('\n').next().is_some_and(|before| before.contains("pub"));
        Some((statement[line + 4..].to_owned(), is_public))
    });
    statements.collect()
}

impl Crate {
    fn read(folder: &Path) -> Self {
        let mut found = Self::default();
        found.add(folder, &[]);
        for (module, text) in &found.modules {
            let mut exports = BTreeMap::new();
            for (tree, _) in uses(text).into_iter().filter(|(_, is_public)| *is_public) {
                let mut all = Vec::new();
                paths(&tree, &[], &mut all);
                exports
                    .extend(all.into_iter().filter_map(|path| Some((path.last()?.clone(), path))));
            }
            found.exports.insert(module.clone(), exports);
        }
        found
    }

    fn add(&mut self, folder: &Path, module: &[String]) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                self.add(&path, &[module, &[name]].concat());
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("readable");
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let is_root = ["mod", "lib", "main"].contains(&name.as_str());
                let own = if is_root { module.to_vec() } else { [module, &[name]].concat() };
                self.modules.insert(own, code.to_owned());
            }
        }
    }

    /// The module in which a path's item is defined, if it is in this crate.
    fn find(&self, from: &[String], path: &[String], hops: usize) -> Option<ModulePath> {
        let (mut module, mut rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (from.to_vec(), &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                (from[..from.len().checked_sub(ups)?].to_vec(), &path[ups..])
            }
            first => {
                let is_child = self.modules.contains_key(&[from, &[first.to_owned()]].concat());
                (is_child || self.exports[from].contains_key(first))
                    .then_some((from.to_vec(), path))?
            }
        };
        while let Some(name) = rest.first() {
            let child = [&module[..], std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&child) {
                (module, rest) = (child, &rest[1..]);
                continue;
            }
            let exported = self.exports.get(&module).and_then(|exports| exports.get(name));
            let defined = exported.filter(|_| hops < 5);
            return defined.and_then(|path| self.find(&module, path, hops + 1)).or(Some(module));
        }
        Some(module)
    }

    fn imports(&self) -> BTreeMap<&ModulePath, BTreeSet<ModulePath>> {
        let of = |(module, text): (&_, &String)| {
            let mut all = Vec::new();
            uses(text).iter().filter(|(_, is_public)| !is_public).for_each(|(tree, _)| {
                paths(tree, &[], &mut all);
            });
            let inline = text.split("crate::").skip(1).filter_map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_:".contains(c))?;
                Some(rest[..end].trim_end_matches(':').split("::").map(str::to_owned))
            });
            all.extend(inline.map(|path| ["crate".to_owned()].into_iter().chain(path).collect()));
            let found = all.iter().filter_map(|path| self.find(module, path, 0));
            found.filter(|found| found != module).collect::<BTreeSet<_>>()
        };
        self.modules.iter().map(|(module, text)| (module, of((module, text)))).collect()
    }
}

/// What is reached from a file over any number of imports.
fn reached<'a>(
    imports: &'a BTreeMap<&ModulePath, BTreeSet<ModulePath>>,
    from: &'a ModulePath,
) -> BTreeSet<&'a ModulePath> {
    let (mut seen, mut pending) = (BTreeSet::new(), vec![from]);
    while let Some(module) = pending.pop() {
        for next in imports.get(module).into_iter().flatten() {
            if seen.insert(next) {
                pending.push(next);
            }
        }
    }
    seen
}

#[test]
fn no_more_than_three_files_import_each_other() {
    for entry in fs::read_dir(repository().join("crates")).expect("there") {
        let folder = entry.expect("an entry").path().join("src");
        let found = Crate::read(&folder);
        let imports = found.imports();
        let reach: BTreeMap<_, _> =
            imports.keys().map(|module| (*module, reached(&imports, module))).collect();
        for (module, reached) in &reach {
            let circle: Vec<_> = reached
                .iter()
                .filter(|other| reach.get(*other).is_some_and(|back| back.contains(module)))
                .map(|other| other.join("/"))
                .collect();
            assert!(circle.len() <= 3, "{}: {circle:?}", folder.display());
        }
    }
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let mut found = Vec::new();
    let text = "//! x\nuse super::{a, b::{self, c as d}};\npub use e::F;\nlet use_it = 1;\n";
    for (tree, _) in uses(text) {
        paths(&tree, &[], &mut found);
    }
    let found: Vec<_> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["super::a", "super::b::self", "super::b::c", "e::F"]);
}
