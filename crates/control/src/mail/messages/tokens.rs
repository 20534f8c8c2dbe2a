//! The emails about tokens, management keys, and canary tokens.

use super::Message;
use crate::door::{
    language::{label, text},
    token_name::token_name,
    when::When,
};
use keydesk_model::{
    CanaryUse, Incident, Origin, RejectedRequests, RejectionGroup, Timestamp, audit::LeakReport,
};
use keydesk_store::{Expiring, Happened, ManagementKey, Token, TokenLabel};

/// The number of clients that an email names.
const MOST_CLIENTS: usize = 10;

/// What the members should do about a leaked token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Create a replacement on the page that is filled in for it.
    CreateReplacement,
    /// The member has a new bearer token.
    UseNewBearerToken,
    /// Only clients with the previous secret must be updated.
    UpdateOldClients,
}

/// A leaked token, as an email describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeakedToken<'a> {
    pub token: &'a Token,
    pub account: &'a str,
    pub report: &'a LeakReport,
    /// The names of the clients of the last 30 days.
    pub clients: &'a [&'a str],
    /// The number of the receipt, and the time from which all gateways reject.
    pub receipt: Option<(i64, Timestamp)>,
    pub next: NextStep,
}

fn last_used(at: Option<Timestamp>) -> String {
    match at {
        Some(at) => text("mail-last-used").with("at", When::exact(at)).to_string(),
        None => text("mail-never-used").to_string(),
    }
}

/// Returns where a secret was found. An email passes on only what a known service reported, because anyone can fill in the
/// page for reports.
fn leak_location(report: &LeakReport) -> String {
    match report.location.as_deref().filter(|_| report.reporter.is_authenticated()) {
        Some(location) => location.to_owned(),
        None if report.location.is_some() => text("mail-leaked-location-in-audit").to_string(),
        None => text("mail-leaked-no-location").to_string(),
    }
}

/// Returns a length of time in words, such as "5 minutes".
fn interval(seconds: u64) -> String {
    let (id, count) = match seconds {
        0..120 => ("interval-seconds", seconds),
        120..7_200 => ("interval-minutes", seconds / 60),
        _ => ("interval-hours", seconds / 3_600),
    };
    text(id).count("n", count).to_string()
}

impl Message {
    /// Describes an alert about a token.
    pub fn alert(incident: &Incident, (token, account): (&Token, &str), console_url: &str) -> Self {
        let name = match incident {
            Incident::ErrorSpike { .. } => "error-spike",
            Incident::Silence { .. } => "silence",
            Incident::PreviousSecret { .. } => "previous-secret",
        };
        Self::new(name, |mail| {
            let mail = mail.with("token", &token.name).with("account", account);
            let mail = mail.with("link", format!("{console_url}/tokens/{}", token.id));
            let mail = mail.with("settings", format!("{console_url}/alerts"));
            match incident {
                Incident::ErrorSpike { requests, errors, usual_percent, since } => {
                    let mail = mail.with("requests", requests).with("errors", errors);
                    mail.with("usual", usual_percent).with("since", When::exact(*since))
                }
                Incident::Silence { last_used_at, usual_interval } => {
                    let mail = mail.with("interval", interval(usual_interval.as_secs()));
                    mail.with("last", When::exact(*last_used_at))
                }
                Incident::PreviousSecret { valid_until, last_used_at, clients } => {
                    let mail = mail.with("clients", clients.join(", "));
                    let mail = mail.with("last", When::exact(*last_used_at));
                    mail.with("until", When::exact(*valid_until))
                }
            }
        })
    }

    /// Reports that a share of an account's quota is used.
    pub fn quota(
        account: &str,
        (percent, requests, quota): (u64, i64, u64),
        console_url: &str,
    ) -> Self {
        Self::new("quota", |mail| {
            let mail = mail.with("account", account).with("percent", percent);
            let mail = mail.with("requests", requests).with("quota", quota);
            mail.with("link", format!("{console_url}/limits"))
        })
    }

    /// Reports that a client's requests are rejected.
    pub fn failing_client(
        (group, rejected): (&RejectionGroup, &RejectedRequests),
        (token, account): (Option<&TokenLabel>, &str),
        link: &str,
    ) -> Self {
        let token = token.map(token_name).unwrap_or_default();
        Self::new("failing-client", |mail| {
            let mail = mail.with("client", &group.client).with("token", &token);
            let mail = mail.with("account", account).with("code", &group.code);
            let mail = mail.with("requests", rejected.requests);
            let mail = mail.with("first", When::exact(rejected.first_at));
            mail.with("last", When::exact(rejected.last_at)).with("link", link)
        })
    }

    pub fn expiring(token: &Expiring, console_url: &str) -> Self {
        let used = last_used(token.last_used_at);
        Self::new("expiring", |mail| {
            let mail = mail.with("name", &token.name).with("account", &token.account_name);
            let mail = mail.with("ends", When::exact(token.expires_at)).with("used", &used);
            mail.with("console", console_url)
        })
    }

    /// Notifies about a rotation that was requested from the address `from`.
    pub fn rotated_by_client(name: &str, account: &str, from: &str, console_url: &str) -> Self {
        Self::new("rotated-by-client", |mail| {
            let mail = mail.with("name", name).with("account", account);
            mail.with("from", from).with("console", console_url)
        })
    }

