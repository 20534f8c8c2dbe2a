//! The `keydesk` executable: reads the command line and the configuration, and runs the command.

/// Writes a line to standard output, ignoring errors such as a closed pipe.
macro_rules! print_line {
    ($($words:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod account;
mod acme;
mod audit;
mod background;
mod backup;
mod cli;
mod config;
mod console;
mod data;
mod doctor;
mod documentation;
mod documents;
mod envoy;
mod feedback;
mod hardening;
mod health;
mod key;
mod mail;
mod node;
mod operations;
mod operator;
mod process_environment;
mod receipt;
mod records;
mod reload;
mod remote;
mod scan;
mod self_service;
mod serve;
mod service_manager;
mod serving;
mod setup;
mod shutdown;
mod sockets;
mod status;
mod tls;
mod user;

use keydesk_control::{Refusal, english};
use std::process::ExitCode;

/// Faster than the system's allocator, and returns memory to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    hardening::keep_secrets_out_of_dumps();
    hardening::keep_files_private();
    hardening::allow_many_connections();
    let cli = cli::Cli::read();
    match Box::pin(cli::run(cli)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(scan) = error.downcast_ref::<scan::ScanError>() {
                return end_of_scan(scan);
            }
            eprintln!("error: {}", describe(&error));
            let remote = error.downcast_ref::<remote::RemoteError>();
            remote.map_or(ExitCode::FAILURE, |remote| ExitCode::from(remote.exit_status()))
        }
    }
}

/// Returns the exit status of a scan that found tokens, which it has printed, or that failed.
fn end_of_scan(error: &scan::ScanError) -> ExitCode {
    if let scan::ScanError::Failed(error) = error {
        eprintln!("error: {}", describe(error));
    }
    ExitCode::from(error.exit_status())
}

/// Returns the error and its causes without repetition. A rejection is described by its text.
fn describe(error: &anyhow::Error) -> String {
    let mut causes = error.chain().map(|cause| match cause.downcast_ref::<Refusal>() {
        Some(refusal) => {
            let field = refusal.field().map(|field| format!("{field}: ")).unwrap_or_default();
            field + &english(refusal)
        }
        None => cause.to_string(),
    });
    let first = causes.next().unwrap_or_default();
    causes.fold(
        first,
        |text, cause| {
            if text.contains(&cause) { text } else { format!("{text}: {cause}") }
        },
    )
}
