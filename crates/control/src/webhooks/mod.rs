//! Webhooks: endpoints of an account or of the instance that receive the entries of the audit log as events. Deliveries
//! are signed (Standard Webhooks 1.0.0), repeated, and logged.

pub(crate) mod api;
mod attempt;
pub(crate) mod console;
pub(crate) mod deliveries;
mod dispatcher;
pub(crate) mod events;
mod message;
mod owner;
mod signature;

pub use dispatcher::WebhookDispatcher;
pub(crate) use message::audit_message;
pub(crate) use owner::WebhookOwner;
pub(crate) use signature::{belongs_to, public_key};

use crate::{
    AppState,
    refusal::{At as _, Code, Refusal},
};
use keydesk_model::{
    AUDIT_RECORDED, Event, EventFilter, Timestamp, TokenName, WebhookId, WebhookState,
    audit::{Rfc3339, WebhookDetail},
};
use keydesk_store::{NewWebhook, Page, PageSearch, Read, Webhook};
use signature::WebhookSecret;
use std::time::Duration;

/// The maximum number of endpoints of an account or of the instance.
const MOST_WEBHOOKS: i64 = 20;
/// The maximum length of a URL.
const MOST_URL: usize = 2000;
/// The time for which the previous secret signs, too, after a rotation.
const BOTH_SIGN: Duration = Duration::from_hours(24);

/// The settings of an endpoint.
#[derive(Debug)]
pub(crate) struct WebhookRequest {
    pub name: TokenName,
    pub url: String,
    pub events: EventFilter,
}

impl WebhookRequest {
    pub fn read<S: Into<String>>(
        (name, url): (&str, &str),
        events: impl IntoIterator<Item = S>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            name: name.parse::<TokenName>().at("name")?,
            url: url.trim().to_owned(),
            events: EventFilter::new(events)?,
        })
    }

    /// Returns the URL in its normal form if requests may be sent to it.
    fn checked_url(&self, app: &AppState) -> Result<String, Refusal> {
        let url = app.outbound.customer_servers().check(&self.url)?.to_string();
        if url.len() > MOST_URL {
            return Err(Refusal::new(Code::UrlTooLong).with_count("most", MOST_URL).at("url"));
        }
        Ok(url)
    }

    /// Refuses audit entries to an owner who can't read the audit log.
    fn permit(&self, owner: &impl WebhookOwner) -> Result<(), Refusal> {
        if self.events.has_audit_entries() { owner.permit_audit_entries() } else { Ok(()) }
    }
}

/// Returns the part of an endpoint that the audit log records.
fn detail_of(name: &str, url: &str, events: &EventFilter) -> WebhookDetail {
    let origin = url::Url::parse(url).map(|url| url.origin().ascii_serialization());
    WebhookDetail {
        name: name.to_owned(),
        origin: origin.unwrap_or_default(),
        events: events.clone(),
    }
}

fn detail_of_webhook(webhook: &Webhook) -> WebhookDetail {
    detail_of(&webhook.name, &webhook.url, &webhook.events)
}

/// Creates an endpoint. Its secret is returned once.
pub(crate) async fn create_webhook(
    app: &AppState,
    owner: &impl WebhookOwner,
    request: WebhookRequest,
) -> Result<(Webhook, WebhookSecret), Refusal> {
    let url = request.checked_url(app)?;
    let (mut write, owner) = owner.begin(app).await?;
    request.permit(&owner)?;
    if write.count_webhooks(owner.account()).await? >= MOST_WEBHOOKS {
        return Err(Refusal::new(Code::TooManyWebhooks).with_count("most", MOST_WEBHOOKS));
    }
    let id = WebhookId::generate(write.now(), &app.entropy);
    let secret = WebhookSecret::generate(&app.entropy);
    let sealed = secret.seal(app, &mut write, id).await?;
    let (name, events) = (request.name.to_string(), request.events);
    let after = detail_of(&name, &url, &events);
    let new = NewWebhook { id, account: owner.account(), url, name, events, sealed };
    write.add_webhook(&new).await?;
    let webhook = write.find_webhook(owner.account(), id).await?.ok_or(Code::NotFound)?;
    write.commit(owner.entry(Event::WebhookCreated { after }, id)).await?;
    Ok((webhook, secret))
}

pub(crate) async fn list_webhooks(
    app: &AppState,
    owner: &impl WebhookOwner,
    search: &PageSearch,
) -> Result<Page<Webhook>, Refusal> {
    owner.permit_to_see()?;
    Ok(app.store.read().await?.list_webhooks(owner.account(), search).await?)
}

