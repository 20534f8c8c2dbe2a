//! Takes a call off its rates and its quota, and tells what is left in the fields of
//! draft-ietf-httpapi-ratelimit-headers.

use crate::{
    Rejection,
    live::{AccountLimits, LimitCounters, LimitKey},
};
use keydesk_model::{
    AccountNumber, Called, Mode, Month, Plan, Rate, Timestamp, TokenId, Violation,
};
use std::{sync::Arc, time::Duration};

/// Who calls what.
#[derive(Clone, Debug)]
pub(crate) struct RequestCost<'a> {
    pub account: AccountNumber,
    pub token: TokenId,
    pub at: Timestamp,
    pub limits: &'a AccountLimits,
    /// The operation's own rate, and whether its rules are enforced.
    pub operation: Option<(Arc<str>, Rate, Mode)>,
}

/// Where the call leaves each policy.
#[derive(Debug, Default)]
struct RateLimitHeader(String);

/// What was taken; a call has at most three rates.
type Charged = [Option<(LimitKey, Rate)>; 3];

/// A plan in the words of `RateLimit-Policy`.
pub(crate) fn policy(plan: &Plan) -> Arc<str> {
    let rate = |name: &str, rate: Rate| {
        format!("\"{name}\";q={};w={}", rate.requests(), rate.span().as_secs())
    };
    let policies = [
        plan.rate.map(|account| rate("account", account)),
        plan.token_rate.map(|token| rate("token", token)),
        // A calendar month has no length of its own; its end is told with what is left.
        plan.monthly_quota.map(|most| format!("\"month\";q={most};w={}", 31 * 86_400)),
    ];
    policies.into_iter().flatten().collect::<Vec<_>>().join(", ").into()
}

impl RequestCost<'_> {
    /// Nothing is taken from one limit where another rejects.
    pub fn charge(
        self,
        spender: &LimitCounters,
        called: &mut Called,
        added: &mut Vec<(&'static str, Arc<str>)>,
    ) -> Result<(), Rejection> {
        let mut header = RateLimitHeader(String::new());
        let taken = self
            .take_rates(spender, called, &mut header)
            .and_then(|paid| self.take_quota(spender, &paid, called, &mut header));
        if !header.0.is_empty() {
            added.push(("ratelimit-policy", self.policy()));
            added.push(("ratelimit", header.0.into()));
        }
        taken
    }

    fn policy(&self) -> Arc<str> {
        let Some((_, rate, _)) = &self.operation else { return Arc::clone(&self.limits.policy) };
        let gap = if self.limits.policy.is_empty() { "" } else { ", " };
        let (requests, span) = (rate.requests(), rate.span().as_secs());
        format!("{}{gap}\"operation\";q={requests};w={span}", self.limits.policy).into()
    }

    /// The rates that hold for this call, the account's first.
    fn rates(&self) -> impl Iterator<Item = (&'static str, LimitKey, Rate, Mode)> + use<'_> {
        let plan = self.limits.plan.as_ref();
        let mode = plan.map_or(Mode::Observe, |plan| plan.mode);
        let account = plan.and_then(|plan| plan.rate);
        let account = account.map(|rate| ("account", LimitKey::Account(self.account), rate, mode));
        let token = plan.and_then(|plan| plan.token_rate);
        let token = token.map(|rate| ("token", LimitKey::Token(self.token), rate, mode));
        let operation = self.operation.clone().map(|(name, rate, mode)| {
            ("operation", LimitKey::Operation(self.account, name), rate, mode)
        });
        [account, token, operation].into_iter().flatten()
    }

    /// What was taken, to be given back should the quota reject.
    fn take_rates(
        &self,
        spender: &LimitCounters,
        called: &mut Called,
        header: &mut RateLimitHeader,
    ) -> Result<Charged, Rejection> {
        let mut paid = Charged::default();
        for (slot, (name, purse, rate, mode)) in paid.iter_mut().zip(self.rates()) {
            let wait = match spender.take(purse.clone(), rate, self.at.as_micros()) {
                Ok(taken) => {
                    header.add(name, u64::from(taken.left), taken.resets_in);
                    *slot = Some((purse, rate));
                    continue;
                }
                Err(wait) => wait,
            };
            let each = Duration::from_micros(rate.each_micros().unsigned_abs());
            header.add(name, 0, (wait + rate.span()).saturating_sub(each));
            called.violations.add(Violation::Rate);
            if mode == Mode::Enforce {
                give_all_back(spender, &paid);
                called.was_rejected = true;
                return Err(Rejection::RateLimited { limit: name, rate, wait });
            }
        }
        Ok(paid)
    }

    fn take_quota(
        &self,
        spender: &LimitCounters,
        paid: &Charged,
        called: &mut Called,
        header: &mut RateLimitHeader,
    ) -> Result<(), Rejection> {
        let Some(plan) = &self.limits.plan else { return Ok(()) };
        let Some(most) = plan.monthly_quota else { return Ok(()) };
        let enforced = plan.mode == Mode::Enforce;
        let left = spender.count(self.account, Month::of(self.at), most, !enforced);
        let resets_in = Month::left(self.at);
        header.add("month", left.unwrap_or(0), resets_in);
        if left.is_none() {
            called.violations.add(Violation::Quota);
            if enforced {
                give_all_back(spender, paid);
                called.was_rejected = true;
                return Err(Rejection::QuotaExceeded { most, resets_in });
            }
        }
        Ok(())
    }
}

fn give_all_back(spender: &LimitCounters, paid: &Charged) {
    for (purse, rate) in paid.iter().flatten() {
        spender.give_back(purse, *rate);
    }
}

impl RateLimitHeader {
    /// On every answer, so without the formatter's detours.
    fn add(&mut self, name: &str, left: u64, resets_in: Duration) {
        let mut digits = itoa::Buffer::new();
        if self.0.is_empty() {
            self.0.reserve(96);
        } else {
            self.0.push_str(", ");
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\";r=");
        self.0.push_str(digits.format(left));
        self.0.push_str(";t=");
        self.0.push_str(digits.format(seconds(resets_in)));
    }
}

/// Whole seconds, so that whoever waits for them has waited long enough.
pub(crate) fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