    /// Raises the alarm for a canary token that was used `uses` times, for the `first` time since the last alarm.
    pub fn canary_used((name, uses): (&str, i64), first: &CanaryUse, console_url: &str) -> Self {
        let request = format!("{} {}", first.method, first.path);
        Self::new("canary-used", |mail| {
            let mail = mail.with("name", name).count("uses", uses.unsigned_abs());
            let mail = mail.with("at", When::exact(first.at)).with("from", &first.client_ip);
            let mail = mail.with("client", &first.client).with("request", &request);
            mail.with("console", console_url)
        })
    }

    /// Notifies about a use of a token by a client and from a network that never used it.
    pub fn unfamiliar_use(
        (token, account): (&Token, &str),
        found: &Happened,
        is_paused: bool,
        console_url: &str,
    ) -> Self {
        let name = if is_paused { "unfamiliar-use-paused" } else { "unfamiliar-use" };
        Self::new(name, |mail| {
            let mail = mail.with("name", &token.name).with("account", account);
            let mail = mail.with("client", &found.client).with("from", &found.client_ip);
            let mail = mail.with("at", When::exact(found.at));
            mail.with(
                "link",
                format!(
                    "{console_url}/tokens/{}/{}",
                    token.id,
                    if is_paused { "restore" } else { "limits" }
                ),
            )
        })
    }

    /// Notifies about a leaked token, with what stops working and what to do next.
    pub fn token_leaked(leak: &LeakedToken<'_>, console_url: &str) -> Self {
        let LeakedToken { token, account, report, clients, receipt, next } = *leak;
        let names = clients[..clients.len().min(MOST_CLIENTS)].join(", ");
        let clients = match (clients.len().saturating_sub(MOST_CLIENTS), names) {
            (_, names) if names.is_empty() => text("mail-leaked-no-clients").to_string(),
            (0, names) => names,
            (more, names) => {
                text("mail-leaked-more").with("names", names).count("more", more).to_string()
            }
        };
        let rejected = match receipt {
            Some((number, at)) => {
                let receipt = format!("{console_url}/receipts/{number}");
                let since = text("mail-leaked-since").with("at", When::exact(at));
                since.with("receipt", receipt).to_string()
            }
            None => text("mail-leaked-rejected").to_string(),
        };
        let is_previous = next == NextStep::UpdateOldClients;
        let next = match next {
            NextStep::CreateReplacement => text("mail-leaked-successor")
                .with("link", format!("{console_url}/tokens/new?successor_of={}", token.id)),
            NextStep::UseNewBearerToken => {
                text("mail-leaked-bearer").with("link", format!("{console_url}/api-docs"))
            }
            NextStep::UpdateOldClients => text("mail-leaked-previous"),
        };
        let (next, used) = (next.to_string(), last_used(token.last_used_at));
        let name = if is_previous { "secret-leaked" } else { "token-leaked" };
        let limits = format!("{console_url}/tokens/{}/limits", token.id);
        Self::new(name, |mail| {
            let mail = mail.with("name", &token.name).with("account", account);
            let mail = mail.with("reporter", label("leak-reporter", report.reporter.as_str()));
            let mail = mail.with("location", leak_location(report)).with("used", &used);
            let mail = mail.with("clients", &clients).with("rejected", &rejected);
            mail.with("next", &next).with("uses", &limits)
        })
    }

    /// Notifies about a leaked management key. A key of the instance has no account.
    pub fn key_leaked(
        key: &ManagementKey,
        account: &str,
        report: &LeakReport,
        console_url: &str,
    ) -> Self {
        let path = if account.is_empty() { "operator/keys" } else { "keys" };
        let of = if account.is_empty() {
            text("mail-leaked-instance").to_string()
        } else {
            account.to_owned()
        };
        let used = last_used(key.last_used_at);
        Self::new("key-leaked", |mail| {
            let mail = mail.with("name", &key.name).with("account", &of).with("used", &used);
            let mail = mail.with("reporter", label("leak-reporter", report.reporter.as_str()));
            let mail = mail.with("location", leak_location(report));
            mail.with("link", format!("{console_url}/{path}"))
        })
    }

    /// Raises the alarm for a canary token that someone has found.
    pub fn canary_leaked(
        (name, report): (&str, &LeakReport),
        origin: &Origin,
        console_url: &str,
    ) -> Self {
        let from = origin.client_ip.map(|address| address.to_string()).unwrap_or_default();
        Self::new("canary-leaked", |mail| {
            let mail = mail.with("name", name).with("from", &from);
            let mail = mail.with("reporter", label("leak-reporter", report.reporter.as_str()));
            mail.with("location", leak_location(report)).with("console", console_url)
        })
    }

    /// Notifies administrators that a token was revoked, and can be restored until an instant.
    pub fn token_revoked(
        (token, account): (&str, &str),
        until: Timestamp,
        console_url: &str,
    ) -> Self {
        Self::new("token-revoked", |mail| {
            let mail = mail.with("name", token).with("account", account);
            mail.with("until", When::exact(until)).with("console", console_url)
        })
    }

    pub fn tokens_revoked(
        (tokens, account): (&[String], &str),
        until: Timestamp,
        console_url: &str,
    ) -> Self {
        if let [token] = tokens {
            return Self::token_revoked((token, account), until, console_url);
        }
        Self::new("tokens-revoked", |mail| {
            let names = tokens.iter().map(|name| format!("- {name}")).collect::<Vec<_>>();
            let mail = mail.count("n", tokens.len()).with("account", account);
            let mail = mail.with("names", names.join("\n")).with("console", console_url);
            mail.with("until", When::exact(until))
        })
    }

    pub fn token_restored((token, account): (&str, &str), console_url: &str) -> Self {
        Self::new("token-restored", |mail| {
            mail.with("name", token).with("account", account).with("console", console_url)
        })
    }
}
