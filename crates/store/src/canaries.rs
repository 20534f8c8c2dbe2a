//! Canary tokens, and their uses as gateways report them.

use crate::{
    Cursor, Page, PageSearch, Read, Sent, Store, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, CanaryId, CanaryUse, Change, LiveCanary, Timestamp};
use keydesk_token::TokenHash;

#[derive(Clone, Debug)]
pub struct Canary {
    pub id: CanaryId,
    pub account: AccountId,
    pub name: String,
    pub masked: String,
    pub created_at: Timestamp,
    pub removed_at: Option<Timestamp>,
    /// The number of uses that have been in an alarm.
    pub uses: i64,
    pub last_used_at: Option<Timestamp>,
    pub last_used_by: Option<String>,
    pub last_used_from: Option<String>,
    /// The time of the last alarm.
    pub alarmed_at: Option<Timestamp>,
}

macro_rules! select_canaries {
    ($condition:literal) => {
        concat!(
            "SELECT id, account_id, name, masked, created_at, removed_at, uses, last_used_at, last_used_by, \
             last_used_from, alarmed_at FROM canary WHERE ",
            $condition
        )
    };
}

const FIND: &str = select_canaries!("account_id = $1 AND id = $2 AND removed_at IS NULL");
/// Removed ones, too.
const OF_SECRET: &str = select_canaries!("hash = $1");
const PAGE: &str = select_canaries!(
    "account_id = $1 AND removed_at IS NULL AND ($2 = 0 OR (created_at, id) < ($2, $3)) \
     AND ($4 = '' OR lower(name) LIKE $4 ESCAPE '!' OR name LIKE $5 ESCAPE '!' OR masked LIKE $5 ESCAPE '!') \
     ORDER BY created_at DESC, id DESC LIMIT $6"
);
const COUNT: &str =
    "SELECT count(*) AS number FROM canary WHERE account_id = $1 AND removed_at IS NULL";
/// Selects only columns that a gateway's database user can read.
const LIVE: &str = "SELECT id, hash FROM canary WHERE removed_at IS NULL";
const HASH: &str = "SELECT id, hash FROM canary WHERE id = $1";
const ADD: &str = "INSERT INTO canary (id, account_id, name, hash, masked, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const REMOVE: &str = "UPDATE canary SET removed_at = $1 WHERE id = $2 AND removed_at IS NULL";
const RECORD: &str = "INSERT INTO canary_use (canary_id, at, client_ip, client, method, path, request_id, uses) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
/// Uses of canaries that raise an alarm now: those without an alarm since an instant.
const DUE: &str = select_canaries!(
    "id IN (SELECT canary_id FROM canary_use) AND (alarmed_at IS NULL OR alarmed_at <= $1) ORDER BY id LIMIT 100"
);
const USES: &str = "SELECT canary_id, at, client_ip, client, method, path, request_id, uses FROM canary_use \
    WHERE canary_id = $1 ORDER BY at";
const FORGET_USES: &str = "DELETE FROM canary_use WHERE canary_id = $1";
const ALARM: &str = "UPDATE canary SET alarmed_at = $1, uses = uses + $2, last_used_at = $3, last_used_by = $4, \
    last_used_from = $5 WHERE id = $6";

fn canary(row: &SqlRow) -> Result<Canary, StoreError> {
    Ok(Canary {
        id: row::parsed(row, "id")?,
        account: row::parsed(row, "account_id")?,
        name: row::text(row, "name")?,
        masked: row::text(row, "masked")?,
        created_at: row::instant(row, "created_at")?,
        removed_at: row::instant_opt(row, "removed_at")?,
        uses: row.get("uses")?,
        last_used_at: row::instant_opt(row, "last_used_at")?,
        last_used_by: row.get("last_used_by")?,
        last_used_from: row.get("last_used_from")?,
        alarmed_at: row::instant_opt(row, "alarmed_at")?,
    })
}

fn live(row: &SqlRow) -> Result<LiveCanary, StoreError> {
    let hash = TokenHash::from_bytes(row::digest(row, "hash")?);
    Ok(LiveCanary { id: row::parsed(row, "id")?, hash })
}

fn canary_use(row: &SqlRow) -> Result<CanaryUse, StoreError> {
    Ok(CanaryUse {
        canary: row::parsed(row, "canary_id")?,
        at: row::instant(row, "at")?,
        client_ip: row::text(row, "client_ip")?,
        client: row::text(row, "client")?,
        method: row::text(row, "method")?,
        path: row::text(row, "path")?,
        request_id: row::text(row, "request_id")?,
        uses: row.get("uses")?,
    })
}

