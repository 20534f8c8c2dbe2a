//! The states of secrets, given their digests.

use super::connection::{Connection, unexpected};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The maximum number of digests in one request.
const MOST: usize = 500;

/// Asks a console for the state of each secret with these SHA-256 digests, in hexadecimal.
pub async fn check_secrets(
    url: Option<&str>,
    profile: Option<&str>,
    digests: &[String],
) -> anyhow::Result<HashMap<String, String>> {
    let connection = Connection::open_without_key(url, profile)?;
    let mut states = HashMap::new();
    for digests in digests.chunks(MOST) {
        let body = json!({ "digests": digests });
        let answer = connection.post_json("/secret-scanning/check", &body).await?;
        let Some(secrets) = answer["secrets"].as_array() else {
            return Err(unexpected("the console has not answered with the states").into());
        };
        let text = |secret: &Value, name: &str| secret[name].as_str().map(str::to_owned);
        states.extend(
            secrets.iter().filter_map(|one| Some((text(one, "digest")?, text(one, "state")?))),
        );
    }
    Ok(states)
}
