//! SIGHUP: reads the configuration again, and says which of its changes need a restart. The access log is reopened, and
//! certificates are read again whenever their files change.

use crate::{
    config::{Config, Options},
    service_manager,
};
use std::collections::{BTreeMap, BTreeSet};
use tokio::signal::unix::{SignalKind, signal};

/// Answers each SIGHUP for as long as the process runs.
pub fn start(options: Options) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut signals = signal(SignalKind::hangup())?;
    let running = Config::settings(&options)?;
    Ok(tokio::spawn(async move {
        while signals.recv().await.is_some() {
            service_manager::reloading();
            reload(&options, &running);
            service_manager::ready();
        }
    }))
}

/// Checks the configuration and compares it with the one that the process runs with.
fn reload(options: &Options, running: &BTreeMap<String, String>) {
    let read = Config::read(options).and_then(|_| Config::settings(options));
    match read {
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(
                error,
                "the configuration is invalid; the process keeps the one that it started with"
            );
        }
        Ok(now) => {
            let changed = changes(running, &now);
            if changed.is_empty() {
                tracing::info!("reopened the access log; the configuration hasn't changed");
            } else {
                let settings = changed.into_iter().collect::<Vec<_>>().join(", ");
                tracing::warn!(settings, "reopened the access log; these settings need a restart");
            }
        }
    }
}

/// Returns the names of the settings that differ.
fn changes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_was_added_changed_or_removed_is_named() {
        let settings = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let before = settings(&[("upstream", "a"), ("limits.max_headers", "100"), ("data", "x")]);
        let after = settings(&[("upstream", "b"), ("data", "x"), ("plan.0.name", "free")]);
        let changed: Vec<_> = changes(&before, &after).into_iter().collect();
        assert_eq!(changed, ["limits.max_headers", "plan.0.name", "upstream"]);
        assert!(changes(&before, &before).is_empty());
    }
}
