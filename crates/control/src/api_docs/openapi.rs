//! The operations, scopes, and rules that the console reads from the operator's OpenAPI document.

use super::{merge::GROUP, source::OpenApiSource};
use keydesk_model::{PathTemplateError, RateError, Rules, Scope, ScopeSet};
use serde_json::Value;
use std::collections::BTreeMap;

/// A scope that the document names and the operations that it permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeOffer {
    pub scope: String,
    pub opens: String,
    /// The document that names it, if there are several.
    pub group: String,
    pub begins_group: bool,
}

/// The reason why a document's rules can't be applied.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("{path}: {error}")]
    Path { path: String, error: PathTemplateError },
    #[error("x-keydesk-rate of {path}: {error}")]
    Rate { path: String, error: RateError },
}

/// An operation in the list on the API Docs page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub method: String,
    pub path: String,
    pub summary: String,
    pub scopes: Vec<String>,
    /// The document that it belongs to, if there are several.
    pub group: String,
    /// Whether it is the first of its group, if there are several documents.
    pub begins_group: bool,
    /// The rate limit from `x-keydesk-rate`.
    rate: Option<String>,
    /// Method and path in a URL, such as `get-contacts-id`.
    pub id: String,
    pub is_deprecated: bool,
}

impl Operation {
    /// Returns method and path, as in the log and in usage.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl OpenApiSource {
    /// Returns the operations with their required scopes, or `None` if a document isn't available.
    pub async fn rules(&self) -> Option<Result<Vec<keydesk_model::Operation>, DocumentError>> {
        self.whole_document().await.map(|document| rules(&document))
    }

    /// Returns the scopes that rules require, with the document's descriptions of what they permit.
    pub(crate) async fn offers(&self, rules: &Rules) -> Vec<ScopeOffer> {
        let document = self.document().await.unwrap_or_default();
        offers(&document, rules)
    }

    /// Returns the title of the API, which is empty if the document has none.
    pub(crate) async fn title(&self) -> String {
        self.document().await.map(|document| string(&document["info"]["title"])).unwrap_or_default()
    }

    pub(crate) async fn operations(&self) -> Vec<Operation> {
        self.document().await.map(|document| operations(&document)).unwrap_or_default()
    }
}

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

pub(super) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut operations: Vec<_> = paths
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((path, *method, item.get(*method)?)))
        })
        .map(|(path, method, operation)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            summary: string(&operation["summary"]),
            group: string(&operation[GROUP]),
            begins_group: false,
            scopes: scopes_of(document, operation),
            rate: operation["x-keydesk-rate"].as_str().map(str::to_owned),
            id: id_of(method, path),
            is_deprecated: operation["deprecated"] == true,
        })
        .collect();
    // Several documents can contain the same path.
    operations.sort_by(|one: &Operation, other| one.group.cmp(&other.group));
    let (mut last, mut ids) = (String::new(), BTreeMap::new());
    for operation in &mut operations {
        // Paths that differ only in punctuation.
        let number = ids.entry(operation.id.clone()).and_modify(|number| *number += 1).or_insert(1);
        if *number > 1 {
            operation.id = format!("{}-{number}", operation.id);
        }
        operation.begins_group = begins_group(&mut last, &operation.group);
    }
    operations
}

/// Returns the ID of an operation: its method and the words of its path.
fn id_of(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = std::iter::once(method).chain(words).collect::<Vec<_>>();
    words.join("-").to_lowercase()
}

/// Returns whether this group differs from the last one.
fn begins_group(last: &mut String, group: &str) -> bool {
    let begins = last != group;
    if begins {
        group.clone_into(last);
    }
    begins
}

/// Returns the required scopes: from `x-keydesk-scope`, or else the security requirements of the operation or the
/// document.
pub(super) fn scopes_of(document: &Value, operation: &Value) -> Vec<String> {
    match &operation["x-keydesk-scope"] {
        Value::String(scope) => return vec![scope.clone()],
        Value::Array(scopes) => return scopes.iter().map(string).collect(),
        _ => {}
    }
    let security = operation.get("security").unwrap_or(&document["security"]);
    let requirements = security.as_array().into_iter().flatten().filter_map(Value::as_object);
    requirements
        .flat_map(|requirement| requirement.values())
        .filter_map(Value::as_array)
        .flatten()
        .map(string)
        .collect()
}

/// Returns the rules, or an error if any of them is invalid, because a skipped rule could leave an operation
/// unprotected.
fn rules(document: &Value) -> Result<Vec<keydesk_model::Operation>, DocumentError> {
    let rules = operations(document).into_iter().map(|operation| {
        let path = operation
            .path
            .parse()
            .map_err(|error| DocumentError::Path { path: operation.path.clone(), error })?;
        let rate = operation.rate.as_ref().map(|rate| {
            rate.parse()
                .map_err(|error| DocumentError::Rate { path: operation.path.clone(), error })
        });
        Ok(keydesk_model::Operation {
            rate: rate.transpose()?,
            method: operation.method,
            path,
            scopes: wanted(&operation.scopes),
        })
    });
    rules.collect()
}

