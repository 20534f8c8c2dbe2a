//! “Me or them?”: whether gateways run, how many requests of all accounts the API fails, and how many of one's own.

use crate::{AppState, principal::Caller, refusal::Refusal};
use keydesk_model::{Permission, Timestamp};
use keydesk_store::Reliability;
use std::{sync::Mutex, sync::PoisonError, time::Duration};

/// The time for which the requests of all accounts are remembered, because adding them up takes long.
const KEPT: Duration = Duration::from_secs(30);
/// The time since which requests are counted, at least.
const COUNTED: Duration = Duration::from_mins(15);
/// The time since which a running gateway has reported: it does so every few seconds, even without requests.
const REPORTED: Duration = Duration::from_mins(1);
/// The time that a gateway has for its first report.
const STARTS: Duration = Duration::from_secs(30);
/// The number of requests from which a share says something.
const LEAST: u64 = 20;

/// The requests of all accounts, and when they were added up.
pub(crate) type KnownReliability = Mutex<Option<(Timestamp, Reliability)>>;

/// What is the matter, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    Works,
    /// The account's requests fail, and those of others don't.
    You,
    /// The account's requests fail, and there are too few of others to compare them with.
    YouAtLeast,
    /// The API fails for all accounts.
    Api,
    NoGateway,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceStatus {
    pub gateways: i64,
    /// The requests of all accounts since the beginning of this hour or, early in it, of the one before.
    pub all: Reliability,
    pub own: Reliability,
    pub diagnosis: Diagnosis,
}

pub(crate) async fn find_service_status(
    app: &AppState,
    caller: &Caller,
) -> Result<ServiceStatus, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let now = app.now();
    let hour = now.start_of_hour();
    let since = if now.since(hour) < COUNTED { now.minus(COUNTED).start_of_hour() } else { hour };
    let mut read = app.store.read().await?;
    let gateways = read.count_reporting_gateways(now.minus(REPORTED)).await?;
    let own = read.count_reliability(Some(caller.account.id), since).await?;
    drop(read);
    let all = all_accounts(app, (now, since)).await?;
    // What was added up a while ago can lack one's own newest requests.
    let all = Reliability {
        requests: all.requests.max(own.requests),
        errors: all.errors.max(own.errors),
        server_errors: all.server_errors.max(own.server_errors),
    };
    let runs = gateways > 0 || now.since(app.started_at) < STARTS;
    Ok(ServiceStatus { gateways, all, own, diagnosis: diagnose(runs, all, own) })
}

async fn all_accounts(
    app: &AppState,
    (now, since): (Timestamp, Timestamp),
) -> Result<Reliability, Refusal> {
    let known = *app.reliability.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, all)) = known
        && at <= now
        && now.since(at) < KEPT
    {
        return Ok(all);
    }
    let all = app.store.read().await?.count_reliability(None, since).await?;
    *app.reliability.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, all));
    Ok(all)
}

fn diagnose(runs: bool, all: Reliability, own: Reliability) -> Diagnosis {
    let is_high = |part: u64, of: u64, tenths: u64| of >= LEAST && part * 10 >= of * tenths;
    let others = all.requests.saturating_sub(own.requests);
    let errors_of_others = all.errors.saturating_sub(own.errors);
    if !runs {
        Diagnosis::NoGateway
    } else if is_high(all.server_errors * 2, all.requests, 1) {
        Diagnosis::Api
    } else if !is_high(own.errors, own.requests, 1) {
        Diagnosis::Works
    } else if others >= LEAST && !is_high(errors_of_others, others, 1) {
        Diagnosis::You
    } else {
        Diagnosis::YouAtLeast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_api_if_it_fails_everyone() {
        let of = |requests, errors, server_errors| Reliability { requests, errors, server_errors };
        let (fine, mine) = (of(1_000, 50, 1), of(100, 31, 0));
        assert_eq!(diagnose(true, fine, of(100, 1, 0)), Diagnosis::Works);
        assert_eq!(diagnose(true, fine, mine), Diagnosis::You);
        assert_eq!(diagnose(true, of(1_000, 60, 50), mine), Diagnosis::Api);
        assert_eq!(diagnose(false, fine, mine), Diagnosis::NoGateway);
        assert_eq!(diagnose(true, of(3, 3, 3), of(3, 3, 3)), Diagnosis::Works, "too few to tell");
        let alone = of(110, 33, 0);
        assert_eq!(diagnose(true, alone, mine), Diagnosis::YouAtLeast, "nobody to compare with");
        assert_eq!(
            diagnose(true, of(500, 331, 0), mine),
            Diagnosis::YouAtLeast,
            "others fail, too"
        );
    }
}
