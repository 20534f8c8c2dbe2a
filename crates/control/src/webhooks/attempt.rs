//! An attempt to deliver an event: the signed request, and what the log keeps of its result.

use super::{message, signature::signatures};
use crate::AppState;
use http::{Request, header};
use keydesk_model::{LONGEST_DELAY, Timestamp};
use keydesk_outbound::{Bounds, Reach};
use keydesk_store::{Delivery, DeliveryAttempt, LoggedEvent, Webhook};
use keydesk_token::without_tokens;
use std::time::Duration;

/// The limits of an attempt. Of the response's body, the log keeps this much.
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(15), bytes: 1024 };

/// Returns the number of an event in the log that an endpoint follows: that of its account, or of the instance.
pub(super) fn number_for(webhook: &Webhook, event: &LoggedEvent) -> i64 {
    if webhook.account.is_some() { event.number } else { event.seq }
}

/// Returns the request of an attempt, or the reason why it can't be made.
pub(super) fn request(
    app: &AppState,
    webhook: &Webhook,
    delivery: &Delivery,
    event: &LoggedEvent,
) -> Result<Request<Vec<u8>>, String> {
    // The operator may have changed the rules since the URL was saved.
    let uri =
        app.outbound.customer_servers().check(&webhook.url).map_err(|fault| fault.to_string())?;
    let (id, body) = (message::id_of(&delivery.kind, event), message::body(&delivery.kind, event));
    let now = app.now();
    let signatures = signatures(app, webhook, now, (&id, &body))
        .ok_or("the key file does not open the secret")?;
    let request = Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("Keydesk-Webhooks/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_millis() / 1000)
        .header("webhook-signature", signatures)
        .header("keydesk-seq", number_for(webhook, event))
        .header("keydesk-previous-seq", delivery.previous)
        .header("keydesk-chain", &event.chain);
    request.body(body.into_bytes()).map_err(|error| error.to_string())
}

/// Sends a request. Returns the result, and the time for which the receiver asked to be left alone.
pub(super) async fn send(
    app: &AppState,
    request: Result<Request<Vec<u8>>, String>,
) -> (DeliveryAttempt, Option<Duration>) {
    let (at, began) = (app.now(), tokio::time::Instant::now());
    let sent = match request {
        Ok(request) => {
            let sent = app.outbound.notify(request, BOUNDS, Reach::Customers).await;
            sent.map_err(|error| error.to_string())
        }
        Err(why) => Err(why),
    };
    let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    match sent {
        Ok(response) => {
            let (head, body) = response.into_parts();
            let retry_after = head.headers.get(header::RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| value.to_str().ok());
            let status = Some(i64::from(head.status.as_u16()));
            let response = shown(&String::from_utf8_lossy(&body));
            let attempt =
                DeliveryAttempt { at, duration_ms, status, error: String::new(), response };
            (attempt, retry_after.and_then(|text| read_retry_after(text, at)))
        }
        Err(error) => {
            let (error, response) = (shown(&error), String::new());
            (DeliveryAttempt { at, duration_ms, status: None, error, response }, None)
        }
    }
}

/// Returns the time in `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
fn read_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let wait = if let Ok(seconds) = text.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
        Timestamp::from_micros(at.as_microsecond()).since(now)
    };
    Some(wait.min(LONGEST_DELAY))
}

/// Returns the text as the log of deliveries shows it.
fn shown(text: &str) -> String {
    let text = without_tokens(text);
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(BOUNDS.bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let read = |text: &str| read_retry_after(text, now);
        assert_eq!(read("120"), Some(Duration::from_mins(2)));
        assert_eq!(read("Tue, 14 Nov 2023 22:14:20 GMT"), Some(Duration::from_mins(1)));
        assert_eq!(read("Tue, 14 Nov 2023 22:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("999999999"), Some(LONGEST_DELAY));
        assert_eq!(read("soon"), None);
    }
}
