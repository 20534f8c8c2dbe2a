//! The job that finds what is unusual: many errors, a token that is no longer used, a previous secret that is still used.
//! Each incident is recorded once, on whichever console is first. No query is made for each token, only for those found.

use super::add_alert_mail;
use crate::{AppState, mail::Message};
use keydesk_model::{Actor, Event, Incident, Origin, Outcomes, Timestamp, audit::Rfc3339};
use keydesk_store::{
    AuditEntry, FailingToken, NoticeKind, QuietToken, StoreError, Token, UsedPreviousSecret, Write,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const WEEK: Duration = Duration::from_hours(7 * 24);
/// The number of errors from which a token is looked at.
const LEAST_ERRORS: u32 = 20;
/// The hours without a spike after which another one is a new incident.
const SAME_SPIKE: Duration = Duration::from_hours(2);
/// The time between two looks for silent tokens.
const LOOK_FOR_SILENCE: Duration = Duration::from_mins(10);
/// The time without requests from which a token is looked at: an hour may have ended with one.
const SILENT: Duration = Duration::from_hours(7);
/// The time that gateways need to report.
const REPORTED: Duration = Duration::from_mins(10);

/// Watches the use of tokens.
#[derive(Debug, Default)]
pub struct AlertWatch {
    next_look_for_silence: Option<Timestamp>,
}

impl AlertWatch {
    /// Records what has become unusual since the last run.
    ///
    /// # Errors
    ///
    /// If the database can't be used. The next run finds what this one couldn't.
    pub async fn run(&mut self, app: &AppState) -> Result<(), StoreError> {
        let now = app.now();
        find_spikes(app, now).await?;
        find_used_previous_secrets(app, now).await?;
        if self.next_look_for_silence.is_none_or(|at| now >= at) {
            self.next_look_for_silence = Some(now.plus(LOOK_FOR_SILENCE));
            find_silent_tokens(app, now).await?;
        }
        Ok(())
    }
}

async fn find_spikes(app: &AppState, now: Timestamp) -> Result<(), StoreError> {
    let hour = now.start_of_hour();
    // The hour alone, and with the one before, because a spike doesn't begin with an hour.
    for since in [hour, hour.minus(HOUR)] {
        let mut read = app.store.read().await?;
        for found in read.list_failing_tokens((since, now), LEAST_ERRORS).await? {
            let range = (since.minus(WEEK), since);
            let before = read.count_outcomes(found.token, range).await?;
            if found.now.are_a_spike(before) {
                let usual_percent = before.errors * 100 / before.requests.max(1);
                record_spike(app, &found, (since, usual_percent)).await?;
            }
        }
    }
    Ok(())
}

async fn record_spike(
    app: &AppState,
    found: &FailingToken,
    (since, usual_percent): (Timestamp, u64),
) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let subject = found.token.to_string();
    let hour = write.now().start_of_hour();
    let earlier = hour.minus(SAME_SPIKE).as_micros();
    let goes_on = write.has_notice_since(&subject, NoticeKind::ErrorSpike, earlier).await?;
    if !write.note(&subject, NoticeKind::ErrorSpike, hour.as_micros()).await? {
        return Ok(());
    }
    if goes_on {
        return write.keep().await;
    }
    let Some((token, account_name)) = find(&mut write, found.account, found.token).await? else {
        return Ok(());
    };
    let Outcomes { requests, errors } = found.now;
    let incident = Incident::ErrorSpike { requests, errors, usual_percent, since };
    record(app, write, (&token, &account_name), incident).await
}

async fn find_silent_tokens(app: &AppState, now: Timestamp) -> Result<(), StoreError> {
    let mut read = app.store.read().await?;
    // What gateways haven't reported is no silence.
    let complete = read.usage_completeness().await?.until;
    let is_complete = complete.is_some_and(|until| now.since(until) <= REPORTED);
    let gap = read.last_usage_gap().await?;
    if !is_complete || now.since(gap) < SILENT {
        return Ok(());
    }
    // A week, and a day for the weekend.
    let recently = now.minus(WEEK + HOUR * 24);
    for quiet in read.list_quiet_tokens(now, (recently, now.minus(SILENT))).await? {
        if quiet.rhythm.is_broken(now) {
            record_silence(app, &quiet).await?;
        }
    }
    Ok(())
}

async fn record_silence(app: &AppState, quiet: &QuietToken) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let subject = quiet.token.to_string();
    if !write.note(&subject, NoticeKind::Silence, quiet.last_hour.as_micros()).await? {
        return Ok(());
    }
    let Some((token, account_name)) = find(&mut write, quiet.account, quiet.token).await? else {
        return Ok(());
    };
    let last_used_at = token.last_used_at.unwrap_or_else(|| quiet.last_hour.plus(HOUR));
    let used_for = u64::from(quiet.hours) * HOUR.as_secs();
    let usual_interval = Duration::from_secs((used_for / quiet.requests.max(1)).max(1));
    let incident = Incident::Silence { last_used_at, usual_interval };
    record(app, write, (&token, &account_name), incident).await
}

async fn find_used_previous_secrets(app: &AppState, now: Timestamp) -> Result<(), StoreError> {
    let used = app.store.read().await?.list_used_previous_secrets(now, now.minus(WEEK)).await?;
    for UsedPreviousSecret { token, account, valid_until, last_used_at, clients } in used {
        let mut write = app.store.write(now).await?;
        let subject = token.to_string();
        let period = valid_until.as_micros();
        if !write.note(&subject, NoticeKind::PreviousSecret, period).await? {
            continue;
        }
        let Some((token, account_name)) = find(&mut write, account, token).await? else { continue };
        let incident = Incident::PreviousSecret { valid_until, last_used_at, clients };
        record(app, write, (&token, &account_name), incident).await?;
    }
    Ok(())
}

async fn find(
    write: &mut Write,
    account: keydesk_model::AccountId,
    token: keydesk_model::TokenId,
) -> Result<Option<(Token, String)>, StoreError> {
    let name = write.find_account(account).await?.map(|account| account.name);
    Ok(write.find_token(account, token).await?.zip(name))
}

/// Records an incident, and adds the email about it to the same transaction.
async fn record(
    app: &AppState,
    mut write: Write,
    (token, account_name): (&Token, &str),
    incident: Incident,
) -> Result<(), StoreError> {
    let of = (token.account, Some(token.id));
    let message = || Message::alert(&incident, (token, account_name), &app.settings.console_url);
    add_alert_mail(app, &mut write, of, incident.kind(), message).await?;
    let (actor, origin, target) = (Actor::Node, Origin::default(), token.id.to_string());
    let account = Some(token.account);
    let event = event_of(incident);
    write.commit(AuditEntry { event, actor, origin, account, target }).await.map(|_| ())
}

fn event_of(incident: Incident) -> Event {
    match incident {
        Incident::ErrorSpike { requests, errors, usual_percent, since } => {
            Event::TokenErrorSpike { requests, errors, usual_percent, since: Rfc3339(since) }
        }
        Incident::Silence { last_used_at, usual_interval } => Event::TokenSilent {
            last_used_at: Rfc3339(last_used_at),
            usual_interval_seconds: usual_interval.as_secs(),
        },
        Incident::PreviousSecret { valid_until, last_used_at, clients } => {
            Event::TokenPreviousSecretUsed {
                valid_until: Rfc3339(valid_until),
                last_used_at: Rfc3339(last_used_at),
                clients,
            }
        }
    }
}
