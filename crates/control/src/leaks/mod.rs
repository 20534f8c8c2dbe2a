//! Reports of leaked secrets: from GitHub and GitLab, from the report page, and from checks of `keydesk scan`. A leaked
//! token is revoked permanently; a report changes nothing about a secret that no longer works.

mod alert;
pub(crate) mod api;
pub(crate) mod console;
pub(crate) mod partners;

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
use keydesk_store::{AuditEntry, FoundBySecret, Read, StoreError, Tombstone, Write};
use keydesk_token::{PlainToken, TokenHash, find_tokens, without_tokens};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// The maximum number of secrets in one report by anyone.
const MOST_REPORTED: usize = 100;
/// The maximum length of the place that a report names.
const LONGEST_LOCATION: usize = 500;

/// How long after a rotation of a token by itself the finder of the previous secret may have made the rotation.
const SUSPICIOUS: Duration = Duration::from_hours(24);

/// What a report does to a token.
#[derive(Clone, Copy)]
enum Remedy {
    /// Revoke all secrets.
    Revoke,
    /// Revoke the bearer token, and give the member a new one.
    Replace(MemberId),
    /// Revoke the previous secret that leaked. The token keeps working with its newest secret.
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
    /// The clients of the token in the last 30 days.
    clients: Vec<ObservedClient>,
}

/// Revokes the secret with a digest if it works. Returns whether it is, or was, a secret of this instance.
///
/// The reporter may disconnect; the report is completed anyway, with its emails.
pub(crate) async fn report_leak(
    app: &AppState,
    hash: TokenHash,
    report: LeakReport,
    origin: &Origin,
) -> Result<bool, Refusal> {
    let (app, origin) = (app.clone(), origin.clone());
    let complete = async move { complete_report(&app, &hash, &report, &origin).await };
    tokio::spawn(complete).await.unwrap_or_else(|error| Err(Refusal::broken(error)))
}

async fn complete_report(
    app: &AppState,
    hash: &TokenHash,
    report: &LeakReport,
    origin: &Origin,
) -> Result<bool, Refusal> {
    let now = app.now();
    let mut read = app.store.read().await?;
    if let Some(found) = read.find_token_of_secret(hash).await? {
        let has_rotated_itself = has_rotated_itself(&mut read, &found, now).await?;
        drop(read);
        // Most reports are about tokens that are revoked already, which need no write. Whether a hold has ended is decided
        // by the database's clock.
        if found.token.hold.is_some() || remedy(&found, now, has_rotated_itself).is_some() {
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

/// Returns whether the token has replaced the secret by itself lately, so that the finder may have the next one. An older
/// secret doesn't harm the token.
async fn has_rotated_itself(
    read: &mut Read,
    found: &FoundBySecret,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let since = now.minus(SUSPICIOUS);
    let was_replaced_lately = found.ended_at.is_none_or(|at| at >= since);
    if found.is_newest || !was_replaced_lately {
        return Ok(false);
    }
    read.has_rotated_itself((found.token.account, found.token.id), since).await
}

/// Returns what a report does to a token, or `None` if its secret doesn't work and never will.
fn remedy(found: &FoundBySecret, now: Timestamp, has_rotated_itself: bool) -> Option<Remedy> {
    let token = &found.token;
    let is_active = token.state(now) == TokenState::Active;
    if found.is_accepted(now) || is_active && has_rotated_itself {
        return Some(match token.token_owner {
            TokenOwner::Member(member) => Remedy::Replace(member),
            TokenOwner::Account if found.is_newest || has_rotated_itself => Remedy::Revoke,
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
    let now = write.database_now();
    // Another report may have been first.
    let Some(found) = write.find_token_of_secret(hash).await? else { return Ok(()) };
    let has_rotated_itself = has_rotated_itself(&mut write, &found, now).await?;
    let Some(remedy) = remedy(&found, now, has_rotated_itself) else { return Ok(()) };
    let token = &found.token;
    end_secrets(app, &mut write, (hash, &found), remedy).await?;
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

async fn end_secrets(
    app: &AppState,
    write: &mut Write,
    (hash, found): (&TokenHash, &FoundBySecret),
    remedy: Remedy,
) -> Result<(), StoreError> {
    let (token, reason) = (&found.token, RevocationReason::Leaked);
    match remedy {
        Remedy::Revoke => write.end_secret(token.id, reason).await.map(|_| ()),
        Remedy::Replace(member) => {
            write.end_secret(token.id, reason).await?;
            replace_secret(app, write, token, member).await
        }
        Remedy::RevokePrevious => {
            let revocation = Revocation { at: write.now(), reason };
            let expires_at = token.expires_at;
            write.end_again(&Tombstone { hash: *hash, revocation, expires_at }).await.map(|_| ())
        }
        Remedy::EndHold(hold) => write.end_hold(token.id, hold, reason).await,
    }
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
    /// Revoked or paused, and can be restored.
    Restorable,
    Expired,
    Revoked,
    Unknown,
}

impl SecretState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Restorable => "restorable",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        }
    }
}

/// Returns the state of the secret with a digest. A canary token is unknown, and raises its alarm even if the client
/// doesn't wait for the response.
pub(crate) async fn check_secret(
    app: &AppState,
    hash: TokenHash,
    origin: &Origin,
) -> Result<SecretState, Refusal> {
    let (app, origin) = (app.clone(), origin.clone());
    let complete = async move { complete_check(&app, &hash, &origin).await };
    tokio::spawn(complete).await.unwrap_or_else(|error| Err(Refusal::broken(error)))
}

async fn complete_check(
    app: &AppState,
    hash: &TokenHash,
    origin: &Origin,
) -> Result<SecretState, Refusal> {
    let now = app.now();
    let mut read = app.store.read().await?;
    if let Some(found) = read.find_token_of_secret(hash).await? {
        return Ok(match (found.token.state(now), remedy(&found, now, false)) {
            _ if found.is_accepted(now) => SecretState::Active,
            (_, Some(Remedy::EndHold(_))) => SecretState::Restorable,
            (TokenState::Expired(_), _) => SecretState::Expired,
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

/// Returns the place that a report names, as it can be stored and shown: one line without secrets, also if they were
/// written with invisible characters or percent-encoded.
pub(crate) fn read_location(text: &str) -> Option<String> {
    let shown: String = text.trim().chars().filter(|c| !is_deceptive(*c)).collect();
    let decoded = percent_decode_str(&shown).decode_utf8_lossy();
    let text = if PlainToken::is_within(decoded.as_bytes()) {
        without_tokens(&decoded.chars().filter(|c| !is_deceptive(*c)).collect::<String>())
    } else {
        shown
    };
    Some(text.chars().take(LONGEST_LOCATION).collect()).filter(|text: &String| !text.is_empty())
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
        assert_eq!(shown, "https://git.example/x?token=[token] two");
        let secret = token(3);
        for hidden in [
            secret.expose().replace("kd_a_", "k\u{200b}d_\u{ad}a_"),
            secret.expose().replace('_', "%5F"),
            secret.expose().replace("_a", "_%61"),
            format!("%0A{}", secret.expose()),
        ] {
            let shown =
                read_location(&format!("https://git.example/{hidden}#L2")).expect("a place");
            assert_eq!(shown, "https://git.example/[token]#L2");
        }
        let plain = "https://git.example/a%20b/%C3%BC?x=%5F";
        assert_eq!(read_location(plain).as_deref(), Some(plain));
        assert_eq!(read_location(" \n"), None);
        assert_eq!(read_location(&"ü".repeat(600)).expect("a place").chars().count(), 500);
    }
}
