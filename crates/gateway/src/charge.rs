//! Takes a call off its rates and its quota, and tells what is left in the fields of
//! draft-ietf-httpapi-ratelimit-headers.

use crate::{
    Denial,
    live::{AccountLimits, Purse, Spending},
};
use keydesk_model::{AccountNumber, Called, Mode, Month, Objection, Rate, Timestamp, TokenId};
use std::{fmt::Write, sync::Arc, time::Duration};

/// Who calls what.
#[derive(Clone, Debug)]
pub(crate) struct Charged<'a> {
    pub account: AccountNumber,
    pub token: TokenId,
    pub at: Timestamp,
    pub limits: &'a AccountLimits,
    /// The operation's own rate, and whether its rules are enforced.
    pub operation: Option<(Arc<str>, Rate, Mode)>,
}

/// What is told of limits: the policies, and where the call leaves them.
#[derive(Debug, Default)]
struct Told {
    policies: String,
    state: String,
}

impl Charged<'_> {
    /// Nothing is taken from one limit where another refuses.
    pub fn charge(
        self,
        spender: &Spending,
        called: &mut Called,
        added: &mut Vec<(&'static str, String)>,
    ) -> Result<(), Denial> {
        let mut told = Told::default();
        let taken = self.take_rates(spender, called, &mut told);
        let taken = taken.and_then(|()| self.take_quota(spender, called, &mut told));
        if !told.policies.is_empty() {
            added.push(("ratelimit-policy", told.policies));
            added.push(("ratelimit", told.state));
        }
        taken
    }

    /// The rates that hold for this call, the account's first.
    fn rates(&self) -> impl Iterator<Item = (&'static str, Purse, Rate, Mode)> + use<'_> {
        let plan = self.limits.plan.as_ref();
        let mode = plan.map_or(Mode::Observe, |plan| plan.mode);
        let account = plan.and_then(|plan| plan.rate);
        let account = account.map(|rate| ("account", Purse::Account(self.account), rate, mode));
        let token = plan.and_then(|plan| plan.token_rate);
        let token = token.map(|rate| ("token", Purse::Token(self.token), rate, mode));
        let operation = self.operation.clone().map(|(name, rate, mode)| {
            ("operation", Purse::Operation(self.account, name), rate, mode)
        });
        [account, token, operation].into_iter().flatten()
    }

    fn take_rates(
        &self,
        spender: &Spending,
        called: &mut Called,
        told: &mut Told,
    ) -> Result<(), Denial> {
        let mut paid: Vec<(Purse, Rate)> = Vec::new();
        for (name, purse, rate, mode) in self.rates() {
            let wait = match spender.take(purse.clone(), rate, self.at.as_micros()) {
                Ok(taken) => {
                    told.rate(name, rate, taken.left, taken.resets_in);
                    paid.push((purse, rate));
                    continue;
                }
                Err(wait) => wait,
            };
            told.rate(name, rate, 0, wait);
            called.objections.add(Objection::Rate);
            if mode == Mode::Enforce {
                give_all_back(spender, &paid);
                called.was_refused = true;
                return Err(Denial::RateLimited { limit: name, rate, wait });
            }
        }
        Ok(())
    }

    fn take_quota(
        &self,
        spender: &Spending,
        called: &mut Called,
        told: &mut Told,
    ) -> Result<(), Denial> {
        let Some(plan) = &self.limits.plan else { return Ok(()) };
        let Some(most) = plan.monthly_calls else { return Ok(()) };
        let enforced = plan.mode == Mode::Enforce;
        let left = spender.count(self.account, Month::of(self.at), most, !enforced);
        let resets_in = Month::left(self.at);
        told.month(most, left.unwrap_or(0), resets_in);
        if left.is_none() {
            called.objections.add(Objection::Quota);
            if enforced {
                for (_, purse, rate, _) in self.rates() {
                    spender.give_back(&purse, rate);
                }
                called.was_refused = true;
                return Err(Denial::QuotaUsedUp { most, resets_in });
            }
        }
        Ok(())
    }
}

fn give_all_back(spender: &Spending, paid: &[(Purse, Rate)]) {
    for (purse, rate) in paid {
        spender.give_back(purse, *rate);
    }
}

impl Told {
    fn rate(&mut self, name: &str, rate: Rate, left: u32, resets_in: Duration) {
        let (calls, span) = (u64::from(rate.calls()), rate.span());
        self.policy(name, calls, span, u64::from(left), resets_in);
    }

    /// A calendar month has no length of its own; its end is told.
    fn month(&mut self, most: u64, left: u64, resets_in: Duration) {
        self.policy("month", most, Duration::from_hours(24 * 31), left, resets_in);
    }

    fn policy(&mut self, name: &str, most: u64, span: Duration, left: u64, resets_in: Duration) {
        let gap = if self.policies.is_empty() { "" } else { ", " };
        let _ = write!(self.policies, "{gap}\"{name}\";q={most};w={}", span.as_secs());
        let _ = write!(self.state, "{gap}\"{name}\";r={left};t={}", seconds(resets_in));
    }
}

/// Whole seconds, so that whoever waits for them has waited long enough.
pub(crate) fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
