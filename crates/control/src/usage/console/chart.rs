//! The geometry of a chart: stacked bars of the most used series, a line of the rejected requests, and marks for changes.

use crate::{
    door::{language::text, token_name::token_name},
    usage::{Bucket, Grouping, Series, Usage},
};
use keydesk_model::{OTHER, Tally, Timestamp};

/// The number of series with a color of their own; the others are one.
pub(super) const MOST_SERIES: usize = 6;
pub(crate) const WIDTH: f64 = 960.0;
pub(crate) const HEIGHT: f64 = 220.0;
/// The space for the labels of the axes.
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 8.0;

/// A series in the chart and its legend.
pub(crate) struct Drawn {
    pub label: String,
    pub total: u64,
    /// The number of its color.
    pub color: usize,
}

/// A part of a bar.
pub(crate) struct Part {
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
    pub color: usize,
    /// What the pointer shows, and a screen reader says.
    pub title: String,
}

/// A line across the chart with its value.
pub(crate) struct Tick {
    pub position: String,
    pub label: String,
}

pub(crate) struct Chart {
    pub series: Vec<Drawn>,
    pub parts: Vec<Part>,
    pub ticks: Vec<Tick>,
    /// The labels of the time axis.
    pub times: Vec<Tick>,
    /// The points of the line of rejected requests, if there are any.
    pub rejected: Option<String>,
    pub would_reject: Option<String>,
    /// The numbers of the marked changes.
    pub marks: Vec<Tick>,
}

impl Chart {
    pub fn of(usage: &Usage, grouping: Grouping) -> Self {
        let time = |place: usize| bucket_name(usage, place);
        let drawn = drawn(usage, |one| series_name(one, grouping));
        let highest = usage.points.iter().map(|point| point.requests).max().unwrap_or_default();
        let scale = Scale::to(highest, usage.points.len());
        let mut parts = Vec::new();
        for place in 0..usage.points.len() {
            let mut below = 0;
            for (color, (label, points)) in drawn.iter().enumerate() {
                let requests = points[place].requests;
                if requests == 0 {
                    continue;
                }
                let (bottom, top) = (scale.y(below), scale.y(below + requests));
                below += requests;
                let title = text("usage-bar").with("at", time(place)).with("label", label);
                parts.push(Part {
                    x: number(scale.x(place) + scale.step * 0.1),
                    y: number(top),
                    width: number(scale.step * 0.8),
                    height: number((bottom - top).max(0.5)),
                    color,
                    title: title.with("requests", requests).to_string(),
                });
            }
        }
        let line = |count: fn(&Tally) -> u64| {
            let points: Vec<_> = usage.points.iter().map(count).collect();
            let points = points.iter().any(|count| *count > 0).then_some(points)?;
            let points = points.iter().enumerate().map(|(place, count)| {
                let x = scale.x(place) + scale.step / 2.0;
                format!("{},{}", number(x), number(scale.y(*count)))
            });
            Some(points.collect::<Vec<_>>().join(" "))
        };
        let every = usage.points.len().div_ceil(8).max(1);
        let times = (0..usage.points.len()).step_by(every).map(|place| Tick {
            position: number(scale.x(place) + scale.step / 2.0),
            label: time(place),
        });
        let series = drawn.iter().enumerate().map(|(color, (label, points))| {
            let total = points.iter().map(|point| point.requests).sum();
            Drawn { label: label.clone(), total, color }
        });
        Self {
            series: series.collect(),
            parts,
            ticks: scale.ticks(),
            times: times.collect(),
            rejected: line(|tally| tally.rejected),
            would_reject: line(|tally| tally.would_reject),
            marks: Vec::new(),
        }
    }

    /// Marks instants on the time axis. They are numbered in the order of the list.
    pub fn with_marks(self, usage: &Usage, at: impl IntoIterator<Item = Timestamp>) -> Self {
        let scale = Scale::to(0, usage.buckets.len());
        let ends = usage.buckets.iter().skip(1).copied().chain([usage.until]);
        let spans: Vec<_> = usage.buckets.iter().copied().zip(ends).collect();
        let marks = at.into_iter().enumerate().filter_map(|(index, at)| {
            let place = spans.iter().position(|(start, end)| (*start..*end).contains(&at))?;
            let (start, end) = spans[place];
            let share = at.since(start).as_secs_f64() / end.since(start).as_secs_f64();
            Some((scale.x(place) + scale.step * share, index + 1))
        });
        Self { marks: together(marks), ..self }
    }
}

/// The least distance of two marks, so that their numbers can be read.
const MARK_WIDTH: f64 = 22.0;

/// Returns marks of these positions and numbers, where those that are close to each other are one.
fn together(marks: impl Iterator<Item = (f64, usize)>) -> Vec<Tick> {
    let mut groups: Vec<(f64, usize, usize)> = Vec::new();
    for (x, index) in marks {
        match groups.last_mut().filter(|last| (last.0 - x).abs() < MARK_WIDTH) {
            Some(last) => last.2 = index,
            None => groups.push((x, index, index)),
        }
    }
    let mark = |(x, first, last): (f64, usize, usize)| {
        let label = if first == last { first.to_string() } else { format!("{first}–{last}") };
        Tick { position: number(x), label }
    };
    groups.into_iter().map(mark).collect()
}

