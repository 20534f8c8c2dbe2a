//! Events that nobody causes by a change: a token expired or was used for the first time, requests were rejected, or a
//! quota is nearly used up. A job finds them and records each once, on whichever node is first.

mod unfamiliar;

use crate::{AppState, alerts::add_alert_mail, mail::Message};
use keydesk_model::{
    AccountId, Actor, AlertKind, Event, Month, Origin, Timestamp, Violation, audit::Rfc3339,
};
use keydesk_store::{AuditEntry, Happened, IsolatedGateway, NoticeKind, StoreError};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// The time for which events are recorded late, for example because no console ran.
const LATE: Duration = Duration::from_hours(24 * 7);
/// The time for which notices are kept.
const KEPT: Duration = Duration::from_hours(24 * 60);
/// The time by which gateways report usage late.
const REPORTED: Duration = Duration::from_mins(5);
/// The number of runs after which one looks back for a day, for gateways that have reported very late.
const FAR_EVERY: u64 = 120;
/// The shares of a quota at which an event is recorded, in percent, the highest first.
const THRESHOLDS: [(u64, NoticeKind); 3] =
    [(100, NoticeKind::Quota100), (80, NoticeKind::Quota80), (50, NoticeKind::Quota50)];

/// The share from which an email is sent.
const MAILED_FROM: u64 = 80;

/// What the job remembers between its runs.
#[derive(Debug, Default)]
pub struct Notices {
    read_at: Timestamp,
    /// The number of runs, of which some look back for longer.
    runs: u64,
}

impl Notices {
    /// Records what has happened since the last run.
    ///
    /// # Errors
    ///
    /// If the database can't be reached. The next run records what this one couldn't.
    pub async fn record(&mut self, app: &AppState) -> Result<(), StoreError> {
        let now = app.now();
        record_expired(app, now).await?;
        record_first_uses(app, now).await?;
        for at in [now, now.minus(REPORTED)] {
            record_rejected(app, at).await?;
        }
        self.record_quotas(app, now).await?;
        record_isolated(app, now).await?;
        let looks_far = self.runs.is_multiple_of(FAR_EVERY);
        let since = if looks_far { now.minus(DAY) } else { self.read_at.minus(REPORTED) };
        unfamiliar::look_at_uses(app, since).await?;
        (self.read_at, self.runs) = (now, self.runs + 1);
        app.store.forget_old_notices(now.minus(KEPT)).await
    }

    async fn record_quotas(&self, app: &AppState, now: Timestamp) -> Result<(), StoreError> {
        let plans = &app.settings.plans;
        if plans.all.iter().all(|plan| plan.monthly_quota.is_none()) {
            return Ok(());
        }
        let (month, since) = (Month::of(now), self.read_at.minus(REPORTED));
        let changed = app.store.read().await?.list_changed_quota_use(month, since).await?;
        for (account, plan, requests) in changed {
            let Some(quota) = plans.of(&plan).and_then(|plan| plan.monthly_quota) else { continue };
            if let Some((percent, kind)) = reached(requests, quota) {
                let used = (percent, requests, quota);
                record_quota(app, account, (kind, month.number()), used).await?;
            }
        }
        Ok(())
    }
}

/// Records that an account has used a share of its quota, with an email from 80 percent on.
async fn record_quota(
    app: &AppState,
    account: AccountId,
    (kind, month): (NoticeKind, i64),
    used: (u64, i64, u64),
) -> Result<(), StoreError> {
    let (percent, requests, quota) = used;
    let mut write = app.store.write(app.now()).await?;
    let target = account.to_string();
    if !write.note(&target, kind, month).await? {
        return Ok(());
    }
    if percent >= MAILED_FROM {
        let name = write.find_account(account).await?.map(|account| account.name);
        let name = name.unwrap_or_default();
        let message = || Message::quota(&name, used, &app.settings.console_url);
        add_alert_mail(app, &mut write, (account, None), AlertKind::Quota, message).await?;
    }
    let event = Event::QuotaThreshold { percent, requests, quota };
    let (actor, origin, account) = (Actor::Node, Origin::default(), Some(account));
    write.commit(AuditEntry { event, actor, origin, account, target }).await.map(|_| ())
}

