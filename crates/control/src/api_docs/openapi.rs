//! The operator's OpenAPI document: where it comes from, and what the console takes out of it.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use keydesk_model::Scope;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

const LARGEST: usize = 8 * 1024 * 1024;
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const KEPT: Duration = Duration::from_mins(1);

/// Where the document comes from. It is read again when it is older than a minute.
#[derive(Clone, Debug)]
pub struct OpenApiSource {
    place: Place,
    kept: Arc<Mutex<Option<Kept>>>,
}

/// When the document was last asked for, and what came.
type Kept = (Instant, Option<Arc<Value>>);

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    Url(http::Uri),
}

/// A scope that the document names, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeOffer {
    pub scope: String,
    pub opens: String,
}

/// One operation, for the list on the API Docs page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub method: String,
    pub path: String,
    pub summary: String,
    pub scopes: Vec<String>,
    /// Where Swagger UI shows it: `#/Contacts/list_contacts`.
    pub anchor: String,
}

impl OpenApiSource {
    pub fn file(path: PathBuf) -> Self {
        Self { place: Place::File(path), kept: Arc::default() }
    }

    pub fn url(url: http::Uri) -> Self {
        Self { place: Place::Url(url), kept: Arc::default() }
    }

    /// The document; None where there is none to be had, which the log explains.
    pub(crate) async fn document(&self) -> Option<Arc<Value>> {
        let mut kept = self.kept.lock().await;
        if let Some((at, document)) = &*kept
            && at.elapsed() < KEPT
        {
            return document.clone();
        }
        let document = match self.read().await {
            Ok(document) => Some(Arc::new(document)),
            Err(error) => {
                tracing::warn!(error, place = %self.place(), "the OpenAPI document cannot be read");
                // A document that was good a minute ago is better than none.
                kept.take().and_then(|(_, document)| document)
            }
        };
        *kept = Some((Instant::now(), document.clone()));
        document
    }

    fn place(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Url(url) => url.to_string(),
        }
    }

    async fn read(&self) -> Result<Value, String> {
        let bytes = match &self.place {
            Place::File(path) => tokio::fs::read(path).await.map_err(|error| error.to_string())?,
            Place::Url(url) => fetch(url.clone()).await?,
        };
        let document: Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("not JSON: {error}"))?;
        if document.get("openapi").is_none() || !document["paths"].is_object() {
            return Err("not an OpenAPI 3 document: it needs “openapi” and “paths”".to_owned());
        }
        Ok(document)
    }

    /// The scopes that operations ask for, with what each opens; also each resource's wildcard.
    pub(crate) async fn scopes(&self) -> Vec<ScopeOffer> {
        self.document().await.map(|document| offers(&document)).unwrap_or_default()
    }

    /// What the API calls itself; empty where it does not say.
    pub(crate) async fn title(&self) -> String {
        self.document().await.map(|document| text(&document["info"]["title"])).unwrap_or_default()
    }

    pub(crate) async fn operations(&self) -> Vec<Operation> {
        self.document().await.map(|document| operations(&document)).unwrap_or_default()
    }
}

/// One GET, no redirects followed, bounded in time and size.
async fn fetch(url: http::Uri) -> Result<Vec<u8>, String> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1()
        .build();
    let client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector);
    let answer = async {
        let response = client.get(url).await.map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(format!("it answers {}", response.status()));
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())
    };
    tokio::time::timeout(FETCH_TIMEOUT, answer)
        .await
        .map_err(|_| "no answer within 3 s".to_owned())?
}

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((path, *method, item.get(*method)?)))
        })
        .map(|(path, method, operation)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            summary: text(&operation["summary"]),
            scopes: scopes_of(document, operation),
            anchor: format!(
                "#/{}/{}",
                operation["tags"][0].as_str().unwrap_or("default").replace(' ', "_"),
                operation["operationId"].as_str().unwrap_or_default()
            ),
        })
        .collect()
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

fn offers(document: &Value) -> Vec<ScopeOffer> {
    let mut opened: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in operations(document) {
        for scope in operation.scopes.iter().filter(|scope| scope.parse::<Scope>().is_ok()) {
            let summary = if operation.summary.is_empty() {
                operation.path.clone()
            } else {
                operation.summary.clone()
            };
            opened.entry(scope.clone()).or_default().push(summary);
        }
    }
    opened
        .into_iter()
        .map(|(scope, summaries)| ScopeOffer {
            opens: document["x-keydesk-scopes"][&scope]
                .as_str()
                .map_or_else(|| summaries.join(", "), str::to_owned),
            scope,
        })
        .collect()
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
        let offers = offers(&document);
        let pairs: Vec<_> = offers.iter().map(|o| (o.scope.as_str(), o.opens.as_str())).collect();
        assert_eq!(
            pairs,
            [("a:all", "Add a"), ("a:read", "See all a"), ("a:remove", "/a"), ("a:write", "Add a")]
        );
        assert_eq!(operations(&document)[0].anchor, "#/A_b/list_a");
    }

    #[test]
    fn a_document_of_another_shape_gives_nothing_and_does_not_panic() {
        for document in [
            serde_json::json!([]),
            serde_json::json!({ "paths": 1 }),
            serde_json::json!({ "paths": { "/": [] } }),
        ] {
            assert!(operations(&document).is_empty());
            assert!(offers(&document).is_empty());
        }
    }
}
