//! The OpenAPI documents that are configured or derived from the upstreams.

use crate::config::Config;
use anyhow::{Context, bail};
use keydesk_control::OpenApiSource;
use std::{path::Path, sync::Arc};

/// Returns the documents: the common one, or one for each upstream. An upstream without a configured document is
/// requested for `/openapi.json`.
pub fn openapi(config: &Config, upstream: &http::Uri) -> anyhow::Result<OpenApiSource> {
    if config.openapi.is_none() && config.upstreams.is_empty() {
        return document(config, None, upstream);
    }
    let all: Arc<[String]> = config.documents.iter().map(|own| own.prefix.clone()).collect();
    let whole = config.openapi.as_deref().map(|place| document(config, Some(place), upstream));
    let own = config.documents.iter().filter_map(|own| {
        // The common document applies to upstreams without their own.
        let place = own.place.as_deref();
        let is_asked = place.is_some() || config.openapi.is_none();
        let document = is_asked.then(|| document(config, place, &own.server))?;
        Some(document.map(|document| document.of_upstream(&own.front, &own.prefix, &all)))
    });
    let parts: Vec<_> = whole.into_iter().chain(own).collect::<anyhow::Result<_>>()?;
    Ok(OpenApiSource::of(&parts))
}

fn document(
    config: &Config,
    place: Option<&str>,
    upstream: &http::Uri,
) -> anyhow::Result<OpenApiSource> {
    match place {
        Some(place) if place.starts_with("http://") || place.starts_with("https://") => {
            let url = place.parse().context("openapi is not a URL")?;
            Ok(OpenApiSource::url(url, config.outbound.clone()))
        }
        Some(place) if !Path::new(place).is_file() => bail!("openapi: there is no file {place}"),
        Some(place) => Ok(OpenApiSource::file(place.into())),
        None => {
            let url = format!("{}/openapi.json", upstream.to_string().trim_end_matches('/'));
            Ok(OpenApiSource::guessed(url.parse()?, config.outbound.clone()))
        }
    }
}
