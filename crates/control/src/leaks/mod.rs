//! Reports of leaked secrets: from GitHub and GitLab, from the report page, and from checks of `keydesk scan`. A leaked
//! token is revoked permanently; a report changes nothing about a secret that no longer works.

mod alert;
pub(crate) mod api;
pub(crate) mod console;
pub(crate) mod partners;

pub(crate) use alert::NextStep;

use crate::{
    AppState,
    receipts::Issued,
    refusal::{Code, Refusal, Value},
    throttling::{attempts::network, throttle::Throttle},
    tokens::{ObservedClient, is_restorable, list_clients, replace_secret},
};
use keydesk_model::{
    AccountId, Actor, Event, Hold, LeakReporter, MemberId, Origin, Revocation, RevocationReason,
    Timestamp, TokenOwner, TokenState,
    audit::{LeakReport, NameAndVersion},
    is_deceptive,
};
use keydesk_store::{AuditEntry, FoundBySecret, Tombstone};
use keydesk_token::{PlainToken, TokenHash, find_tokens, without_tokens};

/// The maximum number of secrets in one report by anyone.
const MOST_REPORTED: usize = 100;
/// The maximum length of the place that a report names.
const LONGEST_LOCATION: usize = 500;

/// What a report does to a token.
#[derive(Clone, Copy)]
enum Remedy {
    /// Revoke all secrets.
    Revoke,
    /// Revoke the bearer token, and give the member a new one.
    Replace(MemberId),
    /// Revoke the previous secret that leaked. The token works on with its newest secret.
    RevokePrevious,
    /// Make a revocation permanent that could be undone.
    EndHold(Hold),
}

/// A leaked secret of a token, and what happened to it.
struct Leak<'a> {
    secret: &'a FoundBySecret,
    remedy: Remedy,
    report: &'a LeakReport,
    receipt: Option<Issued>,
    /// The clients that stop working.
    clients: Vec<ObservedClient>,
}

/// Returns what is known about the secret with a digest, and revokes it if it works. The result is whether it is, or was,
/// a secret of this instance.
pub(crate) async fn report_leak(
    app: &AppState,
    hash: &TokenHash,
    report: &LeakReport,
    origin: &Origin,
) -> Result<bool, Refusal> {
    let now = app.now();
    let mut read = app.store.read().await?;
    if let Some(found) = read.find_token_of_secret(hash).await? {
        drop(read);
        // Most reports are about tokens that are revoked already, which need no write.
        if remedy(&found, now).is_some() {
            let clients = list_clients(app, found.token.id).await?;
            revoke_token(app, (hash, clients), report, origin).await?;
        }
        return Ok(true);
    }
    if let Some((_, is_accepted)) = read.find_management_key_of_secret(hash, now).await? {
        drop(read);
        if is_accepted {
            revoke_management_key(app, hash, report, origin).await?;
        }
        return Ok(true);
    }
    let canary = read.find_canary_of_secret(hash).await?;
    drop(read);
    if let Some(canary) = &canary {
        alert::raise_canary_alarm(app, canary, report, origin).await?;
    }
    Ok(canary.is_some())
}

/// Returns what a report does to a token, or `None` if its secret doesn't work and never will.
fn remedy(found: &FoundBySecret, now: Timestamp) -> Option<Remedy> {
    let token = &found.token;
    if found.is_accepted(now) {
        return Some(match token.token_owner {
            TokenOwner::Member(member) => Remedy::Replace(member),
            TokenOwner::Account if found.is_newest => Remedy::Revoke,
            TokenOwner::Account => Remedy::RevokePrevious,
        });
    }
    // A previous secret whose end was before the hold doesn't come back with it.
    let would_return = found.valid_until.is_none_or(|until| now < until);
    let hold = token.hold.filter(|hold| found.ended_at == Some(hold.since) && would_return);
    hold.filter(|_| is_restorable(token, now)).map(Remedy::EndHold)
}