impl Read {
    /// Returns a canary token that has not been removed.
    pub async fn find_canary(
        &mut self,
        account: AccountId,
        id: CanaryId,
    ) -> Result<Option<Canary>, StoreError> {
        let asked = query(FIND).bind(account).bind(id);
        asked.optional(self).await?.as_ref().map(canary).transpose()
    }

    /// Returns the canary token with this digest, even if it has been removed.
    pub async fn find_canary_of_secret(
        &mut self,
        hash: &TokenHash,
    ) -> Result<Option<Canary>, StoreError> {
        let asked = query(OF_SECRET).bind(hash.as_bytes().to_vec());
        asked.optional(self).await?.as_ref().map(canary).transpose()
    }

    /// Returns a page of an account's canary tokens, newest first.
    pub async fn list_canaries(
        &mut self,
        account: AccountId,
        search: &PageSearch,
    ) -> Result<Page<Canary>, StoreError> {
        let asked = search.bind(query(PAGE).bind(account)).bind(search.rows());
        let found: Vec<_> = asked.all(self).await?.iter().map(canary).collect::<Result<_, _>>()?;
        let position =
            |canary: &Canary| Cursor { at: canary.created_at, id: canary.id.to_string() };
        Ok(search.page(found, position))
    }

    pub async fn count_canaries(&mut self, account: AccountId) -> Result<i64, StoreError> {
        query(COUNT).bind(account).one(self).await?.get("number")
    }

    /// Returns all canary tokens, as gateways know them.
    pub(crate) async fn list_live_canaries(&mut self) -> Result<Vec<LiveCanary>, StoreError> {
        query(LIVE).all(self).await?.iter().map(live).collect()
    }

    /// Returns the canary tokens with uses for an alarm, if the last one was before `summarized_before`.
    pub async fn list_used_canaries(
        &mut self,
        summarized_before: Timestamp,
    ) -> Result<Vec<Canary>, StoreError> {
        query(DUE).bind(summarized_before).all(self).await?.iter().map(canary).collect()
    }
}

impl Write {
    /// Adds a canary token. Returns [`StoreError::Conflict`] if its digest is known.
    pub async fn add_canary(
        &mut self,
        (account, id): (AccountId, CanaryId),
        name: &str,
        (hash, masked): (&TokenHash, &str),
    ) -> Result<(), StoreError> {
        let now = self.now();
        let add = query(ADD).bind(id).bind(account).bind(name).bind(hash.as_bytes().to_vec());
        add.bind(masked).bind(now).insert(self).await?;
        self.record(&Change::CanaryCreated(LiveCanary { id, hash: *hash })).await
    }

    pub async fn remove_canary(&mut self, id: CanaryId) -> Result<(), StoreError> {
        let now = self.now();
        query(REMOVE).bind(now).bind(id).execute(self).await?;
        let removed = live(&query(HASH).bind(id).one(self).await?)?;
        self.record(&Change::CanaryRemoved(removed)).await
    }

    /// Returns the uses of a canary token that have not been in an alarm, oldest first, and marks them as alarmed.
    pub async fn take_canary_uses(&mut self, id: CanaryId) -> Result<Vec<CanaryUse>, StoreError> {
        let rows = query(USES).bind(id).all(self).await?;
        let uses: Vec<_> = rows.iter().map(canary_use).collect::<Result<_, _>>()?;
        let Some(last) = uses.last() else { return Ok(uses) };
        let now = self.now();
        query(FORGET_USES).bind(id).execute(self).await?;
        let count: i64 = uses.iter().map(|used| used.uses).sum();
        let alarm = query(ALARM).bind(now).bind(count).bind(last.at).bind(&last.client);
        alarm.bind(&last.client_ip).bind(id).execute(self).await?;
        Ok(uses)
    }
}

impl Store {
    /// Records the uses that a gateway reports.
    pub async fn record_canary_uses(
        &self,
        uses: &[CanaryUse],
        sent: Sent<'_>,
    ) -> Result<(), StoreError> {
        let mut aside = self.aside().await?;
        if sent.is_new(&mut aside).await? {
            for used in uses {
                let record = query(RECORD).bind(used.canary).bind(used.at).bind(&used.client_ip);
                let record = record.bind(&used.client).bind(&used.method).bind(&used.path);
                record.bind(&used.request_id).bind(used.uses).execute(&mut aside).await?;
            }
        }
        aside.finish().await
    }
}
