//! The request log: the newest requests of each account.

use crate::{
    Page, PageSearch, Read, Store, StoreError, Write,
    page::Cursor,
    row,
    sql::{Runs, SqlRow, query},
};
use keydesk_model::{AccountId, AccountNumber, LoggedRequest, RequestOutcome, Timestamp, TokenId};

/// What a list of logged requests is restricted to.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFilter {
    pub outcome: Option<RequestOutcome>,
    pub token: Option<TokenId>,
}

macro_rules! select_requests {
    ($condition:literal) => {
        concat!(
            "SELECT account_number, outcome, at, id, token_id, method, path, operation, status, is_upstreams, code, \
             duration_us, client, client_ip, upstream FROM request_log WHERE ",
            $condition
        )
    };
}

const ADD: &str = "INSERT INTO request_log (account_number, outcome, at, id, token_id, method, path, operation, status, \
    is_upstreams, code, duration_us, client, client_ip, upstream) \
    SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS TEXT), \
    CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT), CAST($9 AS BIGINT), CAST($10 AS BIGINT), CAST($11 AS TEXT), \
    CAST($12 AS BIGINT), CAST($13 AS TEXT), CAST($14 AS TEXT), CAST($15 AS TEXT) \
    WHERE EXISTS (SELECT 1 FROM account WHERE number = $1 AND logs_requests = 1) ON CONFLICT DO NOTHING";
const PAGE: &str = select_requests!(
    "account_number = $1 AND ($2 = 0 OR (at, id) < ($2, $3)) \
     AND ($4 = '' OR lower(method || ' ' || path || ' ' || operation || ' ' || CAST(status AS TEXT) || ' ' || code \
       || ' ' || client || ' ' || client_ip || ' ' || id) LIKE $4 ESCAPE '!' OR path LIKE $5 ESCAPE '!') \
     AND ($6 = '' OR outcome = $6) AND ($7 = '' OR token_id = $7) ORDER BY at DESC, id DESC LIMIT $8"
);
const FIND: &str = select_requests!(
    "account_number = $1 AND id = $2 \
    ORDER BY CASE WHEN token_id IS NULL THEN 1 ELSE 0 END, at DESC LIMIT 1"
);
const CROWDED: &str = "SELECT account_number, outcome FROM request_log \
    GROUP BY account_number, outcome HAVING count(*) > $1";
const TRIM: &str = "DELETE FROM request_log WHERE account_number = $1 AND outcome = $2 AND at < \
    (SELECT at FROM request_log WHERE account_number = $1 AND outcome = $2 ORDER BY at DESC LIMIT 1 OFFSET $3)";
const FORGET: &str = "DELETE FROM request_log WHERE at < $1";

const IS_ON: &str = "SELECT logs_requests FROM account WHERE id = $1";
const SET_ON: &str = "UPDATE account SET logs_requests = $1 WHERE id = $2";
const FORGET_ALL: &str =
    "DELETE FROM request_log WHERE account_number = (SELECT number FROM account WHERE id = $1)";

fn logged(row: &SqlRow) -> Result<LoggedRequest, StoreError> {
    Ok(LoggedRequest {
        id: row::text(row, "id")?,
        at: row::instant(row, "at")?,
        account: row::account_number(row, "account_number")?,
        token: row::parsed_opt(row, "token_id")?,
        outcome: row::parsed(row, "outcome")?,
        method: row::text(row, "method")?,
        path: row::text(row, "path")?,
        operation: row::text(row, "operation")?,
        status: u16::try_from(row.get::<i64>("status")?).unwrap_or_default(),
        is_upstreams: row.get::<i64>("is_upstreams")? != 0,
        code: row::text(row, "code")?,
        duration_us: row.get("duration_us")?,
        client: row::text(row, "client")?,
        client_ip: row::text(row, "client_ip")?,
        upstream: row::text(row, "upstream")?,
    })
}

impl Read {
    /// Returns a page of an account's requests, newest first.
    pub async fn list_requests(
        &mut self,
        account: AccountNumber,
        filter: &RequestFilter,
        search: &PageSearch,
    ) -> Result<Page<LoggedRequest>, StoreError> {
        let asked = search.bind(query(PAGE).bind(u32::from(account)));
        let asked = asked.bind(filter.outcome.map_or("", RequestOutcome::as_str));
        let token = filter.token.map(|token| token.to_string()).unwrap_or_default();
        let rows = asked.bind(token).bind(search.rows()).all(self).await?;
        let found = rows.iter().map(logged).collect::<Result<Vec<_>, _>>()?;
        Ok(search.page(found, |request| Cursor { at: request.at, id: request.id.clone() }))
    }

    pub async fn find_request(
        &mut self,
        account: AccountNumber,
        id: &str,
    ) -> Result<Option<LoggedRequest>, StoreError> {
        let row = query(FIND).bind(u32::from(account)).bind(id).optional(self).await?;
        row.as_ref().map(logged).transpose()
    }
}

impl Read {
    /// Returns whether the requests of an account are logged.
    pub async fn logs_requests(&mut self, account: AccountId) -> Result<bool, StoreError> {
        let row = query(IS_ON).bind(account).optional(self).await?;
        Ok(row.map(|row| row.get::<i64>("logs_requests")).transpose()?.is_some_and(|on| on != 0))
    }
}

impl Write {
    /// Turns the request log of an account on, or off: then what is in it is deleted.
    pub async fn set_logs_requests(
        &mut self,
        account: AccountId,
        on: bool,
    ) -> Result<(), StoreError> {
        query(SET_ON).bind(i64::from(on)).bind(account).execute(self).await?;
        if !on {
            query(FORGET_ALL).bind(account).execute(self).await?;
        }
        Ok(())
    }
}

/// Adds requests of known accounts that want it.
pub(crate) async fn add(
    runs: &mut impl Runs,
    requests: &[LoggedRequest],
) -> Result<(), StoreError> {
    for request in requests {
        let token = request.token.map(|token| token.to_string());
        let add = query(ADD).bind(u32::from(request.account)).bind(request.outcome.as_str());
        let add = add.bind(request.at).bind(&request.id).bind(token).bind(&request.method);
        let add = add.bind(&request.path).bind(&request.operation).bind(i64::from(request.status));
        let add = add.bind(i64::from(request.is_upstreams)).bind(&request.code);
        let add = add.bind(request.duration_us).bind(&request.client).bind(&request.client_ip);
        add.bind(&request.upstream).execute(runs).await?;
    }
    Ok(())
}

impl Store {
    /// Deletes requests before an instant, and all but the newest of each account and outcome.
    pub async fn forget_requests(&self, before: Timestamp, most: u32) -> Result<(), StoreError> {
        self.run_aside(query(FORGET).bind(before)).await?;
        let crowded = query(CROWDED).bind(most).all(&mut self.read().await?).await?;
        for row in &crowded {
            let (account, outcome) =
                (row::account_number(row, "account_number")?, row::text(row, "outcome")?);
            let trim = query(TRIM).bind(u32::from(account)).bind(outcome);
            self.run_aside(trim.bind(i64::from(most) - 1)).await?;
        }
        Ok(())
    }
}