async fn revoke_token(
    app: &AppState,
    (hash, clients): (&TokenHash, Vec<ObservedClient>),
    report: &LeakReport,
    origin: &Origin,
) -> Result<(), Refusal> {
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    // Another report may have been first.
    let Some(found) = write.find_token_of_secret(hash).await? else { return Ok(()) };
    let Some(remedy) = remedy(&found, now) else { return Ok(()) };
    let token = &found.token;
    match remedy {
        Remedy::Revoke => {
            write.end_secret(token.id, RevocationReason::Leaked).await?;
        }
        Remedy::Replace(member) => {
            write.end_secret(token.id, RevocationReason::Leaked).await?;
            replace_secret(app, &mut write, token, member).await?;
        }
        Remedy::RevokePrevious => {
            let revocation = Revocation { at: now, reason: RevocationReason::Leaked };
            let expires_at = token.expires_at;
            write.end_again(&Tombstone { hash: *hash, revocation, expires_at }).await?;
        }
        Remedy::EndHold(hold) => {
            write.end_hold(token.id, hold, RevocationReason::Leaked).await?;
        }
    }
    let event = Event::TokenLeaked {
        before: NameAndVersion { name: token.name.clone(), version: found.version },
        report: report.clone(),
        remains_active: matches!(remedy, Remedy::Replace(_) | Remedy::RevokePrevious),
    };
    let entry = entry(event, (Some(token.account), &token.id.to_string()), origin);
    let receipt = app.commit_with_receipt(write, entry).await?;
    let leak = Leak { secret: &found, remedy, report, receipt, clients };
    tracing::warn!(token = %token.id, reporter = report.reporter.as_str(), "a leaked token was reported and revoked");
    Ok(alert::notify(app, &leak).await?)
}

async fn revoke_management_key(
    app: &AppState,
    hash: &TokenHash,
    report: &LeakReport,
    origin: &Origin,
) -> Result<(), Refusal> {
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let Some((key, true)) = write.find_management_key_of_secret(hash, now).await? else {
        return Ok(());
    };
    write.revoke_management_key(key.id).await?;
    let before = NameAndVersion { name: key.name.clone(), version: key.version };
    let event = Event::ManagementKeyLeaked { before, report: report.clone() };
    write.commit(entry(event, (key.account, &key.id.to_string()), origin)).await?;
    tracing::warn!(key = %key.id, reporter = report.reporter.as_str(), "a leaked management key was reported and revoked");
    Ok(alert::notify_about_key(app, &key, report).await?)
}

fn entry(
    event: Event,
    (account, target): (Option<AccountId>, &str),
    origin: &Origin,
) -> AuditEntry {
    let (actor, origin) = (Actor::AnonymousUser, origin.clone());
    AuditEntry { event, actor, origin, account, target: target.to_owned() }
}

/// The state of a secret, as its holder may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretState {
    Active,
    Expired,
    Revoked,
    Unknown,
}

impl SecretState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        }
    }
}

/// Returns the state of a secret to somebody who has its digest. A canary token is unknown, and raises its alarm.
pub(crate) async fn check_secret(
    app: &AppState,
    hash: &TokenHash,
    origin: &Origin,
) -> Result<SecretState, Refusal> {
    let now = app.now();
    let mut read = app.store.read().await?;
    if let Some(found) = read.find_token_of_secret(hash).await? {
        return Ok(match found.token.state(now) {
            _ if found.is_accepted(now) => SecretState::Active,
            TokenState::Expired(_) => SecretState::Expired,
            _ => SecretState::Revoked,
        });
    }
    if let Some((key, is_accepted)) = read.find_management_key_of_secret(hash, now).await? {
        return Ok(match key.revoked_at {
            _ if is_accepted => SecretState::Active,
            None if key.expires_at <= now => SecretState::Expired,
            _ => SecretState::Revoked,
        });
    }
    let canary = read.find_canary_of_secret(hash).await?;
    drop(read);
    if let Some(canary) = &canary {
        let report = LeakReport { reporter: LeakReporter::Scan, location: None };
        alert::raise_canary_alarm(app, canary, &report, origin).await?;
    }
    Ok(SecretState::Unknown)
}