/// Returns the highest threshold that a number of requests has reached.
fn reached(requests: i64, quota: u64) -> Option<(u64, NoticeKind)> {
    let requests = u128::from(requests.unsigned_abs());
    let is_reached = |percent: u64| requests * 100 >= u128::from(quota) * u128::from(percent);
    THRESHOLDS.into_iter().find(|(percent, _)| is_reached(*percent))
}

async fn record_expired(app: &AppState, now: Timestamp) -> Result<(), StoreError> {
    let expired = app.store.read().await?.list_expired_tokens(now.minus(LATE), now).await?;
    for token in expired {
        let event = Event::TokenExpired { expires_at: Rfc3339(token.at) };
        note_token(app, &token, (NoticeKind::Expired, token.at.as_micros()), event).await?;
    }
    Ok(())
}

/// Records the gateways that were removed from the list of nodes because they were silent.
async fn record_isolated(app: &AppState, now: Timestamp) -> Result<(), StoreError> {
    let isolated = app.store.read().await?.list_isolated_gateways().await?;
    for gateway in isolated {
        let mut write = app.store.write(now).await?;
        if write.forget_isolated_gateway(&gateway).await? {
            let IsolatedGateway { id, name, seen_at, .. } = gateway;
            let event = Event::GatewayIsolated { name, last_seen_at: Rfc3339(seen_at) };
            let (actor, origin, target) = (Actor::Node, Origin::default(), id.to_string());
            write.commit(AuditEntry { event, actor, origin, account: None, target }).await?;
        }
    }
    Ok(())
}

async fn record_first_uses(app: &AppState, now: Timestamp) -> Result<(), StoreError> {
    let used = app.store.read().await?.list_first_used_tokens(now.minus(DAY)).await?;
    for token in used {
        let event = Event::TokenFirstUsed { at: Rfc3339(token.at) };
        note_token(app, &token, (NoticeKind::FirstUsed, 0), event).await?;
    }
    Ok(())
}

/// Records the tokens whose requests were rejected on the day of an instant: one event for each token and reason.
async fn record_rejected(app: &AppState, at: Timestamp) -> Result<(), StoreError> {
    let day = at.as_micros() / i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    for what in
        [(Violation::Revoked, NoticeKind::Rejected), (Violation::Rate, NoticeKind::RateLimited)]
    {
        let rejected = app.store.read().await?.list_rejected_tokens(day, what).await?;
        for token in rejected {
            let (requests, last_at) = (token.requests, Rfc3339(token.at));
            let event = match what.0 {
                Violation::Rate => Event::RateLimited { requests, last_at },
                _ => Event::TokenRejected { requests, last_at },
            };
            note_token(app, &token, (what.1, day), event).await?;
        }
    }
    Ok(())
}

async fn note_token(
    app: &AppState,
    token: &Happened,
    (kind, period): (NoticeKind, i64),
    event: Event,
) -> Result<(), StoreError> {
    let origin = Origin {
        client_ip: token.client_ip.parse().ok(),
        user_agent: Some(token.client.clone()).filter(|client| !client.is_empty()),
        request_id: String::new(),
    };
    let subject = token.token.to_string();
    note(app, (&subject, kind, period), (Some(token.account), event), origin).await
}

async fn note(
    app: &AppState,
    (subject, kind, period): (&str, NoticeKind, i64),
    (account, event): (Option<AccountId>, Event),
    origin: Origin,
) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    // Another node may have been first.
    if !write.note(subject, kind, period).await? {
        return Ok(());
    }
    let (actor, target) = (Actor::Node, subject.to_owned());
    write.commit(AuditEntry { event, actor, origin, account, target }).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f12_a_quota_has_three_thresholds() {
        let percent = |requests, quota| reached(requests, quota).map(|(percent, _)| percent);
        for (requests, expected) in [
            (0, None),
            (499, None),
            (500, Some(50)),
            (799, Some(50)),
            (800, Some(80)),
            (999, Some(80)),
            (1000, Some(100)),
            (i64::MAX, Some(100)),
        ] {
            assert_eq!(percent(requests, 1000), expected, "{requests}");
        }
        assert_eq!(percent(i64::MAX, u64::MAX), None);
    }
}
