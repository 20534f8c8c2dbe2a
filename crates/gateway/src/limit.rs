//! The check of a request against its token's limits: the scopes that the operation requires and the IP allowlist.
//! Violations in observe mode are recorded and permitted.

use crate::{
    Rejection,
    live::{AccountLimits, LiveRuleTable, LiveTokenLimits},
    rejection::Allowlist,
};
use keydesk_model::{Called, IpAllowlist, Match, Mode, Rate, TokenId, Violation};
use std::{net::IpAddr, sync::Arc};

/// The inputs of all limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub method: &'a str,
    /// The path, exactly the bytes that are forwarded, or `None` if the gateway answers itself and requires no scope.
    pub path: Option<&'a str>,
    pub client_ip: IpAddr,
}

/// The result of checking the limits.
#[derive(Debug)]
pub(crate) struct LimitCheck {
    pub called: Called,
    pub rejection: Option<Rejection>,
    /// The operation's own rate limit, and whether its rules are enforced.
    pub rate: Option<(Arc<str>, Rate, Mode)>,
}

impl LimitCheck {
    pub fn of(
        call: Call,
        (token, limits): (TokenId, &LiveTokenLimits),
        account: &AccountLimits,
        rules: &LiveRuleTable,
    ) -> Self {
        let mut judgement = Self { called: Called::default(), rejection: None, rate: None };
        if limits.closing.is_some() {
            judgement.called.violations.add(Violation::PreviousSecret);
        }
        judgement.look_at_address(call, (token, limits), account);
        if let Some(path) = call.path.filter(|_| !rules.table.is_empty()) {
            let found = rules.table.find_all(call.method, path);
            judgement.look_at_scopes(&found, (token, limits), rules);
        }
        judgement.called.was_rejected = judgement.rejection.is_some();
        judgement
    }

    fn look_at_address(
        &mut self,
        call: Call,
        (token, limits): (TokenId, &LiveTokenLimits),
        account: &AccountLimits,
    ) {
        let client_ip = call.client_ip;
        let is_elsewhere = |list: &IpAllowlist| !list.is_empty() && !list.admits(client_ip);
        let of_token = is_elsewhere(&limits.grant.ip_allowlist).then_some(Allowlist::Token);
        let of_account = || is_elsewhere(&account.ip_allowlist).then_some(Allowlist::Account);
        if let Some(by) = of_token.or_else(of_account) {
            self.called.violations.add(Violation::Address);
            self.rejection = Some(Rejection::IpNotAllowed { client_ip, by, token });
        }
        let token_observed = limits.observed.as_ref().map(|observed| &observed.ip_allowlist);
        if token_observed.into_iter().chain(&account.observed).any(is_elsewhere) {
            self.called.violations.add(Violation::ObservedIpAddress);
        }
    }

