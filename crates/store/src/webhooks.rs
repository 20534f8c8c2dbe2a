//! Webhooks: the endpoints that receive events, and their sealed secrets.

use crate::{
    Cursor, Page, PageSearch, Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, DisabledReason, EventFilter, Timestamp, WebhookId, WebhookState};

/// An endpoint of an account, or of the instance if it has no account.
#[derive(Clone)]
pub struct Webhook {
    pub id: WebhookId,
    pub account: Option<AccountId>,
    pub url: String,
    pub name: String,
    pub events: EventFilter,
    pub state: WebhookState,
    pub disabled_reason: Option<DisabledReason>,
    /// The sealed secret that signs.
    pub sealed: Vec<u8>,
    /// The sealed secret that signs, too, until an instant.
    pub previous: Option<(Vec<u8>, Timestamp)>,
    pub created_at: Timestamp,
    /// The number of the last audit entry that it doesn't receive.
    pub after_seq: i64,
    /// The number of the newest event that it received, in the log that it follows.
    pub last_number: i64,
    /// The time of the first attempt that failed since the last one that succeeded.
    pub failing_since: Option<Timestamp>,
    pub throttled_until: Option<Timestamp>,
}

/// Shows the ID alone, because the others hold secrets.
macro_rules! debug_by_id {
    ($($name:ident by $id:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.$id)
            }
        }
    )*};
}

debug_by_id!(Webhook by id, NewWebhook by id, SealedWebhookSecret by webhook);

#[derive(Clone)]
pub struct NewWebhook {
    pub id: WebhookId,
    pub account: Option<AccountId>,
    pub url: String,
    pub name: String,
    pub events: EventFilter,
    pub sealed: Vec<u8>,
}

/// A secret that is sealed under another key, with the endpoint that it belongs to.
#[derive(Clone)]
pub struct SealedWebhookSecret {
    pub webhook: WebhookId,
    pub sealed: Vec<u8>,
    pub is_previous: bool,
}

macro_rules! select_webhooks {
    ($condition:literal) => {
        concat!(
            "SELECT id, account_id, url, name, events, state, disabled_reason, sealed, previous_sealed, \
             previous_until, created_at, after_seq, last_number, failing_since, throttled_until FROM webhook WHERE ",
            $condition
        )
    };
}

const FIND: &str = select_webhooks!("coalesce(account_id, '') = $1 AND id = $2");
const FIND_ANY: &str = select_webhooks!("id = $1");
const PAGE: &str = select_webhooks!(
    "coalesce(account_id, '') = $1 AND ($2 = 0 OR (created_at, id) < ($2, $3)) \
     AND ($4 = '' OR lower(name || ' ' || url) LIKE $4 ESCAPE '!' OR name LIKE $5 ESCAPE '!') \
     ORDER BY created_at DESC, id DESC LIMIT $6"
);
/// The endpoints of the instance, and those of the accounts of the entries from $1 to $2.
const OPEN: &str = select_webhooks!(
    "state <> 'disabled' AND (account_id IS NULL OR account_id IN \
       (SELECT account_id FROM audit WHERE seq BETWEEN $1 AND $2 AND account_id IS NOT NULL)) \
     ORDER BY created_at, id"
);
const OF_ACCOUNT: &str = "SELECT id FROM webhook WHERE account_id = $1";
const COUNT: &str = "SELECT count(*) AS number FROM webhook WHERE coalesce(account_id, '') = $1";
const ADD: &str = "INSERT INTO webhook (id, account_id, url, name, events, state, sealed, created_at, after_seq) \
    VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, (SELECT audit_seq FROM head WHERE one = 1))";
const UPDATE: &str = "UPDATE webhook SET url = $1, name = $2, events = $3 WHERE id = $4";
const SET_STATE: &str = "UPDATE webhook SET state = $1, disabled_reason = $2, failing_since = NULL, \
    throttled_until = NULL, after_seq = CASE WHEN state = 'disabled' \
      THEN (SELECT audit_seq FROM head WHERE one = 1) ELSE after_seq END WHERE id = $3";
const FAIL_WAITING: &str = "UPDATE delivery SET state = 'failed', next_at = NULL \
    WHERE webhook_id = $1 AND next_at IS NOT NULL AND is_redelivery = 0";
const ROTATE: &str =
    "UPDATE webhook SET previous_sealed = sealed, previous_until = $1, sealed = $2 WHERE id = $3";
