//! The operator's OpenAPI document: where it comes from, and what the console takes out of it.

use super::merge::{GROUP, merge};
use crate::outbound::{Bounds, Outbound, Reach};
use keydesk_model::{PathTemplateError, RateError, Rules, Scope, ScopeSet};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(3), bytes: 8 * 1024 * 1024 };
/// How long a document counts before it is looked at again: a file costs little, a server is not to be
/// asked too often, and one that did not answer may just be starting.
const FILE_KEPT: Duration = Duration::from_secs(1);
const URL_KEPT: Duration = Duration::from_mins(1);
const NOTHING_KEPT: Duration = Duration::from_secs(5);

/// Where the documents come from. They are read again when some time has passed.
#[derive(Clone, Debug)]
pub struct OpenApiSource(Arc<Vec<Source>>);

#[derive(Debug)]
struct Source {
    place: Place,
    /// What stands in front of the document's paths at the gateway.
    prefix: String,
    kept: Mutex<Kept>,
}

/// When the document was last asked for, what came, and what was last said of it in the log.
#[derive(Debug, Default)]
struct Kept {
    at: Option<Instant>,
    document: Option<Arc<Value>>,
    error: String,
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    Url(http::Uri, Outbound),
}

/// A scope that the document names, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeOffer {
    pub scope: String,
    pub opens: String,
    /// Of several documents: which one names it.
    pub group: String,
    pub begins_group: bool,
}

/// Why a document's rules cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("{path}: {error}")]
    Path { path: String, error: PathTemplateError },
    #[error("x-keydesk-rate of {path}: {error}")]
    Rate { path: String, error: RateError },
}

/// One operation, for the list on the API Docs page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub method: String,
    pub path: String,
    pub summary: String,
    pub scopes: Vec<String>,
    /// Of several documents: which one it is of.
    pub group: String,
    /// The first of its group, where there are several documents.
    pub begins_group: bool,
    /// As `x-keydesk-rate` says it.
    rate: Option<String>,
    /// Where Swagger UI shows it: `#/Contacts/list_contacts`.
    pub anchor: String,
}

impl OpenApiSource {
    pub fn file(path: PathBuf) -> Self {
        Self::all(vec![Part { place: Place::File(path), prefix: String::new() }])
    }

    pub fn url(url: http::Uri, outbound: Outbound) -> Self {
        Self::all(vec![Part { place: Place::Url(url, outbound), prefix: String::new() }])
    }

    /// One document of several parts, such as one for each upstream.
    pub fn of(parts: Vec<Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| part.parts());
        Self::all(parts.collect())
    }

    /// The same, with this in front of all paths.
    #[must_use]
    pub fn below(self, prefix: &str) -> Self {
        let below = |part: Part| Part { prefix: format!("{prefix}{}", part.prefix), ..part };
        Self::all(self.parts().into_iter().map(below).collect())
    }

    fn all(parts: Vec<Part>) -> Self {
        let source = |Part { place, prefix }| Source { place, prefix, kept: Mutex::default() };
        Self(Arc::new(parts.into_iter().map(source).collect()))
    }

    fn parts(&self) -> Vec<Part> {
        let part =
            |source: &Source| Part { place: source.place.clone(), prefix: source.prefix.clone() };
        self.0.iter().map(part).collect()
    }

    /// The document, of all parts that there are; None where there is none to be had, which the log explains.
    pub(crate) async fn document(&self) -> Option<Arc<Value>> {
        let mut found = Vec::new();
        for source in self.0.iter() {
            if let Some(document) = source.document().await {
                found.push((source.prefix.as_str(), document));
            }
        }
        match found.as_slice() {
            [] => None,
            [("", document)] if self.0.len() == 1 => Some(Arc::clone(document)),
            parts => Some(Arc::new(merge(parts))),
        }
    }

    /// The operations with the scopes that each asks for; None where there is no document to be had.
    pub async fn rules(&self) -> Option<Result<Vec<keydesk_model::Operation>, DocumentError>> {
        self.document().await.map(|document| rules(&document))
    }

    /// The scopes that rules ask for, with what each opens in this document's words.
    pub(crate) async fn offers(&self, rules: &Rules) -> Vec<ScopeOffer> {
        let document = self.document().await.unwrap_or_default();
        offers(&document, rules)
    }

    /// What the API calls itself; empty where it does not say.
    pub(crate) async fn title(&self) -> String {
        self.document().await.map(|document| text(&document["info"]["title"])).unwrap_or_default()
    }

    pub(crate) async fn operations(&self) -> Vec<Operation> {
        self.document().await.map(|document| operations(&document)).unwrap_or_default()
    }
}

struct Part {
    place: Place,
    prefix: String,
}

impl Source {
    async fn document(&self) -> Option<Arc<Value>> {
        let mut kept = self.kept.lock().await;
        let is_fresh = |at: Instant| at.elapsed() < self.kept_for(kept.document.is_some());
        if kept.at.is_some_and(is_fresh) {
            return kept.document.clone();
        }
        match self.read().await {
            Ok(document) => {
                if !kept.error.is_empty() {
                    tracing::info!(place = %self.place(), "the OpenAPI document can be read again");
                }
                kept.error.clear();
                kept.document = Some(Arc::new(document));
            }
            // A document that was good a minute ago is better than none.
            Err(error) if error == kept.error => {}
            Err(error) => {
                tracing::warn!(error, place = %self.place(), "the OpenAPI document cannot be read");
                kept.error = error;
            }
        }
        kept.at = Some(Instant::now());
        kept.document.clone()
    }

