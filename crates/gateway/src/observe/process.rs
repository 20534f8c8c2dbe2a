//! Process metrics from the operating system, under the names that Prometheus' client libraries use.

use std::fmt::Write;

/// The unit of processor time on Linux, the same on every machine (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
const KIBIBYTE: f64 = 1024.0;

/// Appends the metrics that `/proc/self` provides. Other systems provide none.
pub(super) fn render(out: &mut String) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in parentheses, which may contain spaces.
    let fields: Vec<f64> = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let processor =
        field(14).zip(field(15)).map(|(user, system)| (user + system) / TICKS_PER_SECOND);
    let since_boot = field(22).map(|ticks| ticks / TICKS_PER_SECOND);
    let started = boot_time().zip(since_boot).map(|(boot, seconds)| boot + seconds);
    let open = std::fs::read_dir("/proc/self/fd").map(Iterator::count).ok();
    let open = open.and_then(|count| u32::try_from(count).ok()).map(f64::from);
    for (name, kind, help, value) in [
        ("cpu_seconds_total", "counter", "Processor time, user and system.", processor),
        ("resident_memory_bytes", "gauge", "Memory in use.", resident()),
        ("virtual_memory_bytes", "gauge", "Memory in address space.", field(23)),
        ("start_time_seconds", "gauge", "When the process started, in Unix time.", started),
        ("threads", "gauge", "Threads of the operating system.", field(20)),
        ("open_fds", "gauge", "Open file descriptors.", open),
        ("max_fds", "gauge", "How many may be open.", most_files()),
    ] {
        if let Some(value) = value {
            let _ = write!(
                out,
                "# HELP process_{name} {help}\n# TYPE process_{name} {kind}\nprocess_{name} {value}\n"
            );
        }
    }
}

fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * KIBIBYTE)
}

fn boot_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn most_files() -> Option<f64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
