//! The sample's OpenAPI document and its routes are the same, and without the gateway nobody is
//! known.

use axum::{body::Body, http::Request};
use http::StatusCode;
use tower::ServiceExt;

async fn ask(method: &str, path: &str, account: Option<&str>) -> StatusCode {
    let folder = tempfile::tempdir().expect("a folder");
    let router = keydesk_sample::router(&folder.path().join("sample.sqlite")).await.expect("opens");
    let mut request = Request::builder().method(method).uri(path);
    if let Some(account) = account {
        request = request.header("keydesk-account", account).header("keydesk-scopes", "*");
    }
    let request = request.body(Body::from("{}")).expect("a request");
    router.oneshot(request).await.expect("answers").status()
}

#[tokio::test]
async fn every_documented_operation_is_served_to_callers_that_the_gateway_names_only() {
    let document: serde_json::Value = serde_json::from_str(keydesk_sample::OPENAPI).expect("JSON");
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let (method, path) = (method.to_uppercase(), path.replace("{id}", "1"));
            assert_eq!(
                ask(&method, &path, None).await,
                StatusCode::UNAUTHORIZED,
                "{method} {path}"
            );
            let known = ask(&method, &path, Some("385403")).await;
            assert!(
                ![StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED].contains(&known),
                "{method} {path}"
            );
            operations += 1;
        }
    }
    assert_eq!(operations, 7);
}