    fn kept_for(&self, is_there: bool) -> Duration {
        match self.place {
            Place::File(_) => FILE_KEPT,
            Place::Url(..) if is_there => URL_KEPT,
            Place::Url(..) => NOTHING_KEPT,
        }
    }

    fn place(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Url(url, _) => url.to_string(),
        }
    }

    async fn read(&self) -> Result<Value, String> {
        let bytes = match &self.place {
            Place::File(path) => tokio::fs::read(path).await.map_err(|error| error.to_string())?,
            Place::Url(url, outbound) => fetch(url.clone(), outbound).await?,
        };
        parse(&bytes)
    }
}

/// A document in JSON or YAML.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    let is_json = bytes.trim_ascii_start().first() == Some(&b'{');
    let document: Value = if is_json {
        serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        // “yes” and “no” are words in YAML 1.2.
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| format!("not JSON, and not YAML: {error}"))?
    };
    if document.get("swagger").is_some() {
        return Err("it is Swagger 2.0; convert it to OpenAPI 3, for example with swagger2openapi"
            .to_owned());
    }
    if document.get("openapi").is_none() || !document["paths"].is_object() {
        return Err("not an OpenAPI 3 document: it needs “openapi” and “paths”".to_owned());
    }
    Ok(document)
}

async fn fetch(url: http::Uri, outbound: &Outbound) -> Result<Vec<u8>, String> {
    let mut request = http::Request::new(Vec::new());
    *request.uri_mut() = url;
    let answer = outbound.send(request, BOUNDS, Reach::Anywhere).await;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status().is_success() {
        Ok(answer.into_body())
    } else {
        Err(format!("it answers {}", answer.status()))
    }
}

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut operations: Vec<_> = paths
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((path, *method, item.get(*method)?)))
        })
        .map(|(path, method, operation)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            summary: text(&operation["summary"]),
            group: text(&operation[GROUP]),
            begins_group: false,
            scopes: scopes_of(document, operation),
            rate: operation["x-keydesk-rate"].as_str().map(str::to_owned),
            anchor: format!(
                "#/{}/{}",
                operation["tags"][0].as_str().unwrap_or("default").replace(' ', "_"),
                operation["operationId"].as_str().unwrap_or_default()
            ),
        })
        .collect();
    // A path may be in several documents.
    operations.sort_by(|one: &Operation, other| one.group.cmp(&other.group));
    let mut last = String::new();
    for operation in &mut operations {
        operation.begins_group = begins_group(&mut last, &operation.group);
    }
    operations
}

/// Whether another group begins than the last one.
fn begins_group(last: &mut String, group: &str) -> bool {
    let begins = last != group;
    if begins {
        group.clone_into(last);
    }
    begins
}

/// What an operation asks for: `x-keydesk-scope`, else its or the document's security requirements.
fn scopes_of(document: &Value, operation: &Value) -> Vec<String> {
    match &operation["x-keydesk-scope"] {
        Value::String(scope) => return vec![scope.clone()],
        Value::Array(scopes) => return scopes.iter().map(text).collect(),
        _ => {}
    }
    let security = operation.get("security").unwrap_or(&document["security"]);
    let requirements = security.as_array().into_iter().flatten().filter_map(Value::as_object);
    requirements
        .flat_map(|requirement| requirement.values())
        .filter_map(Value::as_array)
        .flatten()
        .map(text)
        .collect()
}

/// What cannot be understood is not taken over in part: a rule that is left out might be the one that
/// protects something.
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

/// Of scopes that no token can have, those that one can have remain; where there are none, only a token
/// for everything will do.
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

/// What the document says of a scope: under `x-keydesk-scopes`, or where OAuth flows list theirs.
fn description(document: &Value, scope: &str) -> Option<String> {
    let schemes = document["components"]["securitySchemes"].as_object().into_iter().flatten();
    let flows = schemes.flat_map(|(_, scheme)| scheme["flows"].as_object().into_iter().flatten());
    let mut places = std::iter::once(&document["x-keydesk-scopes"])
        .chain(flows.map(|(_, flow)| &flow["scopes"]));
    let found = places.find_map(|place| place[scope].as_str());
    found.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn text(value: &Value) -> String {
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
        assert_eq!(operations(&document)[0].anchor, "#/A_b/list_a");
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

    /// YAML as people write it: numbers as keys, anchors, several lines.
    #[test]
    fn a_document_may_be_yaml() {
        let yaml = "openapi: 3.0.3\ninfo:\n  title: Orders\n  version: 1.10\npaths:\n  /orders:\n    get:\n      \
            summary: List orders\n      description: |\n        Two\n        lines\n      responses:\n        200: &ok\n          \
            description: yes\n        404: *ok\n";
        let document = parse(yaml.as_bytes()).expect("YAML");
        assert_eq!(operations(&document)[0].summary, "List orders");
        assert_eq!(document["paths"]["/orders"]["get"]["responses"]["404"]["description"], "yes");
        let swagger = parse(b"swagger: '2.0'\npaths: {}").expect_err("another format");
        assert!(swagger.contains("Swagger 2.0"), "{swagger}");
        assert!(parse(b"- a\n- b").is_err() && parse(b"{").is_err() && parse(&[0xff]).is_err());
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
