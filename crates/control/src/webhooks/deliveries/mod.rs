//! The log of deliveries: what was sent to an endpoint, what it responded, and sending it again.

pub(crate) mod api;
pub(crate) mod console;

use super::{WebhookOwner, find, find_webhook, message};
use crate::{
    AppState,
    refusal::{Code, Refusal},
};
use keydesk_model::{DeliveryId, DeliveryState, Event, WebhookId};
use keydesk_store::{Delivery, DeliveryAttempt, NewDelivery, Page, PageSearch};

pub(crate) async fn list_deliveries(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
    (state, search): (Option<DeliveryState>, &PageSearch),
) -> Result<Page<Delivery>, Refusal> {
    find_webhook(app, owner, id).await?;
    Ok(app.store.read().await?.list_deliveries(id, state, search).await?)
}

/// A delivery with its attempts and the event as the endpoint receives it.
#[derive(Debug)]
pub(crate) struct DeliveryDetail {
    pub delivery: Delivery,
    pub attempts: Vec<DeliveryAttempt>,
    /// The ID of the event, which is the same in every attempt and every redelivery.
    pub message_id: String,
    pub body: String,
}

pub(crate) async fn find_delivery(
    app: &AppState,
    owner: &impl WebhookOwner,
    (webhook, id): (WebhookId, DeliveryId),
) -> Result<DeliveryDetail, Refusal> {
    find_webhook(app, owner, webhook).await?;
    let mut read = app.store.read().await?;
    let delivery = read.find_delivery(webhook, id).await?.ok_or(Code::NotFound)?;
    let event = read.find_event(delivery.audit_seq).await?.ok_or(Code::NotFound)?;
    Ok(DeliveryDetail {
        attempts: read.list_delivery_attempts(id).await?,
        message_id: message::id_of(&delivery.kind, &event),
        body: message::body(&delivery.kind, &event),
        delivery,
    })
}

/// Sends an event to an endpoint again: one attempt, with the current secret. It doesn't count as a failure of the
/// endpoint, nor as its recovery.
pub(crate) async fn redeliver(
    app: &AppState,
    owner: &impl WebhookOwner,
    (webhook, id): (WebhookId, DeliveryId),
) -> Result<DeliveryId, Refusal> {
    let (mut write, owner) = owner.begin(app).await?;
    find(&mut write, &owner, webhook).await?;
    let before = write.find_delivery(webhook, id).await?.ok_or(Code::NotFound)?;
    let new = NewDelivery {
        id: DeliveryId::generate(write.now(), &app.entropy),
        webhook,
        audit_seq: before.audit_seq,
        kind: before.kind,
        previous: before.previous,
        is_redelivery: true,
    };
    write.add_delivery(&new).await?;
    write.commit(owner.entry(Event::WebhookRedelivered { delivery: new.id }, webhook)).await?;
    Ok(new.id)
}
