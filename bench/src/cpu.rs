//! CPU time and memory of other processes, from `/proc`.

use anyhow::Context;

/// User and system time of a process and all its threads so far, in microseconds. The kernel
/// counts in hundredths of a second, so a measurement must last seconds.
pub fn used_us(process: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))
        .context("the process has ended")?;
    // The name may hold spaces; what follows it does not.
    let (_, fields) = stat.rsplit_once(')').context("/proc is not as expected")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: u32 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u32>().ok()).sum();
    Ok(f64::from(ticks) * 10_000.0)
}

/// Resident memory in MB.
pub fn rss_mb(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kilobytes / 1024.0)
}

/// The process and its children.
pub fn family(process: u32) -> anyhow::Result<Vec<u32>> {
    let mut family = vec![process];
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, fields)| fields.split_whitespace().nth(1)?.parse().ok());
        if let (Some(child), true) =
            (entry.file_name().to_string_lossy().parse().ok(), parent == Some(process))
        {
            family.push(child);
        }
    }
    Ok(family)
}