/// Counts one more report or check from the sender's network.
///
/// # Errors
///
/// [`Code::TooManyReports`]
pub(crate) fn count(app: &AppState, throttle: &Throttle, origin: &Origin) -> Result<(), Refusal> {
    let from = origin.client_ip.map(network).unwrap_or_default();
    let taken = throttle.take(&from, app.now());
    taken.map(|_| ()).map_err(|wait| {
        Refusal::new(Code::TooManyReports).with("span", Value::Span(wait)).retry_after(wait)
    })
}

/// Returns the digests of the secrets in a report: of every token in the text, or the digest that the text is.
///
/// # Errors
///
/// [`Code::NoTokenInReport`] and [`Code::TooManyTokensInReport`]
pub(crate) fn read_secrets(text: &str) -> Result<Vec<TokenHash>, Refusal> {
    if let Some(hash) = read_digest(text.trim()) {
        return Ok(vec![hash]);
    }
    let mut found = Vec::new();
    for place in find_tokens(text.as_bytes()) {
        let hash = PlainToken::hash_presented_bytes(&text.as_bytes()[place]);
        let hash = hash.map_err(|_| Code::NoTokenInReport)?;
        if !found.contains(&hash) {
            found.push(hash);
        }
        if found.len() > MOST_REPORTED {
            let refusal = Refusal::new(Code::TooManyTokensInReport);
            return Err(refusal.with_count("most", MOST_REPORTED).at("secret"));
        }
    }
    if found.is_empty() { Err(Refusal::new(Code::NoTokenInReport).at("secret")) } else { Ok(found) }
}

/// Reads a SHA-256 digest in hexadecimal.
pub(crate) fn read_digest(text: &str) -> Option<TokenHash> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(TokenHash::from_bytes(digest))
}

/// Returns the place that a report names, as it can be stored and shown: one line without secrets.
pub(crate) fn read_location(text: &str) -> Option<String> {
    let text = without_tokens(text.trim());
    let shown = text.chars().filter(|c| !is_deceptive(*c)).take(LONGEST_LOCATION);
    Some(shown.collect::<String>()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::{Entropy, Kind, Prefix};

    fn token(seed: u64) -> PlainToken {
        PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(seed))
    }

    #[test]
    fn f13_a_report_is_a_token_text_around_tokens_or_a_digest() {
        let (a, b) = (token(1), token(2));
        let text = format!(
            "curl -H 'Authorization: Bearer {}'\n{} {}",
            a.expose(),
            b.expose(),
            a.expose()
        );
        assert_eq!(read_secrets(&text).expect("a report"), [a.hash(), b.hash()]);
        let digest = format!(" {}\n", hex::encode(a.hash().as_bytes()));
        assert_eq!(read_secrets(&digest).expect("a report"), [a.hash()]);
        assert_eq!(read_secrets(&digest.to_uppercase()).expect("a report"), [a.hash()]);
        for nothing in ["", "kd_a_short", &a.expose()[1..], &digest[..20]] {
            let refusal = read_secrets(nothing).expect_err("nothing in it");
            assert_eq!(refusal.code(), Code::NoTokenInReport, "{nothing}");
        }
        let many: String = (0..101).map(|seed| token(seed).expose().to_owned() + "\n").collect();
        assert_eq!(read_secrets(&many).expect_err("too many").code(), Code::TooManyTokensInReport);
    }

    #[test]
    fn f13_a_place_is_one_line_without_secrets() {
        let text =
            format!(" https://git.example/x?token={}\u{202e}\n\tline two ", token(3).expose());
        let shown = read_location(&text).expect("a place");
        assert_eq!(shown, "https://git.example/x?token=[token]line two");
        assert_eq!(read_location(" \n"), None);
        assert_eq!(read_location(&"ü".repeat(600)).expect("a place").chars().count(), 500);
    }
}
