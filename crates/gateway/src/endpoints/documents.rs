//! The OpenAPI documents of these endpoints, with this gateway's own URLs.

use super::ask::json;
use crate::{Response, settings::Settings};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    SelfService,
    OAuth,
}

impl Document {
    pub fn answer(self, settings: &Settings) -> Response {
        let text = match self {
            Self::SelfService => include_str!("../../openapi/self-service.json"),
            Self::OAuth => include_str!("../../openapi/oauth.json"),
        };
        let mut document: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let url = &settings.public_url;
        document["servers"] = match self {
            Self::SelfService if settings.forms.path => serde_json::json!([{
                "url": format!("{url}/{{account}}"),
                "variables": { "account": { "default": "100000", "description": "The account's number." } },
            }]),
            _ => serde_json::json!([{ "url": url }]),
        };
        if let Some(paths) = document["paths"].as_object_mut() {
            let named = std::mem::take(paths).into_iter();
            paths.extend(named.map(|(path, operations)| {
                (path.replace("{prefix}", &settings.reserved_prefix), operations)
            }));
        }
        json(&document)
    }
}
