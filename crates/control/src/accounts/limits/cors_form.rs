//! The form with which an account sets the web origins that can send requests with its tokens.

use crate::refusal::{Code, Refusal};
use keydesk_model::CorsPolicy;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CorsForm {
    pub origins: String,
    pub methods: String,
    pub headers: String,
    pub exposed_headers: String,
    pub max_age_seconds: String,
}

impl CorsForm {
    pub fn of(policy: Option<&CorsPolicy>) -> Self {
        let Some(policy) = policy else { return Self::default() };
        Self {
            origins: policy.origins.iter().collect::<Vec<_>>().join("\n"),
            methods: policy.methods.join(", "),
            headers: policy.headers.join(", "),
            exposed_headers: policy.exposed_headers.join(", "),
            max_age_seconds: policy.max_age_seconds.to_string(),
        }
    }

    /// Returns the policy, or `None` if the form names no origin.
    pub fn read(&self) -> Result<Option<CorsPolicy>, Refusal> {
        let origins = self.origins.parse();
        let origins: keydesk_model::OriginList =
            origins.map_err(|_| Refusal::new(Code::InvalidOrigin).at("origins"))?;
        if origins.is_empty() {
            return Ok(None);
        }
        let age = self.max_age_seconds.trim();
        let age = if age.is_empty() { Ok(CorsPolicy::MAX_AGE) } else { age.parse() };
        let policy = CorsPolicy {
            origins,
            methods: words(&self.methods.to_ascii_uppercase()),
            headers: words(&self.headers.to_ascii_lowercase()),
            exposed_headers: words(&self.exposed_headers.to_ascii_lowercase()),
            max_age_seconds: age.unwrap_or(u32::MAX),
        };
        if policy.is_well_formed() { Ok(Some(policy)) } else { Err(Code::InvalidCorsList.into()) }
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split([' ', ',', '\n', '\r', '\t']).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}
