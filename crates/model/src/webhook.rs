//! Webhooks: which events an endpoint receives, when a delivery is repeated, and when an endpoint is disabled.

use crate::{Event, text_form::text_form};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

/// The delays between the attempts of a delivery, as Standard Webhooks 1.0.0 proposes them: 75 hours in all.
const DELAYS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// The longest time that a receiver can postpone a delivery for.
pub const LONGEST_DELAY: Duration = Duration::from_hours(24);
/// The time without a successful delivery after which an endpoint is disabled.
pub const FAILING_FOR: Duration = Duration::from_hours(120);

/// Returns the delay after this number of failed attempts, changed by up to a tenth: `chance` is any byte. Returns `None`
/// after the last attempt.
pub fn retry_delay(attempts: i64, chance: u8) -> Option<Duration> {
    let at = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let tenth = *DELAYS.get(at)? / 10;
    Some(tenth * 9 + tenth * 2 * u32::from(chance) / u32::from(u8::MAX))
}

/// The type of the event that every audit entry is, in addition to its own type. `*` doesn't include it.
pub const AUDIT_RECORDED: &str = "audit.recorded";

/// Whether an endpoint receives events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookState {
    Active,
    /// Events wait until the endpoint is resumed.
    Paused,
    /// The endpoint receives no more events.
    Disabled,
}

text_form!(WebhookState, () = (), {
    Active = "active",
    Paused = "paused",
    Disabled = "disabled",
});

/// Why Keydesk disabled an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// It responded with 410 Gone.
    Gone,
    /// No delivery has succeeded for five days.
    Failing,
}

text_form!(DisabledReason, () = (), {
    Gone = "gone",
    Failing = "failing",
});

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// The next attempt has a time.
    Pending,
    Succeeded,
    Failed,
}

text_form!(DeliveryState, () = (), {
    Pending = "pending",
    Succeeded = "succeeded",
    Failed = "failed",
});

/// The events that an endpoint receives: names such as `token.revoked`, areas such as `token.*`, or `*` for all. Displayed
/// in order, separated by one space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter(BTreeSet<String>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventFilterError {
    #[error("choose at least one event type")]
    Empty,
    #[error("there is no event type {0}")]
    Unknown(String),
}

/// Returns the area of an event: `token` for `token.revoked`.
fn area_of(event: &str) -> &str {
    event.split_once('.').map_or(event, |(area, _)| area)
}

/// Returns whether a pattern matches at least one event that Keydesk records.
fn is_known(pattern: &str) -> bool {
    match pattern.strip_suffix(".*") {
        _ if pattern == "*" => true,
        Some(area) => Event::NAMES.iter().any(|name| area_of(name) == area),
        None => pattern == AUDIT_RECORDED || Event::NAMES.contains(&pattern),
    }
}

impl EventFilter {
    pub fn all() -> Self {
        Self(BTreeSet::from(["*".to_owned()]))
    }

    /// # Errors
    ///
    /// If there is no pattern, or one that matches no event.
    pub fn new<S: Into<String>>(
        patterns: impl IntoIterator<Item = S>,
    ) -> Result<Self, EventFilterError> {
        let patterns: BTreeSet<String> = patterns.into_iter().map(Into::into).collect();
        if let Some(unknown) = patterns.iter().find(|pattern| !is_known(pattern)) {
            return Err(EventFilterError::Unknown(unknown.chars().take(80).collect()));
        }
        if patterns.is_empty() { Err(EventFilterError::Empty) } else { Ok(Self(patterns)) }
    }

    pub fn matches(&self, event: &str) -> bool {
        self.0.contains("*")
            || self.0.contains(event)
            || self.0.contains(format!("{}.*", area_of(event)).as_str())
    }

    /// Returns whether the endpoint receives audit entries with their details.
    pub fn has_audit_entries(&self) -> bool {
        self.0.contains(AUDIT_RECORDED)
    }

    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for EventFilter {
    type Err = EventFilterError;

    /// Reads a stored filter, whose names another release may have known.
    fn from_str(text: &str) -> Result<Self, EventFilterError> {
        let patterns: BTreeSet<_> = text.split_ascii_whitespace().map(str::to_owned).collect();
        if patterns.is_empty() { Err(EventFilterError::Empty) } else { Ok(Self(patterns)) }
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.patterns().collect::<Vec<_>>().join(" "))
    }
}

impl Serialize for EventFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.patterns())
    }
}

impl<'de> Deserialize<'de> for EventFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeSet::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_repeated_for_about_three_days() {
        let delays: Vec<_> = (1..).map_while(|attempts| retry_delay(attempts, 128)).collect();
        assert_eq!(delays.len(), 9);
        let hours = delays.iter().sum::<Duration>().as_secs_f64() / 3600.0;
        assert!((75.0..76.5).contains(&hours), "{hours}");
        assert_eq!(retry_delay(0, 0), None);
    }

    #[test]
    fn a_delay_differs_by_up_to_a_tenth() {
        assert_eq!(retry_delay(2, 0), Some(Duration::from_secs(270)));
        assert_eq!(retry_delay(2, u8::MAX), Some(Duration::from_secs(330)));
    }

    #[test]
    fn a_filter_matches_names_and_areas() {
        let filter = EventFilter::new(["token.revoked", "member.*"]).expect("a filter");
        assert!(filter.matches("token.revoked") && filter.matches("member.removed"));
        assert!(!filter.matches("token.created") && !filter.matches("members.removed"));
        assert_eq!(filter.to_string(), "member.* token.revoked");
        assert_eq!(filter.to_string().parse(), Ok(filter));
        assert!(EventFilter::all().matches("token.created"));
        assert!(!EventFilter::all().has_audit_entries());
        let both = EventFilter::new(["*", AUDIT_RECORDED]).expect("a filter");
        assert!(both.has_audit_entries() && both.matches("token.created"));
    }

    #[test]
    fn a_filter_for_no_event_is_refused() {
        assert_eq!(EventFilter::new(Vec::<String>::new()), Err(EventFilterError::Empty));
        for unknown in ["token", "token.painted", "tok.*", "**", "token.revoked.*", ""] {
            assert_eq!(
                EventFilter::new([unknown]),
                Err(EventFilterError::Unknown(unknown.to_owned())),
                "{unknown}"
            );
        }
    }
}
