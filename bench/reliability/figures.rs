//! What was counted and measured, and the sentence at the end.

use std::{process::ExitCode, time::Duration};

#[derive(Default)]
pub struct Report {
    lines: Vec<String>,
    violations: usize,
}

impl Report {
    /// `violations`: how often something happened that must never happen.
    pub fn add(&mut self, number: &str, violations: usize, message: &str) {
        self.violations += violations;
        let line = format!("{number}: {message}, {violations} violations");
        println!("{line}");
        self.lines.push(line);
    }

    pub fn end(self) -> ExitCode {
        let held = self.violations == 0 && !self.lines.is_empty();
        let verdict = if held { "every invariant held" } else { "AN INVARIANT WAS BROKEN" };
        println!("{verdict}: {}", self.lines.join("; "));
        if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// `p50 1.2 ms, p99 3.4 ms, max 5.6 ms`
pub fn spread(mut spans: Vec<Duration>) -> String {
    if spans.is_empty() {
        return "nothing measured".to_owned();
    }
    spans.sort_unstable();
    let at = |part: usize| spans[(spans.len() - 1) * part / 100].as_secs_f64() * 1_000.0;
    format!("p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(50), at(99), at(100))
}
