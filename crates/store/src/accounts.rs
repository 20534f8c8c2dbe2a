//! Accounts: customers of the API.

use crate::{
    Read, Standing, StoreError, Write,
    page::patterns,
    row,
    sql::{SqlRow, query},
};
use keydesk_model::{
    AccountId, AccountName, AccountNumber, AccountState, Change, CorsPolicy, IpAllowlist,
    LiveAccount, Mode, Month, Timestamp, UnfamiliarUse, UserId,
};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub number: AccountNumber,
    pub name: String,
    /// The name of its plan, or empty for the plan of all accounts without one of their own.
    pub plan: String,
    /// The IP allowlist of its tokens.
    pub ip_allowlist: IpAllowlist,
    /// The IP allowlist that is only observed.
    pub observed: Option<IpAllowlist>,
    /// The limits on the lifetime of new API tokens.
    pub max_lifetime_days: Option<u16>,
    pub requires_expiry: bool,
    /// Whether expiry limits reject or are only observed.
    pub expiry_mode: Mode,
    pub state: AccountState,
    /// The time since which it is suspended, closed, or gone.
    pub state_since: Option<Timestamp>,
    /// The time of its last state change, including reopening, or the epoch if there was none.
    pub state_changed_at: Timestamp,
    /// Whether its members must have two-factor authentication.
    pub requires_two_factor: bool,
    /// The CORS policy for its tokens, if it sets one of its own.
    pub cors: Option<CorsPolicy>,
    pub unfamiliar_use: UnfamiliarUse,
}

impl Account {
    fn live(&self) -> LiveAccount {
        LiveAccount {
            account: self.id,
            number: self.number,
            plan: self.plan.clone(),
            ip_allowlist: self.ip_allowlist.clone(),
            observed: self.observed.clone(),
            state: self.state,
            state_since: self.state_changed_at,
            cors: self.cors.clone(),
        }
    }
}

/// A query for accounts.
#[derive(Clone, Debug)]
pub struct AccountSearch {
    /// A part of the name or number, or empty for all accounts.
    pub text: String,
    /// The last account of the previous page.
    pub after: Option<AccountNumber>,
    pub limit: u32,
}

/// An account with its counts.
#[derive(Debug)]
pub struct AccountOverview {
    pub account: Account,
    pub members: i64,
    pub api_tokens: i64,
    /// The requests of the month at all gateways, or 0 if its plan has no quota.
    pub requests: i64,
}

const COUNT: &str = "SELECT count(*) AS number FROM account";
const ADD: &str = "INSERT INTO account (id, number, name, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT id, number, name, plan, ip_allowlist, observed_ip_allowlist, max_lifetime_days, requires_expiry, expiry_mode, state, state_since, state_changed_at, requires_two_factor, cors, unfamiliar_use FROM account WHERE id = $1";
const FIND_BY_NUMBER: &str = "SELECT id, number, name, plan, ip_allowlist, observed_ip_allowlist, max_lifetime_days, requires_expiry, expiry_mode, state, state_since, state_changed_at, requires_two_factor, cors, unfamiliar_use FROM account WHERE number = $1";
/// Selects accounts after the account with number $3, with the counts of each.
const SEARCH: &str = "SELECT id, number, name, plan, ip_allowlist, observed_ip_allowlist, max_lifetime_days, requires_expiry, expiry_mode, state, state_since, state_changed_at, requires_two_factor, cors, unfamiliar_use, \
    (SELECT count(*) FROM member WHERE member.account_id = account.id AND removed_at IS NULL) AS members, \
    (SELECT count(*) FROM token JOIN secret ON secret.token_id = token.id WHERE token.account_id = account.id \
    AND token_owner = 'account' AND ended_at IS NULL AND valid_until IS NULL \
    AND (expires_at IS NULL OR expires_at > $1)) AS api_tokens, \
    coalesce((SELECT requests FROM quota_use WHERE account_number = account.number AND month = $2), 0) AS requests \
    FROM account WHERE ($3 = 0 OR (name, number) > (SELECT name, number FROM account AS earlier WHERE earlier.number = $3)) \
    AND ($4 = '' OR lower(name) LIKE $4 ESCAPE '!' OR name LIKE $5 ESCAPE '!' OR CAST(number AS TEXT) LIKE $4 ESCAPE '!') \
    ORDER BY name, number LIMIT $6";
/// Selects an account as gateways load it, without its name.
macro_rules! select_live {
    ($condition:literal) => {
        concat!(
            "SELECT id, number, plan, ip_allowlist, observed_ip_allowlist, state, state_changed_at, cors FROM account WHERE ",
            $condition
        )
    };
}

const LIMITED: &str = select_live!(
    "plan <> '' OR ip_allowlist <> '' OR observed_ip_allowlist IS NOT NULL OR state_changed_at > 0 OR cors IS NOT NULL"
);
const LIVE: &str = select_live!("number = $1");
const LIMIT: &str =
    "UPDATE account SET plan = $1, ip_allowlist = $2, observed_ip_allowlist = $3 WHERE id = $4";
