//! The job that makes deliveries from new audit entries and sends them. Safe on many nodes concurrently: one of them
//! claims each delivery, and a claim ends by itself if the node stops.
//!
//! The audit log is read in the order of its numbers, and the position is stored in the transaction that adds the
//! deliveries, so that no entry is skipped. A delivery is sent at least once: if the process stops between a response and
//! its record, the delivery is sent again with the same ID.

use super::attempt;
use crate::{
    AppState,
    mail::{Message, members_with},
};
use keydesk_model::{
    AccountId, Actor, DeliveryId, DeliveryState, DisabledReason, Event, FAILING_FOR, Origin,
    Permission, Role, Timestamp, WebhookId, WebhookState, retry_delay,
};
use keydesk_store::{
    AuditEntry, Delivery, DeliveryAttempt, LoggedEvent, NewDelivery, StoreError, Webhook, Write,
};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::sync::mpsc;

/// The status with which an endpoint ends its webhook.
const GONE: i64 = 410;
/// The name of the dispatcher among the readers of the audit log.
const READER: &str = "webhooks";
/// The number of entries from which deliveries are made in one transaction.
const BATCH: u32 = 500;
/// The number of concurrent attempts: to one endpoint at most, to a healthy one at least, to all endpoints of one account,
/// so that slow ones don't delay others, and in all.
const AT_ONCE_TO_ONE: usize = 8;
const AT_LEAST_TO_ONE: usize = 4;
const AT_ONCE_OF_ACCOUNT: usize = 24;
const AT_ONCE: usize = 256;
/// The time for which a node claims a delivery, which is longer than an attempt takes.
const CLAIMED: Duration = Duration::from_secs(30);
/// The time for which an overloaded receiver that names no time gets no further attempt.
const THROTTLED: Duration = Duration::from_secs(30);
/// The time for which finished deliveries are kept.
const KEPT: Duration = Duration::from_hours(24 * 30);
/// The number of rounds in one run while there is work, and the longest wait for a response between two rounds.
const ROUNDS: u32 = 40;
const ROUND: Duration = Duration::from_millis(250);
/// The time between deletions of old deliveries. If there are many, the next run continues.
const FORGET: Duration = Duration::from_hours(1);

/// An attempt that has finished.
struct Outcome {
    delivery: Delivery,
    attempt: DeliveryAttempt,
    /// The time for which the receiver asked to be left alone.
    retry_after: Option<Duration>,
}

impl Outcome {
    fn is_success(&self) -> bool {
        self.attempt.status.is_some_and(|status| (200..300).contains(&status))
    }

    fn is_gone(&self) -> bool {
        self.attempt.status == Some(GONE)
    }

    /// Returns the time for which the endpoint gets no attempt at all.
    fn throttled_for(&self) -> Option<Duration> {
        let is_overloaded = matches!(self.attempt.status, Some(429 | 502 | 504));
        is_overloaded.then(|| self.retry_after.unwrap_or(THROTTLED))
    }
}

/// Makes and sends deliveries.
#[derive(Debug)]
pub struct WebhookDispatcher {
    app: AppState,
    finished: mpsc::UnboundedReceiver<Outcome>,
    finish: mpsc::UnboundedSender<Outcome>,
    in_flight: HashMap<WebhookId, InFlight>,
    /// The number of the newest round, from which endpoints take turns.
    round: u64,
    /// When each endpoint with due deliveries last had an attempt, by the round.
    turns: HashMap<WebhookId, u64>,
    next_forget: Option<Timestamp>,
}

/// The attempts in flight to one endpoint.
#[derive(Debug, Default)]
struct InFlight {
    account: Option<AccountId>,
    count: usize,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outcome({}, {:?})", self.delivery.id, self.attempt.status)
    }
}

impl WebhookDispatcher {
    pub fn new(app: AppState) -> Self {
        let (finish, finished) = mpsc::unbounded_channel();
        Self {
            app,
            finished,
            finish,
            in_flight: HashMap::new(),
            round: 0,
            turns: HashMap::new(),
            next_forget: None,
        }
    }

