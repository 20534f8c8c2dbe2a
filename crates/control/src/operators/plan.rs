//! The plan of an account: what another one would reject, and the change.

use super::list_clients_of_account;
use crate::{
    AppState,
    principal::{Administrator, Operator},
    refusal::{Code, Refusal},
    settings::Plans,
    tokens::{self, ObservedClient},
    usage,
};
use keydesk_model::{
    AccountNumber, Event, Mode, Month, OperatorPermission, Plan, Rate, Timestamp, TokenId, UsePart,
    audit::PlanDetail,
};
use keydesk_store::{Account, Store};

/// Returns the clients whose requests another plan would have rejected in the last 30 days: all of the account if it exceeds
/// its quota or rate limit, and those of each token that exceeds its rate limit. Only whole hours are known, so a rate
/// that is exceeded for minutes isn't noticed.
pub(crate) async fn list_clients_beyond_plan(
    app: &AppState,
    operator: &Operator,
    (number, wanted): (AccountNumber, &str),
) -> Result<Vec<ObservedClient>, Refusal> {
    let clients = list_clients_of_account(app, operator, number).await?;
    let mut read = app.store.read().await?;
    let account = read.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    let plans = &app.settings.plans;
    let Some(plan) = plans.of(wanted).filter(|plan| plan.mode == Mode::Enforce) else {
        return Ok(Vec::new());
    };
    let is_same = |plan: &Plan| plans.of(&account.plan).is_some_and(|held| held.name == plan.name);
    if is_same(plan) || clients.is_empty() {
        return Ok(Vec::new());
    }
    let counted = read.count_requests(number, Month::of(app.now())).await?;
    drop(read);
    let over =
        find_exceeded(app, &account, plan, u64::try_from(counted).unwrap_or_default()).await?;
    if over.is_account {
        return Ok(clients);
    }
    let mut limited = Vec::new();
    for token in over.tokens {
        limited.extend(tokens::list_clients(app, token).await?);
    }
    Ok(limited)
}

/// What the limits of a plan would have rejected in the last 30 days.
#[derive(Default)]
struct Exceeded {
    /// Whether the account exceeds its quota or rate limit.
    is_account: bool,
    /// The tokens that exceed their rate limit.
    tokens: Vec<TokenId>,
}

fn exceeds(rate: Option<Rate>, requests_an_hour: u64) -> bool {
    rate.is_some_and(|rate| {
        let in_an_hour = u64::from(rate.requests()) * 3_600 / rate.span().as_secs().max(1);
        requests_an_hour > in_an_hour
    })
}

/// Compares a plan with the usage of the last 30 days. `counted` is what already counts towards the quota of this month.
async fn find_exceeded(
    app: &AppState,
    account: &Account,
    plan: &Plan,
    counted: u64,
) -> Result<Exceeded, Refusal> {
    let range = (app.now().minus(usage::MONTH), app.now());
    let mut read = app.store.read().await?;
    let id = (account.id, account.number);
    let hours = usage::hours_of_account(&mut read, id, range, UsePart::Tokens).await?;
    let requests: u64 = hours.values().map(|hour| hour.all.requests).sum();
    let exceeds_quota = plan.monthly_quota.is_some_and(|quota| requests.max(counted) > quota);
    let exceeds_rate = hours.values().any(|hour| exceeds(plan.rate, hour.all.requests));
    let mut over = Exceeded { is_account: exceeds_quota || exceeds_rate, tokens: Vec::new() };
    for hour in hours.values() {
        let busy = hour.tokens.iter().filter(|(_, used)| exceeds(plan.token_rate, used.requests));
        over.tokens.extend(busy.filter_map(|(id, _)| id.parse::<TokenId>().ok()));
    }
    over.tokens.sort_unstable();
    over.tokens.dedup();
    Ok(over)
}

/// Changes the plan of an account; an empty name selects the default plan.
pub(crate) async fn set_plan(
    administrator: Administrator<'_>,
    (store, now): (&Store, Timestamp),
    plans: &Plans,
    (number, plan): (AccountNumber, &str),
) -> Result<(), Refusal> {
    let is_known = plans.all.iter().any(|known| known.name == plan);
    if !is_known && !plan.is_empty() {
        return Err(Refusal::new(Code::UnknownPlan).at("plan"));
    }
    let mut write = administrator.begin((store, now), OperatorPermission::ManageAccounts).await?;
    let mut account = write.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    let before = PlanDetail { plan: std::mem::replace(&mut account.plan, plan.to_owned()) };
    write.limit_account(&account).await?;
    let after = PlanDetail { plan: plan.to_owned() };
    let changed = Event::AccountPlanChanged { before, after };
    write.commit(administrator.entry(changed, account.id)).await?;
    Ok(())
}

/// Changes the plan like [`set_plan`], from the command line.
pub async fn set_plan_at_server(
    store: (&Store, Timestamp),
    plans: &Plans,
    account_and_plan: (AccountNumber, &str),
) -> Result<(), Refusal> {
    set_plan(Administrator::Server, store, plans, account_and_plan).await
}