    fn look_at_scopes(
        &mut self,
        found: &Match,
        (token, limits): (TokenId, &LiveTokenLimits),
        rules: &LiveRuleTable,
    ) {
        self.rate = found.rate().map(|(rule, rate)| (Arc::clone(&rule.name), rate, rules.mode));
        self.called.operation = Arc::clone(found.rule.map_or(&rules.unlisted, |rule| &rule.name));
        if let Some(lacking) = rules.table.lacks(found, limits.held()) {
            self.called.violations.add(Violation::Scope);
            if rules.mode == Mode::Enforce && self.rejection.is_none() {
                let wanted = lacking.map_or_else(|| "*".into(), |rule| Arc::clone(&rule.wanted));
                let is_unlisted = found.rule.is_none();
                self.rejection = Some(Rejection::InsufficientScope { token, wanted, is_unlisted });
            }
        }
        let observed = limits.observed.as_ref();
        if observed.is_some_and(|observed| rules.table.lacks(found, &observed.scopes).is_some()) {
            self.called.violations.add(Violation::ObservedScope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_model::{LiveRules, Operation, Rules, Timestamp, TokenLimits};
    use keydesk_token::Entropy;

    fn limits(scopes: &str, ip_allowlist: &str, observed: Option<(&str, &str)>) -> LiveTokenLimits {
        let grant = |(scopes, ip_allowlist): (&str, &str)| TokenLimits {
            scopes: scopes.parse().expect("scopes"),
            ip_allowlist: ip_allowlist.parse().expect("networks"),
        };
        let (grant, observed) = (grant((scopes, ip_allowlist)), observed.map(grant));
        LiveTokenLimits { scopes: scopes.into(), grant, observed, closing: None, expires_at: None }
    }

    fn token() -> TokenId {
        TokenId::generate(Timestamp::from_micros(1), &Entropy::seeded(1))
    }

    fn rules(mode: Mode) -> LiveRuleTable {
        let operation = Operation {
            method: "GET".to_owned(),
            path: "/contacts".parse().expect("a template"),
            scopes: "contacts:read contacts:all".parse().expect("scopes"),
            rate: None,
        };
        let rules = Rules { operations: vec![operation], ..Rules::default() };
        LiveRuleTable::new(&LiveRules { rules, mode })
    }

    fn judge(limits: &LiveTokenLimits, rules: &LiveRuleTable, path: Option<&str>) -> LimitCheck {
        let client_ip = "10.0.0.1".parse().expect("an address");
        let call = Call { method: "GET", path, client_ip };
        LimitCheck::of(call, (token(), limits), &AccountLimits::default(), rules)
    }

    fn outcome(judgement: &LimitCheck) -> (Option<&'static str>, Vec<&'static str>) {
        let violations = judgement.called.violations.iter().map(Violation::as_str).collect();
        (judgement.rejection.as_ref().map(Rejection::code), violations)
    }

    /// Checks every policy in every mode against requests that it permits and rejects.
    #[test]
    fn a_grid_of_policies_and_requests() {
        let (observed, enforced) = (rules(Mode::Observe), rules(Mode::Enforce));
        let path = Some("/contacts");
        for (scopes, ip_allowlist, observed, rules, path, code, violations) in [
            ("contacts:read", "", None, &enforced, path, None, &[][..]),
            ("contacts:*", "10.0.0.0/8", None, &enforced, path, None, &[]),
            ("messages:read", "", None, &enforced, path, Some("insufficient_scope"), &["scope"]),
            ("messages:read", "", None, &observed, path, None, &["scope"]),
            ("messages:read", "", None, &enforced, None, None, &[]),
            (
                "contacts:read",
                "",
                None,
                &enforced,
                Some("/x"),
                Some("insufficient_scope"),
                &["scope"],
            ),
            ("*", "", None, &enforced, Some("/x"), None, &[]),
            ("*", "11.0.0.0/8", None, &observed, path, Some("ip_not_allowed"), &["address"]),
            ("*", "11.0.0.0/8", None, &observed, None, Some("ip_not_allowed"), &["address"]),
            ("*", "", Some(("messages:read", "")), &enforced, path, None, &["observed_scope"]),
            ("*", "", Some(("*", "11.0.0.1")), &enforced, path, None, &["observed_address"]),
            (
                "messages:read",
                "11.0.0.0/8",
                Some(("messages:read", "::1")),
                &enforced,
                path,
                Some("ip_not_allowed"),
                &["scope", "observed_scope", "address", "observed_address"],
            ),
        ] {
            let limits = limits(scopes, ip_allowlist, observed);
            let judgement = judge(&limits, rules, path);
            let case = format!("{scopes} from {ip_allowlist:?}, {observed:?}, {path:?}");
            assert_eq!(outcome(&judgement), (code, violations.to_vec()), "{case}");
            assert_eq!(judgement.called.was_rejected, code.is_some(), "{case}");
        }
    }

    #[test]
    fn the_refusal_names_the_scopes_that_would_do() {
        let judgement = judge(&limits("a:b", "", None), &rules(Mode::Enforce), Some("/contacts"));
        let wanted = "contacts:all contacts:read".into();
        assert_eq!(
            judgement.rejection,
            Some(Rejection::InsufficientScope { token: token(), wanted, is_unlisted: false })
        );
        assert_eq!(&*judgement.called.operation, "GET /contacts");
    }
}