    /// Makes and sends the deliveries that are due, until there are none or for a few seconds.
    ///
    /// # Errors
    ///
    /// If the database can't be used. Attempts in flight are recorded by the next run.
    pub async fn run(&mut self) -> Result<(), StoreError> {
        let now = self.app.now();
        if self.next_forget.is_none_or(|at| at <= now) {
            let has_more = forget(&self.app).await?;
            self.next_forget = (!has_more).then(|| now.plus(FORGET));
        }
        let mut first = None;
        for _ in 0..ROUNDS {
            let recorded = self.record(first.take()).await?;
            let made = make_deliveries(&self.app).await?;
            let started = self.start_due().await?;
            if recorded + made + started > 0 {
                continue;
            }
            if self.in_flight.is_empty() {
                break;
            }
            first = tokio::time::timeout(ROUND, self.finished.recv()).await.ok().flatten();
        }
        if let Some(outcome) = first {
            let _ = self.finish.send(outcome);
        }
        Ok(())
    }

    /// Starts attempts of due deliveries. Returns their number.
    async fn start_due(&mut self) -> Result<usize, StoreError> {
        let mut free = AT_ONCE.saturating_sub(self.in_flight.values().map(|at| at.count).sum());
        let mut of_accounts: HashMap<_, usize> = HashMap::new();
        for at in self.in_flight.values() {
            *of_accounts.entry(at.account).or_default() += at.count;
        }
        let now = self.app.now();
        let mut due = Vec::new();
        let mut read = self.app.store.read().await?;
        let mut waiting = read.list_webhooks_with_due_deliveries(now).await?;
        // They take turns: those that have waited longest come first.
        self.turns.retain(|id, _| waiting.contains(id));
        waiting.sort_by_key(|id| self.turns.get(id).copied());
        self.round += 1;
        for id in waiting {
            let busy = self.in_flight.get(&id).map_or(0, |at| at.count);
            let room = AT_ONCE_TO_ONE.saturating_sub(busy).min(free);
            let Some(webhook) = read.find_any_webhook(id).await?.filter(|_| room > 0) else {
                continue;
            };
            let of_account = of_accounts.entry(webhook.account).or_default();
            // However slow the account's others are, an endpoint gets some attempts, or one if it fails itself.
            let least = if webhook.failing_since.is_some() { 1 } else { AT_LEAST_TO_ONE };
            let left = AT_ONCE_OF_ACCOUNT.saturating_sub(*of_account);
            let room = room.min(left.max(least.saturating_sub(busy)));
            let limit = u32::try_from(room).unwrap_or_default();
            let is_active = webhook.state == WebhookState::Active;
            let found = read.list_due_deliveries((id, is_active), now, limit).await?;
            if !found.is_empty() {
                self.turns.insert(id, self.round);
            }
            free -= found.len();
            *of_account += found.len();
            due.extend(found.into_iter().map(|delivery| (webhook.clone(), delivery)));
        }
        drop(read);
        if due.is_empty() {
            return Ok(0);
        }
        let claimed = claim(&self.app, due).await?;
        for (webhook, delivery, event) in &claimed {
            let at = self.in_flight.entry(webhook.id).or_default();
            (at.account, at.count) = (webhook.account, at.count + 1);
            self.attempt(webhook, delivery.clone(), event);
        }
        Ok(claimed.len())
    }

    /// Sends a delivery in the background.
    fn attempt(&self, webhook: &Webhook, delivery: Delivery, event: &LoggedEvent) {
        let (app, finish) = (self.app.clone(), self.finish.clone());
        let request = attempt::request(&app, webhook, &delivery, event);
        tokio::spawn(async move {
            let (attempt, retry_after) = attempt::send(&app, request).await;
            let _ = finish.send(Outcome { delivery, attempt, retry_after });
        });
    }

