//! The long test: real clusters, real faults, and figures for docs/reliability.md. Ends with 0 only if
//! every invariant held.

#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the harness of all tests")]
mod support;

mod durability;
mod faults;
mod feed;
mod figures;
mod limits;
mod many;
mod outage;
mod revocation;

use clap::Parser;
use figures::Report;
use std::process::ExitCode;

#[derive(Debug, Parser)]
struct Args {
    /// A few cycles of each
    #[arg(long)]
    short: bool,
    /// Only the part with this number of the scorecard: R2
    #[arg(long)]
    only: Option<String>,
    /// How many cycles, instead of the usual number
    #[arg(long)]
    cycles: Option<usize>,
    /// What cargo says to benchmarks
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    fn cycles(&self, short: usize, long: usize) -> usize {
        self.cycles.unwrap_or(if self.short { short } else { long })
    }

    fn wants(&self, number: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == number)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let mut report = Report::default();
    if args.wants("R1") {
        revocation::on_one_node(&mut report, args.cycles(120, 10_000)).await;
    }
    if args.wants("R2") {
        revocation::on_three_nodes(&mut report, args.cycles(120, 10_000)).await;
    }
    if args.wants("R3") {
        revocation::while_cut_off(&mut report, args.cycles(6, 1_000)).await;
    }
    if args.wants("R5") {
        durability::kills(&mut report, "SQLite", args.cycles(20, 1_000)).await;
        durability::kills(&mut report, "PostgreSQL", args.cycles(20, 1_000)).await;
    }
    if args.wants("R7") {
        durability::failovers(&mut report, args.cycles(3, 200)).await;
    }
    if args.wants("R8") {
        feed::order_and_lag(&mut report, args.cycles(2_000, 1_000_000)).await;
    }
    if args.wants("R9") {
        revocation::histories(&mut report, args.cycles(20, 10_000)).await;
    }
    if args.wants("R10") {
        outage::for_everybody(&mut report, if args.short { 10 } else { 600 }).await;
    }
    if args.wants("R27") {
        durability::killed_rotations(&mut report, args.cycles(20, 200)).await;
    }
    if args.wants("R28") {
        durability::restores(&mut report, args.cycles(10, 100)).await;
    }
    if args.wants("F6") {
        limits::accuracy(&mut report, if args.short { 5 } else { 20 }).await;
    }
    if args.wants("R29") {
        feed::start_with(&mut report, if args.short { 100_000 } else { 1_000_000 }).await;
    }
    if args.wants("M1") {
        let (count, cycles) = if args.short { (40, 3) } else { (100, 20) };
        many::gateways(&mut report, count, args.cycles.unwrap_or(cycles)).await;
    }
    if args.wants("M2") {
        many::behind(&mut report, args.cycles(100_000, 100_000)).await;
    }
    let wants = |number: &str| args.wants(number);
    faults::all(&mut report, wants, (args.cycles(3, 100), args.cycles(12, 1_000))).await;
    report.end()
}
