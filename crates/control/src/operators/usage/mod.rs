//! The usage of all accounts, for operators.

pub(crate) mod api;
pub(crate) mod console;

use crate::{AppState, principal::Operator, refusal::Refusal, usage::MONTH};
use keydesk_model::{AccountNumber, OperatorPermission, Timestamp};
use keydesk_store::Reliability;
use std::{collections::BTreeMap, time::Duration};

/// The number of accounts that are listed: those with the most requests.
const MOST: u32 = 100;
const DAY: Duration = Duration::from_hours(24);

/// The requests of an account in the last 30 days.
#[derive(Clone, Debug)]
pub(crate) struct AccountUsage {
    pub number: AccountNumber,
    pub name: String,
    pub total: Reliability,
    /// One for each day, the last one at the end.
    pub days: Vec<u64>,
}

/// Returns the accounts with the most requests in the last 30 days, up to the last full hour, and the first day.
pub(crate) async fn list_account_usage(
    app: &AppState,
    operator: &Operator,
) -> Result<(Vec<AccountUsage>, Timestamp), Refusal> {
    operator.permit(OperatorPermission::SeeAccounts)?;
    let since = app.now().start_of_day().plus(DAY).minus(MONTH);
    let mut found: BTreeMap<AccountNumber, AccountUsage> = BTreeMap::new();
    for day in app.store.read().await?.list_account_days(since, MOST).await? {
        let one = found.entry(day.number).or_insert_with(|| AccountUsage {
            number: day.number,
            name: day.name.clone(),
            total: Reliability::default(),
            days: vec![0; 30],
        });
        one.total.requests += day.used.requests;
        one.total.errors += day.used.errors;
        one.total.server_errors += day.used.server_errors;
        let place = usize::try_from(day.at.since(since).as_secs() / DAY.as_secs()).unwrap_or(30);
        if let Some(requests) = one.days.get_mut(place) {
            *requests += day.used.requests;
        }
    }
    let mut all: Vec<_> = found.into_values().collect();
    all.sort_by_key(|one| (std::cmp::Reverse(one.total.requests), one.number));
    Ok((all, since))
}
