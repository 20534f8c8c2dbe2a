//! Every text is there in every language, and every use of a text has it.

use super::*;
use crate::refusal::Code;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// IDs that are composed with an internal name from the source...
const WITH_A_NAME: [&str; 11] = [
    "service-",
    "interval-",
    "audit-area-",
    "done-",
    "expires-",
    "mail-",
    "remedy-",
    "remedy-consequences-",
    "script-",
    "usage-group-",
    "usage-range-",
];
/// ... and with an enum value, which are checked by listing the values if possible.
const WITH_A_VALUE: [&str; 21] = [
    "operation-place-",
    "api-difference-",
    "members-show-",
    "members-sort-",
    "tokens-show-",
    "tokens-sort-",
    "alert-hint-",
    "alert-kind-",
    "failing-state-",
    "requests-outcome-",
    "leak-reporter-",
    "event-",
    "key-scope-",
    "month-",
    "inactive-",
    "role-",
    "state-",
    "webhook-state-",
    "webhook-disabled-",
    "delivery-state-",
    "mail-webhook-",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(fs::read_to_string(path).expect("a text"));
        }
    }
    found
}

/// Returns every message of a language by its ID.
fn messages(language: Language) -> BTreeMap<String, String> {
    let mut messages = BTreeMap::new();
    for text in files(&root().join("messages").join(language.as_str()), "ftl") {
        FluentResource::try_new(text.clone()).expect("a file without a mistake");
        let mut last = String::new();
        for line in text.lines() {
            if let Some((id, value)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                let before = messages.insert(id.to_owned(), value.to_owned());
                assert_eq!(before, None, "{id} is there twice");
                id.clone_into(&mut last);
            } else if let Some(message) = messages.get_mut(&last) {
                message.push_str(line);
                message.push('\n');
            }
        }
    }
    messages
}

/// Returns every text between `open` and `close`.
fn between<'a>(text: &'a str, open: &str, close: char) -> BTreeSet<&'a str> {
    text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
}

fn variables(text: &str) -> BTreeSet<&str> {
    between(text, "{ $", ' ')
}

#[test]
fn every_language_says_everything_with_the_same_values_and_marks() {
    let english = messages(Language::English);
    assert!(english.len() > 700, "{}", english.len());
    for language in [Language::Spanish, Language::Portuguese] {
        let other = messages(language);
        let ids = |messages: &BTreeMap<String, String>| -> BTreeSet<String> {
            messages.keys().cloned().collect()
        };
        let (ours, theirs) = (ids(&english), ids(&other));
        assert_eq!(ours.symmetric_difference(&theirs).collect::<Vec<_>>(), Vec::<&String>::new());
        for (id, text) in &english {
            let said = &other[id];
            assert_eq!(variables(text), variables(said), "{language} {id}");
            assert_eq!(between(text, "<", '>'), between(said, "<", '>'), "{language} {id}");
            assert_eq!(text.contains(" ->"), said.contains(" ->"), "{language} {id}");
        }
    }
}