const REMOVE: [&str; 3] = [
    "DELETE FROM delivery_attempt WHERE delivery_id IN (SELECT id FROM delivery WHERE webhook_id = $1)",
    "DELETE FROM delivery WHERE webhook_id = $1",
    "DELETE FROM webhook WHERE id = $1",
];
const SET_LAST: &str = "UPDATE webhook SET last_number = $1 WHERE id = $2";
const SUCCEEDED: &str =
    "UPDATE webhook SET failing_since = NULL, throttled_until = NULL WHERE id = $1";
const FAILING: &str = "UPDATE webhook SET failing_since = coalesce(failing_since, $1), \
    throttled_until = coalesce($2, throttled_until) WHERE id = $3";
const UNDER_OTHERS: &str = "SELECT id, sealed, 0 AS is_previous FROM webhook WHERE substr(sealed, 2, 8) <> $1 \
    UNION ALL SELECT id, previous_sealed, 1 FROM webhook \
      WHERE previous_sealed IS NOT NULL AND substr(previous_sealed, 2, 8) <> $1 LIMIT $2";
const COUNT_UNDER_OTHERS: &str = "SELECT (SELECT count(*) FROM webhook WHERE substr(sealed, 2, 8) <> $1) + \
    (SELECT count(*) FROM webhook WHERE previous_sealed IS NOT NULL AND substr(previous_sealed, 2, 8) <> $1) AS number";
const RESEAL: &str = "UPDATE webhook SET sealed = $1 WHERE id = $2 AND sealed = $3";
const RESEAL_PREVIOUS: &str =
    "UPDATE webhook SET previous_sealed = $1 WHERE id = $2 AND previous_sealed = $3";

fn webhook(row: &SqlRow) -> Result<Webhook, StoreError> {
    let previous: Option<Vec<u8>> = row.get("previous_sealed")?;
    Ok(Webhook {
        id: row::parsed(row, "id")?,
        account: row::parsed_opt(row, "account_id")?,
        url: row::text(row, "url")?,
        name: row::text(row, "name")?,
        events: row::parsed(row, "events")?,
        state: row::parsed(row, "state")?,
        disabled_reason: row::parsed_opt(row, "disabled_reason")?,
        sealed: row.get("sealed")?,
        previous: previous.zip(row::instant_opt(row, "previous_until")?),
        created_at: row::instant(row, "created_at")?,
        after_seq: row.get("after_seq")?,
        last_number: row.get("last_number")?,
        failing_since: row::instant_opt(row, "failing_since")?,
        throttled_until: row::instant_opt(row, "throttled_until")?,
    })
}

fn owner(account: Option<AccountId>) -> String {
    account.map(|id| id.to_string()).unwrap_or_default()
}

impl Read {
    /// Returns an endpoint of the account, or of the instance.
    pub async fn find_webhook(
        &mut self,
        account: Option<AccountId>,
        id: WebhookId,
    ) -> Result<Option<Webhook>, StoreError> {
        let asked = query(FIND).bind(owner(account)).bind(id);
        asked.optional(self).await?.as_ref().map(webhook).transpose()
    }

    /// Returns an endpoint of any account or of the instance.
    pub async fn find_any_webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        query(FIND_ANY).bind(id).optional(self).await?.as_ref().map(webhook).transpose()
    }

    /// Returns a page of the endpoints of the account, or of the instance, newest first.
    pub async fn list_webhooks(
        &mut self,
        account: Option<AccountId>,
        search: &PageSearch,
    ) -> Result<Page<Webhook>, StoreError> {
        let asked = search.bind(query(PAGE).bind(owner(account))).bind(search.rows());
        let found: Vec<_> = asked.all(self).await?.iter().map(webhook).collect::<Result<_, _>>()?;
        let position =
            |webhook: &Webhook| Cursor { at: webhook.created_at, id: webhook.id.to_string() };
        Ok(search.page(found, position))
    }

    /// Returns the endpoints that are not disabled and follow one of the audit entries with these numbers.
    pub async fn list_open_webhooks(
        &mut self,
        (first, last): (i64, i64),
    ) -> Result<Vec<Webhook>, StoreError> {
        query(OPEN).bind(first).bind(last).all(self).await?.iter().map(webhook).collect()
    }

    pub async fn count_webhooks(&mut self, account: Option<AccountId>) -> Result<i64, StoreError> {
        query(COUNT).bind(owner(account)).one(self).await?.get("number")
    }

    pub async fn list_webhook_secrets_under_others(
        &mut self,
        key_id: &[u8],
        limit: u32,
    ) -> Result<Vec<SealedWebhookSecret>, StoreError> {
        let rows = query(UNDER_OTHERS).bind(key_id).bind(limit).all(self).await?;
        let secret = |row: &SqlRow| {
            Ok(SealedWebhookSecret {
                webhook: row::parsed(row, "id")?,
                sealed: row.get("sealed")?,
                is_previous: row.get::<i64>("is_previous")? != 0,
            })
        };
        rows.iter().map(secret).collect()
    }

    pub async fn count_webhook_secrets_under_others(
        &mut self,
        key_id: &[u8],
    ) -> Result<i64, StoreError> {
        query(COUNT_UNDER_OTHERS).bind(key_id).one(self).await?.get("number")
    }
}