    /// Records finished attempts. Returns their number.
    async fn record(&mut self, first: Option<Outcome>) -> Result<usize, StoreError> {
        let mut outcomes: Vec<_> = first.into_iter().collect();
        while let Ok(outcome) = self.finished.try_recv() {
            outcomes.push(outcome);
        }
        if outcomes.is_empty() {
            return Ok(0);
        }
        for outcome in &outcomes {
            if let Some(at) = self.in_flight.get_mut(&outcome.delivery.webhook) {
                at.count -= 1;
            }
        }
        self.in_flight.retain(|_, at| at.count > 0);
        let mut write = self.app.store.write(self.app.now()).await?;
        let (mut healthy, mut to_disable) = (HashSet::new(), HashMap::new());
        for outcome in &outcomes {
            let id = outcome.delivery.webhook;
            // The endpoint may have been removed meanwhile.
            if write.find_delivery(id, outcome.delivery.id).await?.is_none() {
                continue;
            }
            record_one(&self.app, &mut write, outcome).await?;
            if outcome.delivery.is_redelivery {
            } else if outcome.is_success() {
                if healthy.insert(id) {
                    write.note_webhook_succeeded(id).await?;
                }
            } else {
                healthy.remove(&id);
                let until = outcome.throttled_for().map(|pause| write.now().plus(pause));
                write.note_webhook_failing(id, until).await?;
                if outcome.is_gone() {
                    to_disable.insert(id, DisabledReason::Gone);
                } else if has_failed_for_long(&mut write, id).await? {
                    to_disable.entry(id).or_insert(DisabledReason::Failing);
                }
            }
        }
        write.keep().await?;
        for (id, reason) in to_disable {
            disable(&self.app, id, reason).await?;
        }
        Ok(outcomes.len())
    }
}

async fn record_one(
    app: &AppState,
    write: &mut Write,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let (delivery, now) = (&outcome.delivery, write.now());
    let [chance] = app.entropy.bytes::<1>();
    let delay = retry_delay(delivery.attempts + 1, chance).filter(|_| !delivery.is_redelivery);
    let after = match delay {
        _ if outcome.is_success() => (DeliveryState::Succeeded, None),
        _ if outcome.is_gone() => (DeliveryState::Failed, None),
        Some(delay) => {
            let delay = delay.max(outcome.retry_after.unwrap_or_default());
            (DeliveryState::Pending, Some(now.plus(delay)))
        }
        None => (DeliveryState::Failed, None),
    };
    write.note_delivery_attempt(delivery, &outcome.attempt, after).await
}

async fn has_failed_for_long(write: &mut Write, id: WebhookId) -> Result<bool, StoreError> {
    let now = write.now();
    let webhook = write.find_any_webhook(id).await?;
    let since = webhook.and_then(|webhook| webhook.failing_since);
    Ok(since.is_some_and(|since| now.since(since) >= FAILING_FOR))
}

/// Disables an endpoint and notifies those who can correct it.
async fn disable(app: &AppState, id: WebhookId, reason: DisabledReason) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let found = write.find_any_webhook(id).await?;
    let Some(webhook) = found.filter(|webhook| webhook.state != WebhookState::Disabled) else {
        return Ok(());
    };
    write.set_webhook_state(id, WebhookState::Disabled, Some(reason)).await?;
    let recipients = recipients(&mut write, &webhook).await?;
    let entry = AuditEntry {
        event: Event::WebhookDisabled { reason },
        actor: Actor::Node,
        origin: Origin::default(),
        account: webhook.account,
        target: id.to_string(),
    };
    for (email, language) in recipients {
        let message = Message::to(language, || {
            Message::webhook_disabled(&webhook, reason, &app.settings.console_url)
        });
        app.add_mail(&mut write, &email, message).await?;
    }
    write.commit(entry).await?;
    tracing::warn!(webhook = %id, reason = reason.as_str(), "a webhook was disabled");
    Ok(())
}

