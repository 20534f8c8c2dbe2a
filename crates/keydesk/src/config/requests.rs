//! The settings for requests to the gateway: the location of the token, and CORS.

use super::{
    file::{File, FileCors, Source},
    values::number,
};
use anyhow::bail;
use keydesk_gateway::{CorsSettings, TokenPlaces};
use keydesk_model::{CorsPolicy, OriginError, OriginList};
use std::sync::Arc;
use toml::Spanned;

#[derive(Clone, Debug)]
pub struct Requests {
    pub token_places: TokenPlaces,
    pub cors: CorsSettings,
    /// Whether `X-Request-Id` headers from clients are kept.
    pub keep_ids: bool,
    /// The contact shown to clients when the API fails.
    pub provider_contact: Option<String>,
}

pub fn requests(source: &Source, file: &File) -> anyhow::Result<Requests> {
    let locations = &file.token_locations;
    Ok(Requests {
        token_places: TokenPlaces {
            api_key: locations.x_api_key.unwrap_or(false),
            basic: locations.basic.unwrap_or(false),
            websocket: locations.websocket_protocol.unwrap_or(false),
        },
        cors: cors(source, file.cors.as_ref())?,
        provider_contact: contact(source, file.provider_contact.as_ref())?,
        keep_ids: file.keep_request_id.unwrap_or(false),
    })
}

/// Parses an address or URL, which is included in public responses.
fn contact(source: &Source, value: Option<&Spanned<String>>) -> anyhow::Result<Option<String>> {
    let Some(value) = value else { return Ok(None) };
    let given = source.given("provider_contact", value);
    let is_url = given.text.starts_with("https://") || given.text.starts_with("http://");
    let is_plain = given.text.chars().all(|c| !c.is_control()) && given.text.len() <= 200;
    if is_plain && (is_url || given.text.parse::<keydesk_model::Email>().is_ok()) {
        Ok(Some(given.text))
    } else {
        Err(given.wrong("an email address or a URL, such as support@acme.example"))
    }
}

fn cors(source: &Source, file: Option<&FileCors>) -> anyhow::Result<CorsSettings> {
    let Some(file) = file else { return Ok(CorsSettings::default()) };
    let mut origins = Vec::new();
    for origin in &file.origins {
        let given = source.given("cors.origins", origin);
        let read: Result<OriginList, OriginError> = given.text.parse();
        read.map_err(|error| given.wrong(format!("right: {error}")))?;
        origins.push(given.text);
    }
    let words = |list: &[Spanned<String>]| -> Vec<String> {
        list.iter().map(|word| word.get_ref().clone()).collect()
    };
    let policy = CorsPolicy {
        origins: origins.join(" ").parse()?,
        methods: words(&file.methods),
        headers: words(&file.headers),
        exposed_headers: words(&file.exposed_headers),
        max_age_seconds: u32::try_from(number(
            source,
            "cors.max_age_seconds",
            file.max_age_seconds.as_ref(),
            0..=u64::from(CorsPolicy::LONGEST_MAX_AGE),
            u64::from(CorsPolicy::MAX_AGE),
        )?)?,
    };
    if !policy.is_well_formed() {
        bail!(
            "{}: cors: methods are written in capitals, and headers with letters, digits, and hyphens",
            source.path.display()
        );
    }
    let is_for_accounts = file.accounts.unwrap_or(false);
    if policy.origins.is_empty() && !is_for_accounts {
        bail!(
            "{}: cors: name the origins that may call, or set accounts = true",
            source.path.display()
        );
    }
    let policy = (!policy.origins.is_empty()).then(|| Arc::new(policy));
    Ok(CorsSettings { policy, is_for_accounts })
}