const SET_EXPIRY: &str = "UPDATE account SET max_lifetime_days = $1, requires_expiry = $2, expiry_mode = $3 WHERE id = $4";
const RENAME: &str = "UPDATE account SET name = $1 WHERE id = $2";
const SET_UNFAMILIAR_USE: &str = "UPDATE account SET unfamiliar_use = $1 WHERE id = $2";
const SET_CORS: &str = "UPDATE account SET cors = $1 WHERE id = $2";
const SET_STATE: &str = "UPDATE account SET state = $1, state_since = $2, state_changed_at = $3 \
    WHERE id = $4 AND state = $5";
const STOP_AGAIN: &str = "UPDATE account SET state = $1, state_since = $2, state_changed_at = $2 \
    WHERE number = $3 AND state_changed_at < $2";
const CLOSED_BEFORE: &str = "SELECT id, number, name, plan, ip_allowlist, observed_ip_allowlist, max_lifetime_days, requires_expiry, expiry_mode, state, state_since, state_changed_at, requires_two_factor, cors, unfamiliar_use FROM account \
    WHERE state = 'closed' AND state_since <= $1 ORDER BY state_since LIMIT 10";
const OF_USER: &str = "SELECT account.id, number, name, plan, ip_allowlist, observed_ip_allowlist, max_lifetime_days, requires_expiry, expiry_mode, state, state_since, state_changed_at, requires_two_factor, cors, unfamiliar_use FROM account \
    JOIN member ON member.account_id = account.id \
    WHERE member.user_id = $1 AND member.removed_at IS NULL \
    AND state IN ('active', 'suspended') \
    AND (member.sessions_from IS NULL OR member.sessions_from < $2) ORDER BY name, number";

fn account(row: &SqlRow) -> Result<Account, StoreError> {
    let max_life: Option<i64> = row.get("max_lifetime_days")?;
    Ok(Account {
        id: row::parsed(row, "id")?,
        number: row::account_number(row, "number")?,
        name: row::text(row, "name")?,
        plan: row::text(row, "plan")?,
        ip_allowlist: row::parsed(row, "ip_allowlist")?,
        observed: row::parsed_opt(row, "observed_ip_allowlist")?,
        max_lifetime_days: max_life.and_then(|days| u16::try_from(days).ok()),
        requires_expiry: row.get::<i64>("requires_expiry")? != 0,
        expiry_mode: row::text(row, "expiry_mode")?
            .parse()
            .map_err(|()| StoreError::Unreadable { column: "expiry_mode" })?,
        state: row::text(row, "state")?
            .parse()
            .map_err(|()| StoreError::Unreadable { column: "state" })?,
        state_since: row::instant_opt(row, "state_since")?,
        state_changed_at: row::instant(row, "state_changed_at")?,
        requires_two_factor: row.get::<i64>("requires_two_factor")? != 0,
        cors: cors(row)?,
        unfamiliar_use: row::text(row, "unfamiliar_use")?
            .parse()
            .map_err(|()| StoreError::Unreadable { column: "unfamiliar_use" })?,
    })
}

fn live(row: &SqlRow) -> Result<LiveAccount, StoreError> {
    Ok(LiveAccount {
        account: row::parsed(row, "id")?,
        number: row::account_number(row, "number")?,
        plan: row::text(row, "plan")?,
        ip_allowlist: row::parsed(row, "ip_allowlist")?,
        observed: row::parsed_opt(row, "observed_ip_allowlist")?,
        state: row::parsed(row, "state")?,
        state_since: row::instant(row, "state_changed_at")?,
        cors: cors(row)?,
    })
}

fn cors(row: &SqlRow) -> Result<Option<CorsPolicy>, StoreError> {
    let text: Option<String> = row.get("cors")?;
    let read = |text: String| serde_json::from_str(&text);
    text.map(read).transpose().map_err(|_| StoreError::Unreadable { column: "cors" })
}

impl Read {
    pub async fn count_accounts(&mut self) -> Result<i64, StoreError> {
        query(COUNT).one(self).await?.get("number")
    }

    pub async fn find_account(&mut self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row = query(FIND).bind(id).optional(self).await?;
        row.as_ref().map(account).transpose()
    }

    pub async fn find_account_by_number(
        &mut self,
        number: AccountNumber,
    ) -> Result<Option<Account>, StoreError> {
        let row = query(FIND_BY_NUMBER).bind(u32::from(number)).optional(self).await?;
        row.as_ref().map(account).transpose()
    }

    /// Returns a page of the accounts that match, by name, with their counts in `month`.
    pub async fn search_accounts(
        &mut self,
        search: &AccountSearch,
        (now, month): (Timestamp, Month),
    ) -> Result<Vec<AccountOverview>, StoreError> {
        let [lowercase, entered] = patterns(&search.text);
        let found = query(SEARCH)
            .bind(now)
            .bind(month.number())
            .bind(search.after.map_or(0, u32::from))
            .bind(lowercase)
            .bind(entered)
            .bind(search.limit);
        let overview = |row: &SqlRow| {
            Ok(AccountOverview {
                account: account(row)?,
                members: row.get("members")?,
                api_tokens: row.get("api_tokens")?,
                requests: row.get("requests")?,
            })
        };
        found.all(self).await?.iter().map(overview).collect()
    }