#[test]
fn what_is_asked_for_is_there_and_what_is_there_is_asked_for() {
    let english = messages(Language::English);
    let sources = files(&root().join("src"), "rs");
    let sources = sources.iter().map(|text| text.split("#[cfg(test)]").next().expect("a part"));
    let templates = files(&root().join("templates"), "html");
    let texts: Vec<&str> = sources.chain(templates.iter().map(String::as_str)).collect();
    for text in &texts {
        // `with_text` names an argument, not a message.
        let text = text.replace("with_text(\"", "");
        for call in ["text(\"", "html(\""] {
            for id in between(&text, call, '"') {
                assert!(english.contains_key(id), "{id} is asked for and not there");
            }
        }
    }
    for id in english.keys() {
        let is_named = texts.iter().any(|text| text.contains(&format!("\"{id}\"")));
        let with_a_name =
            WITH_A_NAME.iter().filter_map(|begin| id.strip_prefix(begin)).any(|name| {
                let name = name.trim_end_matches("-subject");
                let (whole, in_url) = (format!("\"{name}\""), format!("done={name}\""));
                texts.iter().any(|text| text.contains(&whole) || text.contains(&in_url))
            });
        let with_a_value = WITH_A_VALUE.iter().any(|begin| id.starts_with(begin));
        let refusal = id.trim_end_matches("-why").replace('-', "_");
        let of_a_refusal = Code::ALL.iter().any(|code| code.as_str() == refusal);
        assert!(is_named || with_a_name || with_a_value || of_a_refusal, "{id} is never asked for");
    }
    for name in keydesk_model::Event::NAMES {
        let id = format!("event-{}", name.replace('.', "-"));
        assert!(english.contains_key(&id), "{id}");
    }
    let reasons =
        keydesk_model::DisabledReason::ALL.map(keydesk_model::DisabledReason::as_str).to_vec();
    let states = keydesk_model::WebhookState::ALL.map(keydesk_model::WebhookState::as_str).to_vec();
    let deliveries =
        keydesk_model::DeliveryState::ALL.map(keydesk_model::DeliveryState::as_str).to_vec();
    for (kind, values) in [
        ("webhook-disabled", reasons.clone()),
        ("mail-webhook", reasons),
        ("webhook-state", states),
        (
            "leak-reporter",
            keydesk_model::LeakReporter::ALL.map(keydesk_model::LeakReporter::as_str).to_vec(),
        ),
        ("delivery-state", deliveries),
        ("role", keydesk_model::Role::ALL.map(keydesk_model::Role::as_str).to_vec()),
        ("script", SCRIPT_IDS.to_vec()),
        ("key-scope", keydesk_model::KeyScope::ALL.map(keydesk_model::KeyScope::as_str).to_vec()),
    ] {
        for value in values.into_iter().map(|value| value.replace(':', "-")) {
            assert!(english.contains_key(&format!("{kind}-{value}")), "{kind}-{value}");
        }
    }
}

/// Checks that a message gets exactly the arguments that it names, in each use of `text` and `html` in the source.
#[test]
fn every_message_gets_the_values_that_it_names() {
    let english = messages(Language::English);
    let mut checked = 0;
    for text in files(&root().join("templates"), "html") {
        for call in between(&text, "{{ crate::", '}') {
            let id = call.split('"').nth(1).unwrap_or_default();
            let Some(message) = english.get(id) else { continue };
            let given = [".with(\"", ".count(\"", ".with_unescaped(\""];
            let given = given.iter().flat_map(|put| between(call, put, '"')).collect();
            assert_eq!(variables(message), given, "{id}");
            checked += 1;
        }
    }
    assert!(checked > 400, "{checked}");
}

/// Checks that templates contain no user-visible text, which belongs in the messages.
#[test]
fn no_template_says_anything_by_itself() {
    const NAMES: [&str; 7] =
        ["Keydesk", "· Keydesk", "CSV", "$TOKEN", "openapi.json", "reference.md", "llms.txt"];
    for text in files(&root().join("templates"), "html") {
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(['<', '{']) {
            plain.push_str(&rest[..start]);
            plain.push('\n');
            let close = match &rest[start..] {
                tag if tag.starts_with('<') => ">",
                code if code.starts_with("{{") => "}}",
                _ => "%}",
            };
            let end = rest[start..].find(close).expect("it ends") + start + close.len();
            rest = &rest[end..];
        }
        plain.push_str(rest);
        let said = plain.lines().map(str::trim).filter(|line| {
            line.chars().filter(|c| c.is_alphabetic()).count() > 1
                && !NAMES.contains(line)
                && !line.starts_with("curl ")
        });
        assert_eq!(said.collect::<Vec<_>>(), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn a_request_is_answered_in_its_language_and_what_is_put_in_is_escaped() {
    let greet = || text("accept-title").with("account", "<Acme>").to_string();
    assert_eq!(greet(), "Join <Acme>");
    let said = speaking(Language::Spanish, async {
        let spanish = greet();
        switch_to(Language::Portuguese);
        (spanish, greet(), in_language(Language::English, greet))
    });
    assert_eq!(
        said.await,
        ("Unirse a <Acme>".into(), "Participar de <Acme>".into(), "Join <Acme>".into())
    );
    let marked = html("sso-is-on").with("domain", "<i>").to_string();
    assert!(marked.contains("&#60;i&#62;") && marked.contains("<span"), "{marked}");
    let days = |count: u64| text("when-days-ago").count("n", count).to_string();
    assert_eq!((days(1), days(3)), ("1 day ago".to_owned(), "3 days ago".to_owned()));
    assert_eq!(text("nothing-of-the-kind").to_string(), "nothing-of-the-kind");
    assert_eq!(text_if_exists("done-<script>"), None);
}
