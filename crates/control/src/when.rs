//! Instants as people say them, with the exact one beside it for who wants to know.

use keydesk_model::Timestamp;

/// `<time datetime="iso" title="exact">text</time>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    pub iso: String,
    pub exact: String,
    pub text: String,
}

impl When {
    /// "2 minutes ago", "yesterday", "31 Oct".
    pub fn past(at: Timestamp, now: Timestamp) -> Self {
        let seconds = now.since(at).as_secs();
        let text = match seconds {
            0..45 => "just now".to_owned(),
            45..90 => "a minute ago".to_owned(),
            90..3_600 => format!("{} minutes ago", (seconds + 30) / 60),
            3_600..5_400 => "an hour ago".to_owned(),
            5_400..86_400 => format!("{} hours ago", (seconds + 1_800) / 3_600),
            86_400..172_800 => "yesterday".to_owned(),
            172_800..604_800 => format!("{} days ago", seconds / 86_400),
            _ => day(at, now),
        };
        Self::with(at, text)
    }

    /// "in 6 days", "in 3 hours", "31 Oct 2027".
    pub fn future(at: Timestamp, now: Timestamp) -> Self {
        let seconds = at.since(now).as_secs();
        let text = match seconds {
            0..90 => "in a minute".to_owned(),
            90..5_400 => format!("in {} minutes", (seconds + 30) / 60),
            5_400..172_800 => format!("in {} hours", (seconds + 1_800) / 3_600),
            172_800..2_635_200 => format!("in {} days", (seconds + 43_200) / 86_400),
            _ => day(at, now),
        };
        Self::with(at, text)
    }

    /// "14:05:09 UTC": for moments that are seconds away.
    pub fn clock(at: Timestamp) -> Self {
        Self::with(at, at.calendar().strftime("%H:%M:%S UTC").to_string())
    }

    fn with(at: Timestamp, text: String) -> Self {
        let exact = at.calendar().strftime("%-d %B %Y, %H:%M:%S UTC").to_string();
        Self { iso: at.to_string(), exact, text }
    }
}

/// The day, with the year where it is another one.
fn day(at: Timestamp, now: Timestamp) -> String {
    let same_year =
        at.calendar().strftime("%Y").to_string() == now.calendar().strftime("%Y").to_string();
    at.calendar().strftime(if same_year { "%-d %b" } else { "%-d %b %Y" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_past_is_told_as_people_do() {
        let now = Timestamp::from_micros(1_795_435_200_000_000);
        for (seconds, text) in [
            (0, "just now"),
            (60, "a minute ago"),
            (240, "4 minutes ago"),
            (3_600, "an hour ago"),
            (90_000, "yesterday"),
            (260_000, "3 days ago"),
            (2_000_000, "31 Oct"),
            (40_000_000, "17 Aug 2025"),
        ] {
            assert_eq!(When::past(now.minus(Duration::from_secs(seconds)), now).text, text);
        }
        assert_eq!(When::future(now.plus(Duration::from_hours(144)), now).text, "in 6 days");
        assert_eq!(When::past(now, now).exact, "23 November 2026, 12:00:00 UTC");
    }
}