impl Write {
    pub async fn add_webhook(&mut self, new: &NewWebhook) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD).bind(new.id).bind(new.account).bind(&new.url).bind(&new.name);
        let add = add.bind(new.events.to_string()).bind(new.sealed.as_slice()).bind(now);
        add.execute(self).await.map(|_| ())
    }

    pub async fn update_webhook(
        &mut self,
        id: WebhookId,
        (url, name): (&str, &str),
        events: &EventFilter,
    ) -> Result<(), StoreError> {
        let update = query(UPDATE).bind(url).bind(name).bind(events.to_string()).bind(id);
        update.execute(self).await.map(|_| ())
    }

    /// Sets the state. An endpoint that was disabled receives the events from now on, so what waits when it is disabled is
    /// not sent.
    pub async fn set_webhook_state(
        &mut self,
        id: WebhookId,
        state: WebhookState,
        reason: Option<DisabledReason>,
    ) -> Result<(), StoreError> {
        let reason = reason.map(|reason| reason.as_str().to_owned());
        query(SET_STATE).bind(state.as_str()).bind(reason).bind(id).execute(self).await?;
        if state == WebhookState::Disabled {
            query(FAIL_WAITING).bind(id).execute(self).await?;
        }
        Ok(())
    }

    /// Gives an endpoint a new secret. The previous one signs, too, until `until`.
    pub async fn rotate_webhook_secret(
        &mut self,
        id: WebhookId,
        sealed: &[u8],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        query(ROTATE).bind(until).bind(sealed).bind(id).execute(self).await.map(|_| ())
    }

    /// Removes an endpoint and the log of its deliveries.
    pub async fn remove_webhook(&mut self, id: WebhookId) -> Result<(), StoreError> {
        for statement in REMOVE {
            query(statement).bind(id).execute(self).await?;
        }
        Ok(())
    }

    /// Removes the endpoints of an account that nobody can enter any more.
    pub async fn remove_webhooks_of(&mut self, account: AccountId) -> Result<(), StoreError> {
        for found in query(OF_ACCOUNT).bind(account).all(self).await? {
            self.remove_webhook(row::parsed(&found, "id")?).await?;
        }
        Ok(())
    }

    /// Records the number of the newest event that an endpoint receives.
    pub async fn set_webhook_last_number(
        &mut self,
        id: WebhookId,
        number: i64,
    ) -> Result<(), StoreError> {
        query(SET_LAST).bind(number).bind(id).execute(self).await.map(|_| ())
    }

    pub async fn note_webhook_succeeded(&mut self, id: WebhookId) -> Result<(), StoreError> {
        query(SUCCEEDED).bind(id).execute(self).await.map(|_| ())
    }

    /// Records a failed attempt. If the receiver has asked for it, no attempt begins before `throttled_until`.
    pub async fn note_webhook_failing(
        &mut self,
        id: WebhookId,
        throttled_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        query(FAILING).bind(now).bind(throttled_until).bind(id).execute(self).await.map(|_| ())
    }

    pub async fn reencrypt_webhook_secret(
        &mut self,
        secret: &SealedWebhookSecret,
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        let text = if secret.is_previous { RESEAL_PREVIOUS } else { RESEAL };
        let reseal = query(text).bind(sealed).bind(secret.webhook).bind(secret.sealed.as_slice());
        reseal.execute(self).await.map(|_| ())
    }
}
