//! The house rules that a compiler does not check.

use crate::documents::repository;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&repository(), ".rs", &mut found);
    assert!(found.len() > 50);
    found
}

#[test]
fn every_source_file_says_first_what_it_is_for() {
    for path in rust_files() {
        let text = fs::read_to_string(&path).expect("readable");
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn no_source_file_is_too_long_to_read() {
    for path in rust_files() {
        let lines = fs::read_to_string(&path).expect("readable").lines().count();
        assert!(lines <= 500, "{}: {lines} lines", path.display());
    }
}

#[test]
fn the_crate_arrows_are_those_of_the_architecture() {
    let root = repository();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(root.join("crates")).expect("there") {
        let folder = entry.expect("readable").path();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("there");
        let dependencies = manifest.split("[dev-dependencies]").next().expect("a start");
        let used = dependencies
            .lines()
            .filter_map(|line| line.strip_prefix("keydesk-")?.split('.').next());
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        arrows.insert(name, used.map(str::to_owned).collect());
    }
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("there");
    let documented: BTreeMap<String, BTreeSet<String>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once("` uses: "))
        .map(|(name, used)| {
            let used = used.split(", ").map(|name| name.trim_matches(['`', '.']).to_owned());
            (name.to_owned(), used.filter(|name| name != "nothing").collect())
        })
        .collect();
    assert_eq!(arrows, documented);
}

/// Backticked paths and link targets of the documents.
#[test]
fn every_path_that_a_document_names_exists() {
    let root = repository();
    let mut documents = Vec::new();
    files(&root, ".md", &mut documents);
    let mut checked = 0;
    for document in documents {
        let text = fs::read_to_string(&document).expect("readable");
        let prose: String = text.split("```").step_by(2).collect();
        let quoted = prose.split('`').skip(1).step_by(2).filter(|word| is_path(word));
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
        let beside = document.parent().expect("a folder");
        for path in quoted
            .map(|path| root.join(path))
            .chain(links.map(|link| beside.join(link.split('#').next().unwrap_or(link))))
        {
            assert!(path.exists(), "{} names {}", document.display(), path.display());
            checked += 1;
        }
    }
    assert!(checked > 20, "paths are really found: {checked}");
}

fn is_path(word: &str) -> bool {
    let starts = ["crates/", "tests/", "docs/", "bench/", "fuzz/", ".ci/"]
        .iter()
        .any(|start| word.starts_with(start));
    let is_file = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "vendor.toml",
        "justfile",
        "Cargo.lock",
    ]
    .contains(&word);
    (starts || is_file) && !word.contains([' ', '*', '{', '<'])
}

#[test]
fn the_change_log_names_the_version_that_is_built() {
    let log = fs::read_to_string(repository().join("CHANGELOG.md")).expect("there");
    assert!(log.contains(&format!("## {}", env!("CARGO_PKG_VERSION"))));
}

/// Every event is written by some use-case. The type of `commit` requires an entry.
#[test]
fn every_audit_event_is_written() {
    let used: String = rust_files()
        .iter()
        .filter(|path| {
            let path = path.to_string_lossy();
            path.contains("crates/control/src") || path.contains("crates/node/src")
        })
        .map(|path| fs::read_to_string(path).expect("readable"))
        .collect();
    for name in keydesk_model::Event::NAMES {
        let words = name
            .split(['.', '_'])
            .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
        let variant = format!("Event::{} {{", words.collect::<String>());
        assert!(used.contains(&variant), "{name}: {variant}");
    }
}

/// The source files of a folder, by their paths in the repository, without their tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = repository();
    let mut found = Vec::new();
    files(&root.join(folder), ".rs", &mut found);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        let code = text.split("#[cfg(test)]").next().expect("a first part").to_owned();
        let name = path.strip_prefix(&root).expect("inside").to_string_lossy().into_owned();
        (name, code)
    };
    // Its acts are compared with forms.
    found.retain(|path| !path.iter().any(|part| part == "two_doors"));
    found.into_iter().map(read).collect()
}

/// Returns whether a file is about HTTP: the doors, and each feature's pages and API.
fn is_door(path: &str) -> bool {
    let is_page = path.ends_with("/console.rs") || path.contains("/console/");
    path.contains("/door/") || is_page || path.ends_with("/api.rs")
}

