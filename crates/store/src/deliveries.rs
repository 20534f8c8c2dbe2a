//! Deliveries of events to endpoints: which are due, and the log of their attempts.

use crate::{
    Cursor, Page, PageSearch, Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{DeliveryId, DeliveryState, Timestamp, WebhookId};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub audit_seq: i64,
    /// The type of the event.
    pub kind: String,
    /// The number of the event that the endpoint received before.
    pub previous: i64,
    pub is_redelivery: bool,
    pub state: DeliveryState,
    /// The number of attempts so far.
    pub attempts: i64,
    pub created_at: Timestamp,
    pub next_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub audit_seq: i64,
    pub kind: String,
    pub previous: i64,
    pub is_redelivery: bool,
}

/// An attempt to deliver an event.
#[derive(Clone, Debug)]
pub struct DeliveryAttempt {
    pub at: Timestamp,
    pub duration_ms: i64,
    /// The status of the response, if there is one.
    pub status: Option<i64>,
    /// The reason why there is no response, or empty.
    pub error: String,
    /// The beginning of the response's body.
    pub response: String,
}

macro_rules! select_deliveries {
    ($condition:literal) => {
        concat!(
            "SELECT id, webhook_id, audit_seq, type, previous, is_redelivery, state, attempts, created_at, next_at \
             FROM delivery WHERE ",
            $condition
        )
    };
}

const ADD: &str = "INSERT INTO delivery (id, webhook_id, audit_seq, type, previous, is_redelivery, state, created_at, \
    next_at) VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $7)";
const FIND: &str = select_deliveries!("webhook_id = $1 AND id = $2");
const PAGE: &str = select_deliveries!(
    "webhook_id = $1 AND ($2 = 0 OR (created_at, id) < ($2, $3)) \
     AND ($4 = '' OR type LIKE $4 ESCAPE '!' OR type LIKE $5 ESCAPE '!') AND ($6 = '' OR state = $6) \
     ORDER BY created_at DESC, id DESC LIMIT $7"
);
const WITH_DUE: &str = "SELECT DISTINCT delivery.webhook_id FROM delivery \
    JOIN webhook ON webhook.id = delivery.webhook_id \
    WHERE delivery.next_at IS NOT NULL AND delivery.next_at <= $1 \
    AND (webhook.state = 'active' OR delivery.is_redelivery = 1) \
    AND (webhook.throttled_until IS NULL OR webhook.throttled_until <= $1)";
const DUE: &str = select_deliveries!(
    "webhook_id = $1 AND next_at IS NOT NULL AND next_at <= $2 AND ($3 = 1 OR is_redelivery = 1) \
     ORDER BY next_at, id LIMIT $4"
);
const CLAIM: &str = "UPDATE delivery SET next_at = $1 WHERE id = $2 AND next_at = $3";
const ADD_ATTEMPT: &str = "INSERT INTO delivery_attempt (delivery_id, number, at, duration_ms, status, error, response) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
/// A delivery that was given up meanwhile, because its endpoint was disabled, is not attempted again.
const FINISH: &str = "UPDATE delivery SET state = $1, attempts = $2, next_at = $3 \
    WHERE id = $4 AND attempts < $2 AND (next_at IS NOT NULL OR $1 = 'succeeded')";
const ATTEMPTS: &str = "SELECT at, duration_ms, status, error, response FROM delivery_attempt \
    WHERE delivery_id = $1 ORDER BY number";
const COUNT_PENDING: &str =
    "SELECT count(*) AS number FROM delivery WHERE webhook_id = $1 AND next_at IS NOT NULL";
/// The number of deliveries that one transaction deletes.
const FORGOTTEN: u64 = 1000;
const FORGET_ATTEMPTS: &str = "DELETE FROM delivery_attempt WHERE delivery_id IN \
    (SELECT id FROM delivery WHERE created_at < $1 AND next_at IS NULL ORDER BY created_at, id LIMIT 1000)";
const FORGET: &str = "DELETE FROM delivery WHERE id IN \
    (SELECT id FROM delivery WHERE created_at < $1 AND next_at IS NULL ORDER BY created_at, id LIMIT 1000)";

fn delivery(row: &SqlRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row::parsed(row, "id")?,
        webhook: row::parsed(row, "webhook_id")?,
        audit_seq: row.get("audit_seq")?,
        kind: row::text(row, "type")?,
        previous: row.get("previous")?,
        is_redelivery: row.get::<i64>("is_redelivery")? != 0,
        state: row::parsed(row, "state")?,
        attempts: row.get("attempts")?,
        created_at: row::instant(row, "created_at")?,
        next_at: row::instant_opt(row, "next_at")?,
    })
}

