//! The sources of the operator's OpenAPI documents: files and servers, in JSON or YAML, which are reread periodically.

use super::merge::merge;
use keydesk_outbound::{Bounds, Outbound, Reach};
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(3), bytes: 8 * 1024 * 1024 };
/// The time until a document is reread: short for a file, which is cheap to read, longer for a server, to limit
/// requests to it, and short again if there is no document, because the server may be starting.
const FILE_KEPT: Duration = Duration::from_secs(1);
const URL_KEPT: Duration = Duration::from_mins(1);
const NOTHING_KEPT: Duration = Duration::from_secs(5);

/// The sources of the OpenAPI documents, which are reread periodically.
#[derive(Clone, Debug)]
pub struct OpenApiSource(Arc<Sources>);

#[derive(Debug)]
struct Sources {
    sources: Vec<Source>,
    /// The parts and the result of the last merge.
    merged: Mutex<Option<Merged>>,
}

#[derive(Debug)]
struct Merged {
    of: Vec<Arc<Value>>,
    document: Arc<Value>,
}

/// One of several documents.
#[derive(Clone, Debug)]
pub(super) struct Part {
    place: Place,
    /// The prefix of the document's paths at the gateway.
    pub prefix: String,
    /// The prefix of the document's upstream and those of all upstreams. The document doesn't apply to the paths of the
    /// others.
    pub of: Option<(String, Arc<[String]>)>,
    /// Whether the source is a guess and not configured: a server without a document is then no error.
    is_optional: bool,
}

impl Part {
    #[cfg(test)]
    pub fn for_tests(prefix: &str, (own, all): (&str, Arc<[String]>)) -> Self {
        let place = Place::File(PathBuf::new());
        Self {
            place,
            prefix: prefix.to_owned(),
            of: Some((own.to_owned(), all)),
            is_optional: false,
        }
    }

    fn is_whole(&self) -> bool {
        self.prefix.is_empty() && self.of.is_none()
    }

