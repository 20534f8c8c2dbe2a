//! The management API: management keys, the contract of every request, and what each route does.

mod accounts;
mod console_links;
mod contract;
mod device;
mod grid;
mod keys;
mod tokens;

use crate::world::User;
use axum::http::Method;
use serde_json::{Value, json};

/// A program with a management key.
pub struct Program<'a> {
    user: &'a User,
    key: String,
}

/// A response of the API.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub headers: axum::http::HeaderMap,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl<'a> Program<'a> {
    /// With a key that the user creates in the console.
    pub async fn of(user: &'a User, scopes: &[&str]) -> Self {
        Self { user, key: create_key(user, "/keys", scopes).await }
    }

    pub async fn of_operator(user: &'a User, scopes: &[&str]) -> Self {
        Self { user, key: create_key(user, "/operator/keys", scopes).await }
    }

    pub async fn send(
        &self,
        (method, path): (&str, &str),
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let authorization = format!("Bearer {}", self.key);
        let mut all = vec![("authorization", authorization.as_str())];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend_from_slice(headers);
        send(self.user, (method, path), body, &all).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(("GET", path), None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(("POST", path), Some(body), &[]).await
    }
}

async fn send(
    user: &User,
    (method, path): (&str, &str),
    body: Option<Value>,
    headers: &[(&str, &str)],
) -> Reply {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let page = user.send_plain(method, &format!("/api/v1{path}"), body, headers).await;
    let body = serde_json::from_str(&page.text).unwrap_or(Value::String(page.text));
    Reply { status: page.status, body, headers: page.headers }
}

/// Creates a key in the console, and returns its secret.
pub async fn create_key(user: &User, path: &str, scopes: &[&str]) -> String {
    let mut form = vec![("name", "program"), ("expires", "30d")];
    form.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let page = user.post(path, &form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.value("new-key")
}

fn new_token(name: &str) -> Value {
    json!({ "name": name, "scopes": ["contacts:read"] })
}
