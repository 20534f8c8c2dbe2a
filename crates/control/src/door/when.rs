//! Instants in relative or short form, with the exact time as a tooltip.

use crate::door::language::text;
use jiff::tz::TimeZone;
use keydesk_model::Timestamp;
use std::fmt;

/// `<time datetime="iso" title="exact">text</time>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    pub iso: String,
    pub exact: String,
    pub text: String,
    /// The format that the page's script applies in the user's time zone, or `None` if the text doesn't depend on the
    /// zone.
    pub form: Option<&'static str>,
}

impl When {
    /// Returns, for example, "2 minutes ago", "yesterday", or "Oct 31".
    pub fn past(at: Timestamp, now: Timestamp) -> Self {
        let seconds = now.since(at).as_secs();
        let text = match seconds {
            0..45 => text("when-now").to_string(),
            45..3_600 => ago("when-minutes-ago", (seconds + 30) / 60),
            3_600..86_400 => ago("when-hours-ago", (seconds + 1_800) / 3_600),
            86_400..172_800 => text("when-yesterday").to_string(),
            172_800..604_800 => ago("when-days-ago", seconds / 86_400),
            _ => return Self::day(at, now),
        };
        Self::with(at, text, None)
    }

    /// Returns, for example, "in 6 days", "in 3 hours", or "31 Oct 2027". An end at midnight is the end of the day
    /// before and is shown as that day in every time zone.
    pub fn future(at: Timestamp, now: Timestamp) -> Self {
        let last_day = last_day(at);
        let seconds = at.since(now).as_secs();
        let text = match seconds {
            0..5_400 => ago("when-in-minutes", (seconds.max(60) + 30) / 60),
            5_400..172_800 => ago("when-in-hours", (seconds + 1_800) / 3_600),
            172_800..2_635_200 => ago("when-in-days", (seconds + 43_200) / 86_400),
            _ => match last_day {
                Some(day) => Self::day(day, now).text,
                None => return Self::day(at, now),
            },
        };
        match last_day {
            Some(_) => Self { exact: Self::exact(at), ..Self::with(at, text, None) },
            None => Self::with(at, text, None),
        }
    }

    /// Returns the last day of something that ends at an instant, such as "Mar 1, 2027".
    pub fn last_day(at: Timestamp, now: Timestamp) -> String {
        Self::day(last_day(at).unwrap_or(at), now).text
    }

    /// Returns the HTML element for use within a sentence.
    pub fn element(&self) -> Element<'_> {
        Element(self)
    }

    /// Returns, for example, "14:05:09 UTC", for instants that are seconds away.
    pub fn clock(at: Timestamp) -> Self {
        Self::with(at, at.calendar().strftime("%H:%M:%S UTC").to_string(), Some("clock"))
    }

    /// Returns the day, with the year unless it is the current one.
    fn day(at: Timestamp, now: Timestamp) -> Self {
        let [day, today] = [at, now].map(|at| at.calendar().to_zoned(TimeZone::UTC));
        let (id, form) = if day.year() == today.year() {
            ("when-day", "day")
        } else {
            ("when-day-of-year", "day-of-year")
        };
        let text = text(id)
            .with("day", day.day())
            .with("month", text(&format!("month-short-{}", day.month())))
            .with("year", day.year());
        Self::with(at, text.to_string(), Some(form))
    }

    /// Returns, for example, "November 25, 2026, 12:00:00 UTC", for email, which may be read much later.
    pub fn exact(at: Timestamp) -> String {
        match last_day(at) {
            Some(day) => Self::clock(day).exact.replace("23:59:59", "24:00:00"),
            None => Self::clock(at).exact,
        }
    }

    fn with(at: Timestamp, relative: String, form: Option<&'static str>) -> Self {
        let calendar = at.calendar().to_zoned(TimeZone::UTC);
        let exact = text("when-exact")
            .with("day", calendar.day())
            .with("month", text(&format!("month-{}", calendar.month())))
            .with("year", calendar.year())
            .with("time", calendar.strftime("%H:%M:%S"))
            .to_string();
        Self { iso: at.to_string(), exact, text: relative, form }
    }
}

/// The HTML element of an instant. It needs no escaping, because it contains only digits and our own messages.
pub(crate) struct Element<'a>(&'a When);

impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let When { iso, exact, text, form } = self.0;
        write!(f, "<time datetime=\"{iso}\" title=\"{exact}\"")?;
        if let Some(form) = form {
            write!(f, " data-form=\"{form}\"")?;
        }
        write!(f, ">{text}</time>")
    }
}

impl askama::filters::HtmlSafe for Element<'_> {}

/// Returns an instant on the last day if the end is at midnight UTC.
fn last_day(at: Timestamp) -> Option<Timestamp> {
    const DAY: i64 = 86_400_000_000;
    (at.as_micros() % DAY == 0).then(|| Timestamp::from_micros(at.as_micros() - 1))
}

fn ago(id: &str, count: u64) -> String {
    text(id).count("n", count).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_end_of_a_day_is_told_as_that_day() {
        let at = |text: &str| {
            let instant: jiff::Timestamp = text.parse().expect("RFC 3339");
            Timestamp::from_micros(instant.as_microsecond())
        };
        let end = When::future(at("2028-01-01T00:00:00Z"), at("2026-11-29T12:00:00Z"));
        assert_eq!((end.text.as_str(), end.form), ("Dec 31, 2027", None));
        assert_eq!(end.exact, "December 31, 2027, 24:00:00 UTC");
        assert!(end.iso.starts_with("2028-01-01T00:00:00"));
        let other = When::future(at("2028-01-01T00:00:01Z"), at("2026-11-29T12:00:00Z"));
        assert_eq!((other.text.as_str(), other.form), ("Jan 1, 2028", Some("day-of-year")));
    }

    #[test]
    fn the_past_is_told_as_users_do() {
        let now = Timestamp::from_micros(1_795_435_200_000_000);
        for (seconds, text) in [
            (0, "just now"),
            (60, "1 minute ago"),
            (240, "4 minutes ago"),
            (3_600, "1 hour ago"),
            (90_000, "yesterday"),
            (260_000, "3 days ago"),
            (2_000_000, "Oct 31"),
            (40_000_000, "Aug 17, 2025"),
        ] {
            assert_eq!(When::past(now.minus(Duration::from_secs(seconds)), now).text, text);
        }
        assert_eq!(When::future(now.plus(Duration::from_hours(144)), now).text, "in 6 days");
        assert_eq!(When::past(now, now).exact, "November 23, 2026, 12:00:00 UTC");
    }
}