    /// Returns whether the gateway routes this path to the document's upstream.
    pub fn speaks_for(&self, path: &str) -> bool {
        let Some((own, all)) = &self.of else { return true };
        let serves = |prefix: &&String| {
            let rest = path.strip_prefix(prefix.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let chosen =
            all.iter().filter(serves).max_by_key(|prefix| prefix.trim_end_matches('/').len());
        chosen.is_some_and(|chosen| chosen == own)
    }
}

#[derive(Debug)]
struct Source {
    part: Part,
    kept: Mutex<Kept>,
}

/// The time of the last read, its result, and the last error that was logged.
#[derive(Debug, Default)]
struct Kept {
    at: Option<Instant>,
    document: Option<Arc<Value>>,
    error: String,
    /// The server responded, but not with a document.
    is_absent: bool,
}

/// The reason why a document couldn't be read.
enum Missing {
    /// The server responded, but not with a document.
    Absent(String),
    Unreachable(String),
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    Url(http::Uri, Outbound),
}

impl OpenApiSource {
    pub fn file(path: PathBuf) -> Self {
        Self::at(Place::File(path), false)
    }

    pub fn url(url: http::Uri, outbound: Outbound) -> Self {
        Self::at(Place::Url(url, outbound), false)
    }

    /// Returns the source of a document that may not exist, such as `/openapi.json` of an upstream.
    pub fn guessed(url: http::Uri, outbound: Outbound) -> Self {
        Self::at(Place::Url(url, outbound), true)
    }

    fn at(place: Place, is_optional: bool) -> Self {
        Self::all(vec![Part { place, prefix: String::new(), of: None, is_optional }])
    }

    /// Combines several documents, such as one for each upstream.
    pub fn of(parts: &[Self]) -> Self {
        Self::all(parts.iter().flat_map(Self::parts).collect())
    }

    /// Returns the document of one upstream: with `front` prepended to its paths, and limited to the paths that the
    /// gateway routes to the upstream with the prefix `own` among `all`.
    #[must_use]
    pub fn of_upstream(&self, front: &str, own: &str, all: &Arc<[String]>) -> Self {
        // The document of a single upstream needs no changes.
        if front.is_empty() && all.len() == 1 {
            return self.clone();
        }
        let below = |part: Part| Part {
            prefix: format!("{front}{}", part.prefix),
            of: Some((own.to_owned(), Arc::clone(all))),
            ..part
        };
        Self::all(self.parts().into_iter().map(below).collect())
    }

    fn all(parts: Vec<Part>) -> Self {
        let source = |part| Source { part, kept: Mutex::default() };
        let sources = parts.into_iter().map(source).collect();
        Self(Arc::new(Sources { sources, merged: Mutex::default() }))
    }

    fn parts(&self) -> Vec<Part> {
        self.0.sources.iter().map(|source| source.part.clone()).collect()
    }

    /// Returns the document merged from all available parts, or `None` if there are none. The log has the reason.
    pub(crate) async fn document(&self) -> Option<Arc<Value>> {
        let (found, _) = self.read_all().await;
        match found.as_slice() {
            [] => None,
            [(part, document)] if self.0.sources.len() == 1 && part.is_whole() => {
                Some(Arc::clone(document))
            }
            _ => Some(self.merged(found).await),
        }
    }

    /// Returns the document if every part could be read. Otherwise, an unreachable server would remove rules that
    /// protect operations.
    pub(super) async fn whole_document(&self) -> Option<Arc<Value>> {
        let (_, is_whole) = self.read_all().await;
        if is_whole { self.document().await } else { None }
    }

    /// Returns the available parts and whether they are complete.
    async fn read_all(&self) -> (Vec<(Part, Arc<Value>)>, bool) {
        let (mut found, mut is_whole) = (Vec::new(), true);
        for source in &self.0.sources {
            match source.document().await {
                (Some(document), _) => found.push((source.part.clone(), document)),
                (None, is_absent) => is_whole &= is_absent && source.part.is_optional,
            }
        }
        (found, is_whole)
    }

    /// Merges the parts, unless none of them has changed since the last merge.
    async fn merged(&self, parts: Vec<(Part, Arc<Value>)>) -> Arc<Value> {
        let mut kept = self.0.merged.lock().await;
        if let Some(Merged { of, document }) = &*kept
            && of.len() == parts.len()
            && of.iter().zip(&parts).all(|(old, (_, new))| Arc::ptr_eq(old, new))
        {
            return Arc::clone(document);
        }
        let merged = Arc::new(merge(&parts));
        let of = parts.into_iter().map(|(_, document)| document).collect();
        *kept = Some(Merged { of, document: Arc::clone(&merged) });
        merged
    }
}

impl Source {
    /// Returns the document, if available, and whether the server has none.
    async fn document(&self) -> (Option<Arc<Value>>, bool) {
        let mut kept = self.kept.lock().await;
        let is_fresh = |at: Instant| at.elapsed() < self.kept_for(kept.document.is_some());
        if !kept.at.is_some_and(is_fresh) {
            self.look(&mut kept).await;
            kept.at = Some(Instant::now());
        }
        (kept.document.clone(), kept.is_absent)
    }

    /// Rereads the document and logs changes. On an error, the previous document is kept.
    async fn look(&self, kept: &mut Kept) {
        let error = match self.read().await {
            Ok(document) => {
                if !kept.error.is_empty() {
                    tracing::info!(place = %self.place(), "the OpenAPI document can be read again");
                }
                *kept = Kept { document: Some(Arc::new(document)), ..Kept::default() };
                return;
            }
            Err(Missing::Absent(error)) => {
                kept.is_absent = true;
                error
            }
            Err(Missing::Unreachable(error)) => {
                kept.is_absent = false;
                error
            }
        };
        if error != kept.error {
            tracing::warn!(error, place = %self.place(), "the OpenAPI document cannot be read");
            kept.error = error;
        }
    }

    fn kept_for(&self, is_there: bool) -> Duration {
        match self.part.place {
            Place::File(_) => FILE_KEPT,
            Place::Url(..) if is_there => URL_KEPT,
            Place::Url(..) => NOTHING_KEPT,
        }
    }

    fn place(&self) -> String {
        match &self.part.place {
            Place::File(path) => path.display().to_string(),
            Place::Url(url, _) => url.to_string(),
        }
    }

    async fn read(&self) -> Result<Value, Missing> {
        let bytes = match &self.part.place {
            Place::File(path) => tokio::fs::read(path)
                .await
                .map_err(|error| Missing::Unreachable(error.to_string()))?,
            Place::Url(url, outbound) => fetch(url.clone(), outbound).await?,
        };
        parse(&bytes).map_err(Missing::Absent)
    }
}

/// Parses a document in JSON or YAML.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    let is_json = bytes.trim_ascii_start().first() == Some(&b'{');
    let document: Value = if is_json {
        serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        // “yes” and “no” are strings in YAML 1.2.
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

async fn fetch(url: http::Uri, outbound: &Outbound) -> Result<Vec<u8>, Missing> {
    let mut request = http::Request::new(Vec::new());
    *request.uri_mut() = url;
    let answer = outbound.send(request, BOUNDS, Reach::Anywhere).await;
    let answer = answer.map_err(|error| Missing::Unreachable(error.to_string()))?;
    let status = answer.status();
    let said = format!("it answers {status}");
    match status {
        _ if status.is_success() => Ok(answer.into_body()),
        _ if status.is_server_error() => Err(Missing::Unreachable(said)),
        _ => Err(Missing::Absent(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers common YAML features: numbers as keys, anchors, and multiline strings.
    #[test]
    fn a_document_may_be_yaml() {
        let yaml = "openapi: 3.0.3\ninfo:\n  title: Orders\n  version: 1.10\npaths:\n  /orders:\n    get:\n      \
            summary: List orders\n      description: |\n        Two\n        lines\n      responses:\n        200: &ok\n          \
            description: yes\n        404: *ok\n";
        let document = parse(yaml.as_bytes()).expect("YAML");
        assert_eq!(document["paths"]["/orders"]["get"]["summary"], "List orders");
        assert_eq!(document["paths"]["/orders"]["get"]["responses"]["404"]["description"], "yes");
        let swagger = parse(b"swagger: '2.0'\npaths: {}").expect_err("another format");
        assert!(swagger.contains("Swagger 2.0"), "{swagger}");
        assert!(parse(b"- a\n- b").is_err() && parse(b"{").is_err() && parse(&[0xff]).is_err());
    }
}
