//! Usage by hour and day, in the time zone that the reader chooses.

use crate::{alerts::Gateway, api::Program, world::Console};
use keydesk_model::Timestamp;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn f7_days_begin_at_midnight_of_the_time_zone() {
    let console = Console::start().await;
    let ann = console.owner();
    ann.create_token("CRM", "never").await;
    let token = ann.token_id("CRM").await.parse().expect("an ID");
    // 21:00 UTC is 22:00 in Berlin: two hours of this day, and the rest of the next one.
    let evening = Timestamp::from_micros(1_796_601_600_000_000).plus(21 * HOUR);
    console.pass(evening.since(console.app.now()));
    let mut gateway = Gateway::start(&console).await;
    for _ in 0..4 {
        gateway.hour(&[(token, 10, 0)]).await;
    }
    let ann = console.logged_in("ann@acme.example").await;
    let program = Program::of(&ann, &["usage:read"]).await;
    let days = async |zone: &str| {
        let usage = program.get(&format!("/usage?bucket=day&zone={zone}")).await;
        assert_eq!(usage.status, 200, "{usage:?}");
        let point = |point: &serde_json::Value| {
            (point["at"].as_str().map(str::to_owned), point["requests"].as_u64())
        };
        let points = usage.body["points"].as_array().expect("points").iter().map(point);
        let named = |(at, requests): (Option<String>, Option<u64>)| {
            format!("{} {}", at.unwrap_or_default(), requests.unwrap_or_default())
        };
        (usage.body["zone"].clone(), points.map(named).collect::<Vec<_>>())
    };
    let (zone, points) = days("").await;
    assert_eq!(zone, "UTC");
    assert_eq!(points, ["2026-12-07T00:00:00Z 30", "2026-12-08T00:00:00Z 10"]);
    let (zone, points) = days("europe/berlin").await;
    assert_eq!(zone, "Europe/Berlin");
    assert_eq!(points, ["2026-12-06T23:00:00Z 20", "2026-12-07T23:00:00Z 20"]);
    // A day in India begins at 18:30 UTC: 18:00 to 19:00 belongs to the day before.
    let (_, points) = days("Asia/Kolkata").await;
    assert_eq!(points, ["2026-12-06T18:30:00Z 0", "2026-12-07T18:30:00Z 40"]);
    for (query, code) in [
        ("bucket=day&zone=Mars", "invalid_time_zone"),
        ("bucket=day&zone=Europe/Berlin&from=2026-10-01T00:00:00Z", "invalid_usage_range"),
        ("bucket=month&zone=Europe/Berlin&from=2026-11-08T00:00:00Z", "invalid_usage_range"),
    ] {
        assert_eq!(program.get(&format!("/usage?{query}")).await.code(), code, "{query}");
    }
    let page = ann.get("/usage?range=30d&zone=America/New_York").await.text;
    assert!(page.contains("value=\"America/New_York\""), "{page}");
    assert!(page.contains("group=client&#38;zone=America%2FNew_York"), "links keep it: {page}");
    let page = ann.get("/usage?range=12mo&zone=America/New_York").await.readable();
    assert!(page.contains("Months are in UTC"), "{page}");
    let page = ann.get("/usage?range=30d&zone=Mars").await;
    assert!(page.status == 200 && page.text.contains("name of a time zone"), "{}", page.text);
}
