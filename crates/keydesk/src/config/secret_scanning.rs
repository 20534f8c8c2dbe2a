//! The services that report leaked secrets: GitHub, GitLab, and a self-managed GitLab.

use super::{
    file::{FileSecretScanning, Located, Source},
    operation::read_secret,
};
use anyhow::bail;
use keydesk_control::{KeySource, PartnerToken, SecretScanning};
use std::path::Path;

/// Where GitHub publishes the keys of its reports.
const GITHUB_KEYS: &str = "https://api.github.com/meta/public_keys/secret_scanning";
/// The minimum length of the token that the operator shares with their GitLab.
const SHORTEST: usize = 24;

pub fn secret_scanning(
    source: &Source,
    file: &FileSecretScanning,
) -> anyhow::Result<SecretScanning> {
    let url = |key, value| source.given(key, value);
    let github_url = file.github_keys_url.as_ref();
    let github_url = github_url.map(|value| url("secret_scanning.github_keys_url", value));
    let github_token =
        token("secret_scanning.github_token_file", file.github_token_file.as_deref())?;
    let is_enabled = file.github.unwrap_or(false);
    if !is_enabled && (github_url.is_some() || github_token.is_some()) {
        bail!("secret_scanning: github_keys_url and github_token_file require github = true");
    }
    let github_url = github_url.map_or_else(|| Ok(GITHUB_KEYS.to_owned()), keys_url)?;
    let gitlab_url = file.gitlab_keys_url.as_ref();
    let gitlab_url = gitlab_url.map(|value| url("secret_scanning.gitlab_keys_url", value));
    let key = "secret_scanning.gitlab_revocation_token_file";
    let path = file.gitlab_revocation_token_file.as_deref();
    if let Some(path) = path
        && read_secret(key, path)?.len() < SHORTEST
    {
        bail!(
            "{key}: the token is too short; use {SHORTEST} characters or more, for example from “openssl rand -hex 24”"
        );
    }
    let gitlab_url = gitlab_url.map(keys_url).transpose()?;
    Ok(SecretScanning {
        github: is_enabled.then_some(KeySource { url: github_url, token: github_token }),
        gitlab: gitlab_url.map(|url| KeySource { url, token: None }),
        gitlab_revocation: token(key, path)?,
    })
}

/// Reads the URL of published keys. Over plain HTTP, anyone in between could publish their own.
fn keys_url(given: Located) -> anyhow::Result<String> {
    let url = given.text.parse::<http::Uri>().ok();
    let host = url.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let scheme = url.as_ref().and_then(http::Uri::scheme_str).unwrap_or_default();
    let is_loopback = host
        .trim_matches(['[', ']'])
        .parse()
        .is_ok_and(|addr: std::net::IpAddr| addr.is_loopback());
    if host.is_empty() || !(scheme == "https" || scheme == "http" && is_loopback) {
        return Err(given.wrong("a URL that begins with https://"));
    }
    Ok(given.text)
}

fn token(key: &str, path: Option<&Path>) -> anyhow::Result<Option<PartnerToken>> {
    let Some(path) = path else { return Ok(None) };
    let text = read_secret(key, path)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("{key}: {} must contain one token and nothing else", path.display());
    }
    Ok(Some(PartnerToken::new(text)))
}
