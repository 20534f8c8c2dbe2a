//! The limits of an account: its plan and the IP allowlist for all its tokens.

use arc_swap::{ArcSwap, Guard};
use keydesk_model::{
    AccountNumber, AccountState, CorsPolicy, IpAllowlist, LiveAccount, Plan, Rate,
};
use std::{collections::HashMap, sync::Arc};

/// The plans by name, and the default plan for accounts without one.
#[derive(Debug, Default)]
pub(super) struct Plans {
    pub all: Vec<Arc<Plan>>,
    pub default: Option<Arc<Plan>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct AccountLimits {
    pub plan: Option<Arc<Plan>>,
    /// The plan as responses describe it.
    pub policy: Arc<str>,
    pub ip_allowlist: IpAllowlist,
    /// The IP allowlist in observe mode.
    pub observed: Option<IpAllowlist>,
    pub state: AccountState,
    /// The account's own CORS policy, if any.
    pub cors: Option<Arc<CorsPolicy>>,
}

type Known = HashMap<AccountNumber, Arc<AccountLimits>>;

#[derive(Debug, Default)]
pub(super) struct Accounts {
    plans: Plans,
    others: Arc<AccountLimits>,
    known: ArcSwap<Known>,
}

impl Accounts {
    pub fn new(plans: Plans) -> Self {
        let others = AccountLimits {
            policy: plans.default.as_deref().map(policy).unwrap_or_default(),
            plan: plans.default.clone(),
            ..AccountLimits::default()
        };
        Self { plans, others: Arc::new(others), known: ArcSwap::default() }
    }

    pub fn have_quotas(&self) -> bool {
        self.plans.all.iter().any(|plan| plan.monthly_quota.is_some())
    }

    pub fn load(&self, accounts: Vec<LiveAccount>) {
        let limits = accounts.into_iter().map(|live| (live.number, self.limits(live)));
        self.known.store(Arc::new(limits.collect()));
    }

    /// Applies one change. Called only by the change feed, so changes do not race.
    pub fn change(&self, live: LiveAccount) {
        let mut known = Known::clone(&self.known.load());
        known.insert(live.number, self.limits(live));
        self.known.store(Arc::new(known));
    }

    /// Changes the account's state and keeps everything else.
    pub fn stop(&self, number: AccountNumber, state: AccountState) {
        let mut known = Known::clone(&self.known.load());
        let before = known.get(&number).unwrap_or(&self.others);
        let stopped = AccountLimits { state, ..AccountLimits::clone(before) };
        known.insert(number, Arc::new(stopped));
        self.known.store(Arc::new(known));
    }

    fn limits(&self, live: LiveAccount) -> Arc<AccountLimits> {
        let named = self.plans.all.iter().find(|plan| plan.name == live.plan);
        if named.is_none() && !live.plan.is_empty() {
            tracing::error!(
                account = %live.number,
                plan = live.plan,
                "no [[plan]] of this name is configured here; the account has the default plan"
            );
        }
        let plan = named.or(self.plans.default.as_ref()).cloned();
        let policy = plan.as_deref().map(policy).unwrap_or_default();
        let LiveAccount { ip_allowlist, observed, state, cors, .. } = live;
        let cors = cors.map(Arc::new);
        Arc::new(AccountLimits { plan, policy, ip_allowlist, observed, state, cors })
    }

    pub fn find(&self, number: AccountNumber) -> AccountGuard<'_> {
        AccountGuard { known: self.known.load(), others: &self.others, number }
    }
}

/// An account's limits, borrowed while a request is checked.
pub(crate) struct AccountGuard<'a> {
    known: Guard<Arc<Known>>,
    others: &'a AccountLimits,
    number: AccountNumber,
}

impl std::ops::Deref for AccountGuard<'_> {
    type Target = AccountLimits;

    fn deref(&self) -> &AccountLimits {
        if self.known.is_empty() {
            return self.others;
        }
        self.known.get(&self.number).map_or(self.others, |limits| limits)
    }
}

/// Returns a plan in the format of `RateLimit-Policy`.
fn policy(plan: &Plan) -> Arc<str> {
    let rate = |name: &str, rate: Rate| {
        format!("\"{name}\";q={};w={}", rate.requests(), rate.span().as_secs())
    };
    let policies = [
        plan.rate.map(|account| rate("account", account)),
        plan.token_rate.map(|token| rate("token", token)),
        // A calendar month has no fixed length; its end is reported with the remaining requests.
        plan.monthly_quota.map(|most| format!("\"month\";q={most};w={}", 31 * 86_400)),
    ];
    policies.into_iter().flatten().collect::<Vec<_>>().join(", ").into()
}