    /// Returns the accounts that have limits of their own, as gateways load them.
    pub(crate) async fn list_limited_accounts(&mut self) -> Result<Vec<LiveAccount>, StoreError> {
        query(LIMITED).all(self).await?.iter().map(live).collect()
    }

    pub(crate) async fn find_live_account(
        &mut self,
        number: AccountNumber,
    ) -> Result<Option<LiveAccount>, StoreError> {
        let row = query(LIVE).bind(u32::from(number)).optional(self).await?;
        row.as_ref().map(live).transpose()
    }

    /// Returns the accounts that were closed at `at` or before and aren't gone yet.
    pub async fn list_closed_before(&mut self, at: Timestamp) -> Result<Vec<Account>, StoreError> {
        query(CLOSED_BEFORE).bind(at).all(self).await?.iter().map(account).collect()
    }

    /// Returns the accounts that a user belongs to and may access with a login of that time, by name.
    pub async fn list_accounts_of(
        &mut self,
        user: UserId,
        logged_in_at: Timestamp,
    ) -> Result<Vec<Account>, StoreError> {
        let rows = query(OF_USER).bind(user).bind(logged_in_at).all(self).await?;
        rows.iter().map(account).collect()
    }
}

impl Write {
    pub async fn rename_account(&mut self, id: AccountId, name: &str) -> Result<(), StoreError> {
        query(RENAME).bind(name).bind(id).execute(self).await.map(|_| ())
    }

    /// Sets the limits on the lifetime of an account's new API tokens.
    pub async fn set_account_expiry(&mut self, account: &Account) -> Result<(), StoreError> {
        let days = account.max_lifetime_days.map(i64::from);
        let set = query(SET_EXPIRY).bind(days).bind(i64::from(account.requires_expiry));
        set.bind(account.expiry_mode.as_str()).bind(account.id).execute(self).await.map(|_| ())
    }

    pub async fn set_account_unfamiliar_use(
        &mut self,
        account: AccountId,
        wanted: UnfamiliarUse,
    ) -> Result<(), StoreError> {
        let set = query(SET_UNFAMILIAR_USE).bind(wanted.as_str()).bind(account);
        set.execute(self).await.map(|_| ())
    }

    /// Sets the CORS policy of an account's tokens.
    pub async fn set_account_cors(&mut self, account: &Account) -> Result<(), StoreError> {
        let text = account.cors.as_ref().map(serde_json::to_string).transpose();
        let text = text.map_err(|_| StoreError::Unreadable { column: "cors" })?;
        query(SET_CORS).bind(text).bind(account.id).execute(self).await?;
        self.record(&Change::AccountChanged(account.live())).await
    }

    /// Sets the plan and IP allowlists of an account.
    pub async fn limit_account(&mut self, account: &Account) -> Result<(), StoreError> {
        query(LIMIT)
            .bind(&account.plan)
            .bind(account.ip_allowlist.to_string())
            .bind(account.observed.as_ref().map(ToString::to_string))
            .bind(account.id)
            .execute(self)
            .await?;
        self.record(&Change::AccountChanged(account.live())).await
    }

    /// Returns [`StoreError::Conflict`] if its state is no longer the one in `account`.
    pub async fn set_account_state(
        &mut self,
        account: &mut Account,
        next: AccountState,
    ) -> Result<(), StoreError> {
        // The new time is always later than the previous one, even if a clock was set, because journals compare them.
        let follows = account.state_changed_at.plus(Duration::from_micros(1));
        let now = self.database_now().max(follows);
        let since = (next != AccountState::Active).then_some(now);
        let set = query(SET_STATE).bind(next.as_str()).bind(since.map(Timestamp::as_micros));
        let set = set.bind(now).bind(account.id).bind(account.state.as_str());
        if set.execute(self).await? != 1 {
            return Err(StoreError::Conflict);
        }
        (account.state, account.state_since, account.state_changed_at) = (next, since, now);
        self.record(&Change::AccountChanged(account.live())).await
    }

    /// Suspends or closes an account again that this database has forgotten. Returns whether it had.
    pub async fn stop_again(&mut self, standing: &Standing) -> Result<bool, StoreError> {
        let Standing { number, state, at } = *standing;
        let stop = query(STOP_AGAIN).bind(state.as_str()).bind(at).bind(u32::from(number));
        if stop.execute(self).await? == 0 {
            return Ok(false);
        }
        self.record(&Change::AccountStopped { number, state, at }).await?;
        Ok(true)
    }

    /// Returns [`StoreError::Conflict`] if the number is taken.
    pub async fn add_account(
        &mut self,
        id: AccountId,
        number: AccountNumber,
        name: &AccountName,
    ) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD).bind(id).bind(u32::from(number)).bind(name.as_str()).bind(now).insert(self).await
    }
}