impl Read {
    pub async fn find_delivery(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        let asked = query(FIND).bind(webhook).bind(id);
        asked.optional(self).await?.as_ref().map(delivery).transpose()
    }

    /// Returns a page of an endpoint's deliveries, newest first, in one state if there is one.
    pub async fn list_deliveries(
        &mut self,
        webhook: WebhookId,
        state: Option<DeliveryState>,
        search: &PageSearch,
    ) -> Result<Page<Delivery>, StoreError> {
        let asked = search.bind(query(PAGE).bind(webhook));
        let asked = asked.bind(state.map_or("", DeliveryState::as_str)).bind(search.rows());
        let found: Vec<_> =
            asked.all(self).await?.iter().map(delivery).collect::<Result<_, _>>()?;
        let position =
            |delivery: &Delivery| Cursor { at: delivery.created_at, id: delivery.id.to_string() };
        Ok(search.page(found, position))
    }

    /// Returns the attempts of a delivery, oldest first.
    pub async fn list_delivery_attempts(
        &mut self,
        id: DeliveryId,
    ) -> Result<Vec<DeliveryAttempt>, StoreError> {
        let rows = query(ATTEMPTS).bind(id).all(self).await?;
        let attempt = |row: &SqlRow| {
            Ok(DeliveryAttempt {
                at: row::instant(row, "at")?,
                duration_ms: row.get("duration_ms")?,
                status: row.get("status")?,
                error: row::text(row, "error")?,
                response: row::text(row, "response")?,
            })
        };
        rows.iter().map(attempt).collect()
    }

    /// Returns the endpoints to which a delivery is due.
    pub async fn list_webhooks_with_due_deliveries(
        &mut self,
        now: Timestamp,
    ) -> Result<Vec<WebhookId>, StoreError> {
        let rows = query(WITH_DUE).bind(now).all(self).await?;
        rows.iter().map(|row| row::parsed(row, "webhook_id")).collect()
    }

    /// Returns the deliveries to an endpoint that are due, those that have waited longest first. Only redeliveries are
    /// due to an endpoint that isn't active.
    pub async fn list_due_deliveries(
        &mut self,
        (webhook, is_active): (WebhookId, bool),
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let asked = query(DUE).bind(webhook).bind(now).bind(i64::from(is_active)).bind(limit);
        asked.all(self).await?.iter().map(delivery).collect()
    }

    pub async fn count_pending_deliveries(&mut self, id: WebhookId) -> Result<i64, StoreError> {
        query(COUNT_PENDING).bind(id).one(self).await?.get("number")
    }
}

impl Write {
    /// Adds a delivery, which is due immediately.
    pub async fn add_delivery(&mut self, new: &NewDelivery) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD).bind(new.id).bind(new.webhook).bind(new.audit_seq).bind(&new.kind);
        let add = add.bind(new.previous).bind(i64::from(new.is_redelivery)).bind(now);
        add.execute(self).await.map(|_| ())
    }

    /// Claims a delivery until an instant, after which another node may attempt it. Returns `false` if another node has
    /// claimed it.
    pub async fn claim_delivery(
        &mut self,
        delivery: &Delivery,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let claim = query(CLAIM).bind(until).bind(delivery.id).bind(delivery.next_at);
        Ok(claim.execute(self).await? == 1)
    }

    /// Records an attempt and the state of the delivery after it.
    pub async fn note_delivery_attempt(
        &mut self,
        delivery: &Delivery,
        attempt: &DeliveryAttempt,
        (state, next_at): (DeliveryState, Option<Timestamp>),
    ) -> Result<(), StoreError> {
        let number = delivery.attempts + 1;
        let add = query(ADD_ATTEMPT).bind(delivery.id).bind(number).bind(attempt.at);
        let add = add.bind(attempt.duration_ms).bind(attempt.status).bind(&attempt.error);
        add.bind(&attempt.response).execute(self).await?;
        let finish = query(FINISH).bind(state.as_str()).bind(number).bind(next_at);
        finish.bind(delivery.id).execute(self).await.map(|_| ())
    }

    /// Deletes a part of the log of deliveries that were finished this long ago, and returns whether there may be more.
    pub async fn forget_deliveries(&mut self, after: Duration) -> Result<bool, StoreError> {
        let before = self.now().minus(after);
        query(FORGET_ATTEMPTS).bind(before).execute(self).await?;
        Ok(query(FORGET).bind(before).execute(self).await? >= FORGOTTEN)
    }
}