/// Returns the scopes that a token can have. If none of the required scopes is valid, full access is required.
fn wanted(scopes: &[String]) -> ScopeSet {
    let known: ScopeSet = scopes.iter().filter_map(|scope| scope.parse::<Scope>().ok()).collect();
    if known.is_empty() && !scopes.is_empty() { ScopeSet::everything() } else { known }
}

fn offers(document: &Value, rules: &Rules) -> Vec<ScopeOffer> {
    let mut opened: BTreeMap<&Scope, (String, Vec<String>)> = BTreeMap::new();
    let known = operations(document);
    for rule in &rules.operations {
        let described = known.iter().find(|operation| {
            operation.method == rule.method && operation.path == rule.path.as_str()
        });
        let summary = described.map(|operation| operation.summary.clone());
        let summary = summary.filter(|summary| !summary.is_empty()).unwrap_or(rule.name());
        let group = described.map(|operation| operation.group.clone()).unwrap_or_default();
        for scope in rule.scopes.iter().filter(|scope| scope.as_str() != "*") {
            let (first, opens) = opened.entry(scope).or_default();
            if opens.is_empty() {
                first.clone_from(&group);
            }
            opens.push(summary.clone());
        }
    }
    let mut offers: Vec<_> = opened
        .into_iter()
        .map(|(scope, (group, summaries))| ScopeOffer {
            opens: description(document, scope.as_str()).unwrap_or_else(|| summaries.join(", ")),
            scope: scope.to_string(),
            group,
            begins_group: false,
        })
        .collect();
    offers.sort_by(|one, other| one.group.cmp(&other.group));
    let mut last = String::new();
    for offer in &mut offers {
        offer.begins_group = begins_group(&mut last, &offer.group);
    }
    offers
}

/// Returns the document's description of a scope, from `x-keydesk-scopes` or the OAuth flows.
fn description(document: &Value, scope: &str) -> Option<String> {
    let schemes = document["components"]["securitySchemes"].as_object().into_iter().flatten();
    let flows = schemes.flat_map(|(_, scheme)| scheme["flows"].as_object().into_iter().flatten());
    let mut places = std::iter::once(&document["x-keydesk-scopes"])
        .chain(flows.map(|(_, flow)| &flow["scopes"]));
    let found = places.find_map(|place| place[scope].as_str());
    found.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Follows a reference within the document, once.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_operations_are_taken_from_the_document() {
        let document = serde_json::json!({
            "openapi": "3.1.0",
            "security": [{ "key": ["a:read"] }],
            "paths": { "/a": {
                "get": { "summary": "List a", "tags": ["A b"], "operationId": "list_a" },
                "post": { "summary": "Add a", "security": [{ "key": ["a:write"] }, { "key": ["a:all", "no scope"] }] },
                "delete": { "x-keydesk-scope": "a:remove" }
            } },
            "x-keydesk-scopes": { "a:read": "See all a" }
        });
        let all = Rules { operations: rules(&document).expect("reads"), ..Rules::default() };
        let offers = offers(&document, &all);
        let pairs: Vec<_> = offers.iter().map(|o| (o.scope.as_str(), o.opens.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("a:all", "Add a"),
                ("a:read", "See all a"),
                ("a:remove", "DELETE /a"),
                ("a:write", "Add a")
            ]
        );
        assert_eq!(operations(&document)[0].id, "get-a");
    }

    #[test]
    fn a_rule_that_cannot_be_read_opens_nothing() {
        let document = serde_json::json!({
            "openapi": "3.1.0",
            "paths": {
                "/a": {
                    "get": { "security": [{ "oauth": ["https://api.example/read"] }] },
                    "put": { "security": [{ "oauth": ["a:write", "Admin"] }] },
                    "post": { "security": [] }
                },
            },
            "components": { "securitySchemes": { "oauth": { "flows": { "clientCredentials": {
                "scopes": { "a:write": "Change a" } } } } } }
        });
        let all = rules(&document).expect("reads");
        let asked: Vec<_> = all.iter().map(|rule| (rule.name(), rule.scopes.to_string())).collect();
        let asked: Vec<_> = asked.iter().map(|(n, s)| (n.as_str(), s.as_str())).collect();
        assert_eq!(asked, [("GET /a", "*"), ("POST /a", ""), ("PUT /a", "a:write")]);
        let offered = offers(&document, &Rules { operations: all, ..Rules::default() });
        assert_eq!((offered.len(), offered[0].opens.as_str()), (1, "Change a"));
        let document = serde_json::json!({ "paths": { "/a/../b": { "get": {} } } });
        assert!(rules(&document).is_err_and(|error| error.to_string().starts_with("/a/../b: ")));
    }

    #[test]
    fn a_document_of_another_shape_gives_nothing_and_does_not_panic() {
        for document in [
            serde_json::json!([]),
            serde_json::json!({ "paths": 1 }),
            serde_json::json!({ "paths": { "/": [] } }),
        ] {
            assert!(operations(&document).is_empty());
            assert!(rules(&document).expect("reads").is_empty());
        }
    }
}
