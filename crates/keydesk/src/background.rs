//! Background jobs that a process runs on a schedule, in one table that `/status` shows. Heartbeats and the change
//! feed are in `crates/node`, certificates in `tls.rs`.

use keydesk_model::{Clock, Timestamp};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;

/// A job in the table.
pub struct Job {
    pub name: &'static str,
    pub period: Duration,
    pub needs: &'static str,
    /// Whether the job runs when the process starts, or one period later.
    runs_at_start: bool,
}

pub const OPERATION_RULES: Job = Job {
    name: "operation_rules",
    period: Duration::from_secs(2),
    needs: "a console, the database, and the OpenAPI documents",
    runs_at_start: true,
};
/// Records that deadlines have passed, which gateways enforce by the clock.
pub const DEADLINES: Job = Job {
    name: "grace_periods_and_closed_accounts",
    period: Duration::from_secs(2),
    needs: "a console, the database, and a clock that agrees with it",
    runs_at_start: false,
};
pub const REMINDERS: Job = Job {
    name: "expiration_reminders",
    period: Duration::from_mins(1),
    needs: "a console and the database",
    runs_at_start: true,
};
pub const REQUESTS: Job = Job {
    name: "finished_api_requests",
    period: Duration::from_hours(1),
    needs: "a console and the database",
    runs_at_start: true,
};
pub const MAIL: Job = Job {
    name: "mail",
    period: Duration::from_secs(5),
    needs: "a console, the database, and the mail server",
    runs_at_start: true,
};
pub const WEBHOOKS: Job = Job {
    name: "webhooks",
    period: Duration::from_secs(1),
    needs: "a console, the database, and the servers of the webhooks",
    runs_at_start: true,
};
pub const AUDIT: Job = Job {
    name: "audit_forwarding",
    period: Duration::from_secs(1),
    needs: "a console, the database, and the file or the syslog server",
    runs_at_start: true,
};
pub const CANARIES: Job = Job {
    name: "canary_alarms",
    period: Duration::from_secs(1),
    needs: "a console and the database",
    runs_at_start: true,
};
/// Records what happened without a change: expirations, first uses, rejected requests, quotas.
pub const NOTICES: Job = Job {
    name: "notices",
    period: Duration::from_secs(5),
    needs: "a console and the database",
    runs_at_start: true,
};
/// Adds up the use of tokens, and deletes old requests from the log.
pub const ROLLUP: Job = Job {
    name: "usage_rollups",
    period: Duration::from_secs(30),
    needs: "a console and the database",
    runs_at_start: true,
};
/// Notes changes of the API's OpenAPI document.
pub const API_VERSIONS: Job = Job {
    name: "api_versions",
    period: Duration::from_mins(1),
    needs: "a console, the database, and an OpenAPI document",
    runs_at_start: true,
};
/// Finds unusual use of tokens.
pub const ALERTS: Job = Job {
    name: "alerts",
    period: Duration::from_mins(1),
    needs: "a console and the database",
    runs_at_start: false,
};
pub const USAGE: Job = Job {
    name: "usage_reports",
    period: Duration::from_secs(1),
    needs: "a gateway and the database",
    runs_at_start: false,
};

/// The periodic work of a job.
pub trait Work: Send + 'static {
    /// Runs the work once. An error is shown in `/status` until the next run.
    fn run(&mut self) -> impl Future<Output = Result<(), String>> + Send;

    /// Waits until there is work before the period is over.
    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

struct Row {
    job: &'static Job,
    last_run: Option<Timestamp>,
    error: Option<String>,
}

/// The jobs of this process.
#[derive(Clone)]
pub struct Background {
    clock: Clock,
    rows: Arc<Mutex<Vec<Row>>>,
}

impl Background {
    pub fn new(clock: Clock) -> Self {
        Self { clock, rows: Arc::default() }
    }

    /// Starts a job, which runs until it is aborted.
    pub fn start(&self, job: &'static Job, mut work: impl Work) -> JoinHandle<()> {
        let (row, background) = (self.add(job), self.clone());
        tokio::spawn(async move {
            if !job.runs_at_start {
                tokio::time::sleep(job.period).await;
            }
            loop {
                let result = work.run().await;
                background.note(row, result);
                tokio::select! {
                    () = tokio::time::sleep(job.period) => {}
                    () = work.woken() => {}
                }
            }
        })
    }

    /// Adds a job with a loop of its own, and returns its row.
    pub fn add(&self, job: &'static Job) -> usize {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push(Row { job, last_run: None, error: None });
        rows.len() - 1
    }

    /// Records the result of the job in a row.
    pub fn note(&self, row: usize, result: Result<(), String>) {
        let now = self.clock.now();
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get_mut(row) {
            (row.last_run, row.error) = (Some(now), result.err());
        }
    }

    pub fn to_json(&self) -> Value {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |row: &Row| {
            json!({
                "name": row.job.name,
                "period_seconds": row.job.period.as_secs(),
                "needs": row.job.needs,
                "last_run_at": row.last_run.map(|at| at.to_string()),
                "error": row.error,
            })
        };
        rows.iter().map(row).collect()
    }
}