/// Returns the name of a series.
pub(super) fn series_name(one: &Series, grouping: Grouping) -> String {
    match (one.key.as_str(), grouping) {
        (OTHER, _) => text("usage-other").to_string(),
        ("", Grouping::Token) => text("usage-no-token").to_string(),
        ("", Grouping::Operation) => text("usage-no-operation").to_string(),
        _ => one.token.as_ref().map_or_else(|| one.key.clone(), token_name),
    }
}

/// Returns, for example, "Nov 25, 14:00" or "Nov 25", in the time zone of the chart.
pub(super) fn bucket_name(usage: &Usage, place: usize) -> String {
    let at = usage.buckets[place].calendar().to_zoned(usage.zone.clone());
    let month = text(&format!("month-short-{}", at.month())).to_string();
    let named = |id: &str| {
        let month = month.as_str();
        text(id).with("day", at.day()).with("month", month).with("year", at.year()).to_string()
    };
    match usage.bucket {
        Bucket::Hour => format!("{} {}", named("when-day"), at.strftime("%H:%M")),
        Bucket::Day => named("when-day"),
        Bucket::Month => named("usage-month"),
    }
}

/// Small bars of a token's requests over time, without axes.
pub(crate) struct Sparkline {
    /// The shape of all bars.
    pub path: String,
    pub total: u64,
}

impl Sparkline {
    pub const WIDTH: f64 = 90.0;
    pub const HEIGHT: f64 = 22.0;

    #[expect(clippy::cast_precision_loss, reason = "a position on the screen")]
    pub fn of(points: impl Iterator<Item = u64>) -> Self {
        let points: Vec<_> = points.collect();
        let highest = points.iter().copied().max().unwrap_or(0).max(1);
        let step = Self::WIDTH / points.len().max(1) as f64;
        let bars = points.iter().enumerate().filter(|(_, requests)| **requests > 0);
        let bars = bars.map(|(place, requests)| {
            let height = (Self::HEIGHT * *requests as f64 / highest as f64).max(1.0);
            let (x, y) = (number(step * place as f64), number(Self::HEIGHT - height));
            format!(
                "M{x} {y}h{width}v{height}h-{width}z",
                width = number(step * 0.7),
                height = number(height)
            )
        });
        Self { path: bars.collect(), total: points.iter().sum() }
    }
}

/// Returns the series that are drawn: the most used ones, and all others as one.
fn drawn(usage: &Usage, name: impl Fn(&Series) -> String) -> Vec<(String, Vec<Tally>)> {
    let is_other = |one: &&Series| one.key == OTHER;
    let own: Vec<_> = usage.series.iter().filter(|one| !is_other(one)).collect();
    let shown = own.len().min(MOST_SERIES);
    let mut drawn: Vec<_> =
        own[..shown].iter().map(|one| (name(one), one.points.clone())).collect();
    let mut rest = vec![Tally::default(); usage.points.len()];
    for one in own[shown..].iter().copied().chain(usage.series.iter().filter(is_other)) {
        for (all, point) in rest.iter_mut().zip(&one.points) {
            all.merge(point);
        }
    }
    if rest.iter().any(|point| point.requests > 0) {
        drawn.push((text("usage-other").to_string(), rest));
    }
    drawn
}

struct Scale {
    highest: u64,
    /// The width of a bar with its space.
    step: f64,
}

#[expect(clippy::cast_precision_loss, reason = "a position on the screen")]
impl Scale {
    /// Up to a round number that is not below the highest count.
    fn to(highest: u64, count: usize) -> Self {
        let rounds =
            (0..18).flat_map(|power| [10, 20, 25, 50].map(|first| first * 10u64.pow(power)));
        let round = rounds.into_iter().find(|round| *round >= highest).unwrap_or(u64::MAX);
        Self { highest: round, step: (WIDTH - LEFT) / count.max(1) as f64 }
    }

    fn x(&self, place: usize) -> f64 {
        LEFT + self.step * place as f64
    }

    fn y(&self, count: u64) -> f64 {
        let height = HEIGHT - BOTTOM - TOP;
        TOP + height * (1.0 - count as f64 / self.highest as f64)
    }

    fn ticks(&self) -> Vec<Tick> {
        let counts = [0, self.highest / 2, self.highest];
        let tick = |count: u64| Tick { position: number(self.y(count)), label: short(count) };
        counts.map(tick).into()
    }
}

/// Returns a count as the axis shows it: 950, 1.5k, 20M.
fn short(count: u64) -> String {
    let with = |unit: u64, letter: &str| {
        let (whole, tenth) = (count / unit, count % unit * 10 / unit);
        if tenth == 0 { format!("{whole}{letter}") } else { format!("{whole}.{tenth}{letter}") }
    };
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => with(1_000, "k"),
        _ => with(1_000_000, "M"),
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_are_close_are_one() {
        let marks = [(900.0, 1), (899.0, 2), (890.0, 3), (400.0, 4)].into_iter();
        let labels: Vec<_> = together(marks).into_iter().map(|mark| mark.label).collect();
        assert_eq!(labels, ["1–3", "4"]);
    }

    #[test]
    fn the_axis_ends_at_a_round_number_that_is_high_enough() {
        let highest = |count| Scale::to(count, 24).highest;
        assert_eq!(
            [0, 10, 11, 21, 60, 999, 1_000].map(highest),
            [10, 10, 20, 25, 100, 1_000, 1_000]
        );
        assert_eq!(highest(2_234_567), 2_500_000);
        assert_eq!([950, 1_500, 20_000, 2_000_000].map(short), ["950", "1.5k", "20k", "2M"]);
    }
}
