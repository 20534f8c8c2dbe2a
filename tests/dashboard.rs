//! The dashboard for Grafana asks for metrics and labels that there are.

use crate::support::raw::Behind;
use serde_json::Value;

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The metrics that a query names.
fn metrics_in(query: &str) -> impl Iterator<Item = &str> {
    query.split(|c| !is_name(c)).filter(|word| word.starts_with("keydesk_"))
}

/// The labels by which a query groups or selects.
fn labels_in(query: &str) -> Vec<&str> {
    let groups = query.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    let selectors = query.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let labels = groups.chain(selectors).flat_map(|list| list.split(','));
    labels.filter_map(|label| label.split(['=', '!']).next()).map(str::trim).collect()
}

#[tokio::test]
async fn every_panel_of_the_dashboard_shows_a_metric_that_there_is() {
    let behind = Behind::start("[observe]\nstatus = \"127.0.0.1:0\"\n").await;
    let metrics = behind.keydesk.status("/metrics").await.1;
    let lines_of = |name: &str| {
        let name = name.to_owned();
        metrics.lines().filter(move |line| line.split(['{', ' ']).next() == Some(name.as_str()))
    };
    let dashboard = include_str!("../docs/grafana/keydesk.json");
    let dashboard: Value = serde_json::from_str(dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let mut count = 0;
    for query in targets.map(|target| target["expr"].as_str().expect("a query")) {
        for name in metrics_in(query) {
            assert!(lines_of(name).next().is_some(), "{name} of {query}");
            for label in labels_in(query) {
                let has = format!("{label}=\"");
                assert!(lines_of(name).any(|line| line.contains(&has)), "{label} of {query}");
            }
            count += 1;
        }
    }
    assert!(count >= 10);
}