type Recipient = (keydesk_model::Email, Option<keydesk_model::Language>);

/// Returns the members who can manage the endpoint, or the operators.
async fn recipients(write: &mut Write, webhook: &Webhook) -> Result<Vec<Recipient>, StoreError> {
    let Some(account) = webhook.account else {
        let operators = write.list_operators().await?.into_iter();
        return Ok(operators.map(|operator| (operator.email, None)).collect());
    };
    let may_manage = |role: Role| role.may(Permission::ManageWebhooks);
    let managers = members_with(write, account, may_manage).await?.into_iter();
    Ok(managers.map(|member| (member.email, member.language)).collect())
}

/// Adds deliveries for the next audit entries. Returns the number of these entries.
async fn make_deliveries(app: &AppState) -> Result<usize, StoreError> {
    let mut read = app.store.read().await?;
    let last = read.last_event().await?;
    if read.reader_position(READER).await? == Some(last) {
        return Ok(0);
    }
    drop(read);
    let mut write = app.store.write(app.now()).await?;
    let position = write.reader_position(READER).await?.unwrap_or_default();
    let events = write.list_events(position, BATCH).await?;
    let Some((first, newest)) = events.first().zip(events.last()) else { return Ok(0) };
    let mut webhooks = write.list_open_webhooks((first.seq, newest.seq)).await?;
    for event in &events {
        for webhook in &mut webhooks {
            add_deliveries(app, &mut write, webhook, event).await?;
        }
    }
    write.set_reader_position(READER, newest.seq).await?;
    write.keep().await?;
    Ok(events.len())
}

/// Adds the deliveries of an entry to an endpoint.
async fn add_deliveries(
    app: &AppState,
    write: &mut Write,
    webhook: &mut Webhook,
    event: &LoggedEvent,
) -> Result<(), StoreError> {
    let is_followed = webhook.account.is_none() || webhook.account == event.account;
    if event.seq <= webhook.after_seq || !is_followed {
        return Ok(());
    }
    let number = attempt::number_for(webhook, event);
    for kind in kinds(webhook, event) {
        let new = NewDelivery {
            id: DeliveryId::generate(write.now(), &app.entropy),
            webhook: webhook.id,
            audit_seq: event.seq,
            kind: kind.to_owned(),
            previous: webhook.last_number,
            is_redelivery: false,
        };
        write.add_delivery(&new).await?;
        webhook.last_number = number;
        write.set_webhook_last_number(webhook.id, number).await?;
    }
    Ok(())
}

/// Returns the types as which an endpoint receives an entry. Only the tested endpoint receives a test.
fn kinds<'a>(webhook: &Webhook, event: &'a LoggedEvent) -> Vec<&'a str> {
    let is_test = event.event == (Event::WebhookTested {}).name();
    let is_own_test = is_test && event.target == webhook.id.to_string();
    let is_chosen = !is_test && webhook.events.matches(&event.event);
    let own = (is_own_test || is_chosen).then_some(event.event.as_str());
    let audit = webhook.events.has_audit_entries().then_some(keydesk_model::AUDIT_RECORDED);
    own.into_iter().chain(audit).collect()
}

/// Claims deliveries, and returns those that no other node has claimed, with their events.
async fn claim(
    app: &AppState,
    due: Vec<(Webhook, Delivery)>,
) -> Result<Vec<(Webhook, Delivery, LoggedEvent)>, StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let until = write.now().plus(CLAIMED);
    let mut claimed = Vec::new();
    for (webhook, delivery) in due {
        if write.claim_delivery(&delivery, until).await?
            && let Some(event) = write.find_event(delivery.audit_seq).await?
        {
            claimed.push((webhook, delivery, event));
        }
    }
    write.keep().await?;
    Ok(claimed)
}

/// Deletes old deliveries, and returns whether there may be more.
async fn forget(app: &AppState) -> Result<bool, StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let has_more = write.forget_deliveries(KEPT).await?;
    write.keep().await?;
    Ok(has_more)
}