/// A use-case knows no HTTP, no template, and no translation: what only HTTP needs is in `door`, `console`, and `api`.
#[test]
fn use_cases_know_no_http() {
    let mut count = 0;
    for (path, code) in sources("crates/control/src") {
        // The root re-exports, the routes wire, and mail has texts of its own.
        let is_edge =
            ["src/lib.rs", "routes.rs", "src/mail/messages.rs", "src/mail/messages/tokens.rs"]
                .iter()
                .any(|end| path.ends_with(end));
        if is_door(&path) || is_edge {
            continue;
        }
        for word in ["axum", "askama", "HeaderMap", "door::", "text_if_exists(", "When::"] {
            assert!(!code.contains(word), "{path} names {word}");
        }
        count += 1;
    }
    assert!(count > 40, "use-cases are really found: {count}");
}

/// The use-case decides and reads; a page or the API asks it.
#[test]
fn pages_read_no_store_and_decide_nothing() {
    let mut count = 0;
    for (path, code) in sources("crates/control/src") {
        if is_door(&path) {
            for call in ["store.read(", "store.write(", ".permit(", "role.may("] {
                let is_layout = path.ends_with("door/layout.rs");
                assert!(is_layout || !code.contains(call), "{path} calls {call}");
            }
            count += 1;
        }
    }
    assert!(count > 30, "pages are really found: {count}");
}

/// Words that docs/glossary.md has another term for.
const RETIRED: [&str; 11] = [
    "anew",
    "refuse",
    "refuses",
    "refused",
    "goes on",
    "e-mail",
    "objection",
    "everywhere",
    "somebody",
    "for good",
    "at once",
];

#[test]
fn texts_use_no_retired_word() {
    let root = repository();
    let mut pages = vec![root.join("README.md"), root.join("SECURITY.md")];
    files(&root.join("docs/guide"), ".md", &mut pages);
    files(&root.join("crates/control/messages/en"), ".ftl", &mut pages);
    let mut texts: Vec<(String, String)> = pages
        .iter()
        .map(|path| (path.display().to_string(), fs::read_to_string(path).expect("readable")))
        .collect();
    texts.extend(sources("crates/gateway/src/rejection"));
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_keydesk"))
        .arg("--help")
        .output()
        .expect("runs");
    texts.push(("--help".to_owned(), String::from_utf8_lossy(&help.stdout).into_owned()));
    for (name, text) in texts {
        for line in text.lines() {
            // The name of a message is not read.
            let shown = if name.contains("/messages/") {
                line.split_once(" = ").map_or(line, |it| it.1)
            } else {
                line
            };
            let words: String = shown
                .to_lowercase()
                .chars()
                .map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { ' ' })
                .collect();
            for word in RETIRED {
                assert!(
                    !format!(" {words} ").contains(&format!(" {word} ")),
                    "{name}: “{word}” in {line}"
                );
            }
        }
    }
}

/// Each code of a refusal has its row in the guide, and the guide has no other.
#[test]
fn every_refusal_code_is_documented() {
    let guide = repository().join("docs/guide/console-errors.md");
    let guide = fs::read_to_string(guide).expect("there");
    let rows = guide.lines().filter_map(|line| line.split(" | `").nth(1)?.split('`').next());
    let documented: BTreeSet<_> = rows.collect();
    let codes: BTreeSet<_> = keydesk_control::Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, codes);
}

/// The requirement codes with which the name of a test begins: `t01_t07_…` is T1 and T7.
fn codes_in(name: &str) -> Vec<String> {
    let is_code = |word: &&str| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let letters = word.len() - digits.len();
        (1..=2).contains(&letters) && digits.parse::<u32>().is_ok()
    };
    let code = |word: &str| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let letters = word[..word.len() - digits.len()].to_uppercase();
        format!("{letters}{}", digits.trim_start_matches('0'))
    };
    name.split('_').take_while(is_code).map(code).collect()
}

/// Each code in the name of a test is defined in docs/requirements.md, and each one there has a test.
#[test]
fn every_requirement_code_is_defined_and_tested() {
    let mut tested = std::collections::BTreeSet::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).expect("readable");
        for name in text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next()) {
            tested.extend(codes_in(name));
        }
    }
    let text = fs::read_to_string(repository().join("docs/requirements.md")).expect("readable");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let defined: std::collections::BTreeSet<_> =
        rows.map(|(code, _)| code.to_owned()).filter(|code| code != "Code").collect();
    assert_eq!(tested.difference(&defined).collect::<Vec<_>>(), Vec::<&String>::new(), "undefined");
    assert_eq!(defined.difference(&tested).collect::<Vec<_>>(), Vec::<&String>::new(), "untested");
}
