//! The charging of requests to rate limits and quotas, with the fields of draft-ietf-httpapi-ratelimit-headers.

use crate::{
    Rejection,
    live::{AccountLimits, LimitCounters, LimitKey},
};
use keydesk_model::{AccountNumber, Called, Mode, Month, Rate, Timestamp, TokenId, Violation};
use std::{sync::Arc, time::Duration};

/// The subjects and the operation of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestCost<'a> {
    pub account: AccountNumber,
    pub token: TokenId,
    pub at: Timestamp,
    pub limits: &'a AccountLimits,
    /// The operation's own rate limit, and whether its rules are enforced.
    pub operation: Option<(Arc<str>, Rate, Mode)>,
}

/// The remaining requests of each policy.
#[derive(Debug, Default)]
struct RateLimitHeader(String);

/// The charged rate limits, of which a request has at most three.
type Charged = [Option<(LimitKey, Rate)>; 3];

impl RequestCost<'_> {
    /// Charges a request to all limits, or to none if one of them rejects it.
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

    /// Returns the rate limits for this request, the account's first.
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

    /// Charges the rate limits, and returns them so that they can be given back if the quota rejects.
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
    /// Adds a policy's remaining requests. Part of every response, so it avoids the overhead of the formatter.
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

/// Rounds up to whole seconds, so that waiting for them is long enough.
pub(crate) fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
