//! The versions of the OpenAPI document, and what has changed between them that a client can notice.

use super::{
    OpenApiSource,
    openapi::{operations, resolved},
    reference::list_use,
};
use crate::{AppState, principal::Caller, refusal::Refusal};
use keydesk_model::{Permission, Timestamp};
use keydesk_store::{ApiVersion, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The time for which changes are shown.
const SHOWN: Duration = Duration::from_hours(90 * 24);

/// What clients of an operation depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Contract {
    is_deprecated: bool,
    scopes: BTreeSet<String>,
    /// The names of parameters and of fields in the request body, and whether each is required.
    inputs: BTreeMap<String, bool>,
}

/// The operations of a document by method and path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Summary(BTreeMap<String, Contract>);

impl Summary {
    fn of(document: &Value) -> Self {
        let summary = operations(document).into_iter().map(|operation| {
            let item = &document["paths"][&operation.path];
            let described = &item[operation.method.to_lowercase()];
            let contract = Contract {
                is_deprecated: operation.is_deprecated,
                scopes: operation.scopes.iter().cloned().collect(),
                inputs: inputs(document, item, described),
            };
            (operation.name(), contract)
        });
        Self(summary.collect())
    }
}

fn inputs(document: &Value, item: &Value, described: &Value) -> BTreeMap<String, bool> {
    let mut inputs = BTreeMap::new();
    let lists = [&item["parameters"], &described["parameters"]];
    for parameter in lists.into_iter().filter_map(Value::as_array).flatten() {
        let parameter = resolved(document, parameter);
        if let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str())
            && place != "cookie"
        {
            let is_required = parameter["required"].as_bool().unwrap_or_default();
            inputs.insert(name.to_owned(), is_required);
        }
    }
    let body = resolved(document, &described["requestBody"]);
    for content in body["content"].as_object().into_iter().flat_map(|content| content.values()) {
        let schema = resolved(document, &content["schema"]);
        let required = schema["required"].as_array().into_iter().flatten();
        let required: BTreeSet<_> = required.filter_map(Value::as_str).collect();
        for name in schema["properties"].as_object().into_iter().flat_map(|all| all.keys()) {
            inputs.insert(name.clone(), required.contains(name.as_str()));
        }
    }
    inputs
}

/// A change that a client can notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Added,
    Removed,
    Deprecated,
    /// A parameter or field that must be sent now.
    NowRequired(String),
    /// A parameter or field that is gone.
    InputRemoved(String),
    /// A parameter or field that can be sent now.
    InputAdded(String),
    /// A scope that is needed now.
    ScopeAdded(String),
}

fn differences(old: &Contract, new: &Contract) -> Vec<Difference> {
    let mut found = Vec::new();
    if new.is_deprecated && !old.is_deprecated {
        found.push(Difference::Deprecated);
    }
    let scopes = new.scopes.difference(&old.scopes);
    found.extend(scopes.map(|scope| Difference::ScopeAdded(scope.clone())));
    for (name, is_required) in &new.inputs {
        match (old.inputs.get(name), is_required) {
            (None | Some(false), true) => found.push(Difference::NowRequired(name.clone())),
            (None, false) => found.push(Difference::InputAdded(name.clone())),
            (Some(_), _) => {}
        }
    }
    let gone = old.inputs.keys().filter(|name| !new.inputs.contains_key(*name));
    found.extend(gone.map(|name| Difference::InputRemoved(name.clone())));
    found
}

/// Returns what has changed from one document to the next, by operation.
fn compare(old: &Summary, new: &Summary) -> Vec<(String, Difference)> {
    let mut found = Vec::new();
    for (name, contract) in &new.0 {
        match old.0.get(name) {
            None => found.push((name.clone(), Difference::Added)),
            Some(before) => {
                let changed = differences(before, contract).into_iter();
                found.extend(changed.map(|difference| (name.clone(), difference)));
            }
        }
    }
    let gone = old.0.keys().filter(|name| !new.0.contains_key(*name));
    found.extend(gone.map(|name| (name.clone(), Difference::Removed)));
    found
}

