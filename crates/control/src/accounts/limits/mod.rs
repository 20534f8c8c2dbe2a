//! The limits of a whole account: its plan, set by an operator, and the IP allowlist of all its tokens, set by its
//! administrators.

pub(crate) mod api;
pub(crate) mod console;
mod cors_form;

use crate::{
    AppState,
    operations::LATELY,
    principal::Caller,
    refusal::{Code, Refusal},
    tokens::{ObservedClient, expiry::list_over_expiry, list_clients_of_account},
};
use keydesk_model::{
    CorsPolicy, Event, IpAllowlist, Mode, Month, Permission, Plan, UnfamiliarUse,
    audit::{AccountTerms, IpTerms},
};
use keydesk_store::{Account, Token};

#[derive(Debug)]
pub(crate) struct AccountReview {
    pub account: Account,
    /// The plan, or `None` if the account has no limits of its own.
    pub plan: Option<Plan>,
    pub requests_this_month: i64,
    /// The addresses that its tokens were used from in the last 30 days, or `None` if there are too many.
    pub seen: Option<IpAllowlist>,
    /// The tokens that the account's expiration policies would have rejected.
    pub over_expiry: Vec<Token>,
}

/// Returns the clients that use tokens of the account from other addresses than these.
pub(crate) async fn list_clients_outside(
    app: &AppState,
    caller: &Caller,
    allowed: &IpAllowlist,
) -> Result<Vec<ObservedClient>, Refusal> {
    caller.permit(Permission::LimitAccount)?;
    let mut clients = list_clients_of_account(app, caller.account.id).await?;
    clients.retain(|client| client.client_ip.parse().is_ok_and(|address| !allowed.admits(address)));
    Ok(clients)
}

pub(crate) async fn review_account(
    app: &AppState,
    caller: &Caller,
) -> Result<AccountReview, Refusal> {
    caller.permit(Permission::SeeLimits)?;
    let now = app.now();
    let mut read = app.store.read().await?;
    let account = read.find_account(caller.account.id).await?.ok_or(Code::NotFound)?;
    let requests_this_month = read.count_requests(account.number, Month::of(now)).await?;
    let seen = read.list_addresses_of_account(account.id, now.minus(LATELY)).await?;
    let seen = seen.join(" ").parse::<IpAllowlist>().ok().map(|list| list.proposed());
    let plan = app.settings.plans.of(&account.plan).cloned();
    drop(read);
    Ok(AccountReview {
        over_expiry: list_over_expiry(app, caller).await?,
        account,
        plan,
        requests_this_month,
        seen: seen.filter(|seen| !seen.is_empty()),
    })
}

/// Sets the IP allowlist of all tokens of the account. Enforcing an allowlist drops the observed one.
pub(crate) async fn limit_account(
    app: &AppState,
    caller: &Caller,
    wanted: IpAllowlist,
    mode: Mode,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::LimitAccount).await?;
    let mut account = caller.account.clone();
    let terms = |account: &Account| IpTerms {
        ip_allowlist: account.ip_allowlist.clone(),
        observed: account.observed.clone(),
    };
    let before = terms(&account);
    (account.ip_allowlist, account.observed) = match mode {
        Mode::Enforce => (wanted, None),
        Mode::Observe => (account.ip_allowlist, Some(wanted)),
    };
    write.limit_account(&account).await?;
    let limited = Event::AccountLimited { before, after: terms(&account) };
    write.commit(caller.entry(limited, account.id)).await?;
    Ok(())
}

/// Sets the maximum lifetime of the account's new API tokens.
pub(crate) async fn limit_expiry(
    app: &AppState,
    caller: &Caller,
    max_days: Option<u16>,
    is_required: bool,
    mode: Mode,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::LimitAccount).await?;
    let mut account = caller.account.clone();
    let terms = |account: &Account| AccountTerms {
        max_lifetime_days: account.max_lifetime_days,
        requires_expiry: account.requires_expiry,
        mode: account.expiry_mode,
    };
    let before = terms(&account);
    (account.max_lifetime_days, account.requires_expiry) = (max_days, is_required);
    account.expiry_mode = mode;
    write.set_account_expiry(&account).await?;
    let limited = Event::AccountTokenLifetimeLimited { before, after: terms(&account) };
    write.commit(caller.entry(limited, account.id)).await?;
    Ok(())
}

/// Sets what happens when an API token of the account is used by an unfamiliar client from an unfamiliar network.
pub(crate) async fn set_unfamiliar_use(
    app: &AppState,
    caller: &Caller,
    wanted: &str,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::LimitAccount).await?;
    let wanted = wanted.parse::<UnfamiliarUse>();
    let wanted = wanted.map_err(|()| Refusal::new(Code::InvalidForm).at("unfamiliar_use"))?;
    let (account, before) = (caller.account.id, caller.account.unfamiliar_use);
    write.set_account_unfamiliar_use(account, wanted).await?;
    let changed = Event::AccountUnfamiliarUseChanged { before, after: wanted };
    write.commit(caller.entry(changed, account)).await?;
    Ok(())
}

/// Sets the web origins that can send requests with the account's tokens. With `None`, the operator's policy for all
/// accounts applies.
pub(crate) async fn set_cors(
    app: &AppState,
    caller: &Caller,
    policy: Option<CorsPolicy>,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::LimitAccount).await?;
    if !app.settings.has_account_cors {
        return Err(Code::NotFound.into());
    }
    let mut account = caller.account.clone();
    let before = std::mem::replace(&mut account.cors, policy);
    write.set_account_cors(&account).await?;
    let changed = Event::AccountCorsChanged { before, after: account.cors };
    write.commit(caller.entry(changed, account.id)).await?;
    Ok(())
}