async fn find(
    read: &mut Read,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<Webhook, Refusal> {
    Ok(read.find_webhook(owner.account(), id).await?.ok_or(Code::NotFound)?)
}

pub(crate) async fn find_webhook(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<Webhook, Refusal> {
    owner.permit_to_see()?;
    find(&mut app.store.read().await?, owner, id).await
}

/// Returns an endpoint, and the number of its deliveries that wait.
pub(crate) async fn find_webhook_with_pending(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<(Webhook, i64), Refusal> {
    let webhook = find_webhook(app, owner, id).await?;
    Ok((webhook, app.store.read().await?.count_pending_deliveries(id).await?))
}

pub(crate) async fn update_webhook(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
    request: WebhookRequest,
) -> Result<(), Refusal> {
    let url = request.checked_url(app)?;
    let (mut write, owner) = owner.begin(app).await?;
    let before = detail_of_webhook(&find(&mut write, &owner, id).await?);
    request.permit(&owner)?;
    let after = detail_of(request.name.as_str(), &url, &request.events);
    write.update_webhook(id, (&url, request.name.as_str()), &request.events).await?;
    write.commit(owner.entry(Event::WebhookUpdated { before, after }, id)).await?;
    Ok(())
}

/// Holds the deliveries to an endpoint back until it is resumed.
pub(crate) async fn pause_webhook(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<(), Refusal> {
    let (mut write, owner) = owner.begin(app).await?;
    if find(&mut write, &owner, id).await?.state != WebhookState::Active {
        return Err(Code::WrongWebhookState.into());
    }
    write.set_webhook_state(id, WebhookState::Paused, None).await?;
    write.commit(owner.entry(Event::WebhookPaused {}, id)).await?;
    Ok(())
}

/// Sends deliveries to a paused or disabled endpoint again. One that was disabled receives the events from now on.
pub(crate) async fn resume_webhook(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<(), Refusal> {
    let (mut write, owner) = owner.begin(app).await?;
    if find(&mut write, &owner, id).await?.state == WebhookState::Active {
        return Err(Code::WrongWebhookState.into());
    }
    write.set_webhook_state(id, WebhookState::Active, None).await?;
    write.commit(owner.entry(Event::WebhookResumed {}, id)).await?;
    Ok(())
}

/// Removes an endpoint with its deliveries.
pub(crate) async fn remove_webhook(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<(), Refusal> {
    let (mut write, owner) = owner.begin(app).await?;
    let before = detail_of_webhook(&find(&mut write, &owner, id).await?);
    write.remove_webhook(id).await?;
    write.commit(owner.entry(Event::WebhookRemoved { before }, id)).await?;
    Ok(())
}

/// Gives an endpoint a new secret, which is returned once. The previous one signs, too, for a day.
pub(crate) async fn rotate_webhook_secret(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<(Webhook, WebhookSecret), Refusal> {
    let (mut write, owner) = owner.begin(app).await?;
    find(&mut write, &owner, id).await?;
    let secret = WebhookSecret::generate(&app.entropy);
    let sealed = secret.seal(app, &mut write, id).await?;
    let until = write.now().plus(BOTH_SIGN);
    write.rotate_webhook_secret(id, &sealed, until).await?;
    let webhook = find(&mut write, &owner, id).await?;
    let rotated = Event::WebhookSecretRotated { previous_secret_expires_at: Rfc3339(until) };
    write.commit(owner.entry(rotated, id)).await?;
    Ok((webhook, secret))
}

/// Sends a test event to an endpoint, whatever events it receives.
pub(crate) async fn test_webhook(
    app: &AppState,
    owner: &impl WebhookOwner,
    id: WebhookId,
) -> Result<(), Refusal> {
    let (mut write, owner) = owner.begin(app).await?;
    if find(&mut write, &owner, id).await?.state != WebhookState::Active {
        return Err(Code::WrongWebhookState.into());
    }
    write.commit(owner.entry(Event::WebhookTested {}, id)).await?;
    Ok(())
}

/// The types of events that an endpoint can receive, in the order of their areas.
pub(crate) fn event_types() -> Vec<&'static str> {
    let mut types: Vec<_> = Event::NAMES.to_vec();
    types.push(AUDIT_RECORDED);
    types.sort_unstable();
    types
}

/// Returns until when the previous secret of an endpoint signs, if it does now.
pub(crate) fn previous_until(webhook: &Webhook, now: Timestamp) -> Option<Timestamp> {
    webhook.previous.as_ref().map(|(_, until)| *until).filter(|until| *until > now)
}