/// Keeps a summary of the document whenever it has changed.
///
/// # Errors
///
/// If the database can't be used.
pub async fn record_api_version(
    store: &Store,
    source: &OpenApiSource,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A part that can't be read is not gone.
    let Some(document) = source.whole_document().await else { return Ok(()) };
    let summary = serde_json::to_string(&Summary::of(&document)).unwrap_or_default();
    let newest = store.read().await?.find_newest_api_version().await?;
    if newest.is_some_and(|newest| newest.summary == summary) {
        return Ok(());
    }
    store.add_api_version(&ApiVersion { at: now, summary }, now.minus(SHOWN)).await
}

/// A change of the document, and who notices it.
#[derive(Debug)]
pub(crate) struct DocumentChange {
    pub at: Timestamp,
    /// Method and path.
    pub operation: String,
    pub difference: Difference,
    /// The clients of the account that used the operation in the last 30 days.
    pub clients: Vec<String>,
}

/// Returns the changes of the document in the last 90 days, the newest first, those that the account's clients notice
/// before the others.
pub(crate) async fn list_document_changes(
    app: &AppState,
    caller: &Caller,
) -> Result<Vec<DocumentChange>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let since = app.now().minus(SHOWN);
    let versions = app.store.read().await?.list_api_versions().await?;
    let read = |version: &ApiVersion| serde_json::from_str::<Summary>(&version.summary).ok();
    let mut clients: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for used in list_use(app, caller).await?.into_iter().filter(|used| used.accepted() > 0) {
        clients.entry(used.operation).or_default().push(used.client);
    }
    let mut changes = Vec::new();
    for pair in versions.windows(2).filter(|pair| pair[1].at >= since) {
        let Some((old, new)) = read(&pair[0]).zip(read(&pair[1])) else { continue };
        let found = compare(&old, &new).into_iter();
        changes.extend(found.map(|(operation, difference)| DocumentChange {
            at: pair[1].at,
            clients: clients.get(&operation).cloned().unwrap_or_default(),
            operation,
            difference,
        }));
    }
    changes.sort_by_key(|change| (change.clients.is_empty(), std::cmp::Reverse(change.at)));
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn summary(get: &Value, post: &Value) -> Summary {
        Summary::of(&json!({
            "openapi": "3.1.0",
            "paths": { "/contacts": { "get": get, "post": post } },
            "components": { "schemas": { "New": {
                "required": ["name"], "properties": { "name": {}, "note": {} }
            } } }
        }))
    }

    #[test]
    fn f17_what_a_client_notices_is_a_change() {
        let limit = json!({ "name": "limit", "in": "query" });
        let post = json!({ "requestBody": { "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/New" }
        } } } });
        let old = summary(&json!({ "parameters": [limit] }), &post);
        let described = json!({ "summary": "List contacts", "parameters": [limit] });
        assert_eq!(compare(&old, &summary(&described, &post)), [], "a text changes nothing");
        let cursor = json!({ "name": "cursor", "in": "query", "required": true });
        let get = json!({ "deprecated": true, "x-keydesk-scope": "contacts:read", "parameters": [cursor] });
        let smaller = json!({ "requestBody": { "content": { "application/json": {
            "schema": { "required": ["name", "email"], "properties": { "name": {}, "email": {} } }
        } } } });
        let changed = compare(&old, &summary(&get, &smaller));
        let (get, post) = ("GET /contacts".to_owned(), "POST /contacts".to_owned());
        let expected = [
            (get.clone(), Difference::Deprecated),
            (get.clone(), Difference::ScopeAdded("contacts:read".to_owned())),
            (get.clone(), Difference::NowRequired("cursor".to_owned())),
            (get.clone(), Difference::InputRemoved("limit".to_owned())),
            (post.clone(), Difference::NowRequired("email".to_owned())),
            (post.clone(), Difference::InputRemoved("note".to_owned())),
        ];
        assert_eq!(changed, expected);
        let gone = compare(&old, &Summary::default());
        assert_eq!(gone, [(get.clone(), Difference::Removed), (post, Difference::Removed)]);
        assert_eq!(compare(&Summary::default(), &old)[0], (get, Difference::Added));
    }
}
