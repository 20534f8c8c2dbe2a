//! Limits on login attempts, checked before every password: delays for each address, limits for each network and for
//! all together, and a lock after a hundred failures. A browser with an earlier login, or a session, has separate
//! counts, so that guesses by others don't delay its user.

use crate::{
    AppState,
    one_time::codes,
    refusal::{Code, Kind, Refusal, Value},
};
use keydesk_model::{AttemptKind, Attempts, Email, Origin, SessionId, Throttled, UserId};
use keydesk_store::{StoreError, Write};
use std::net::IpAddr;

/// The kind of credential that is tried.
#[derive(Clone, Debug)]
pub(crate) enum LoginAttempts<'a> {
    /// A password, for the entered email address.
    Email { typed: &'a str, device: Option<[u8; 32]> },
    /// A password, by a logged-in user.
    Session(SessionId),
    /// A code, after the password was entered.
    Factor(UserId),
    /// A passkey, by any visitor: it can't be guessed, but verification takes computing time.
    Passkey { device: Option<[u8; 32]> },
    /// A redirect to a provider, each of which sends it a request.
    Sso,
}

impl From<Throttled> for Refusal {
    fn from(throttled: Throttled) -> Self {
        match throttled {
            Throttled::Wait(wait) => {
                Self::new(Code::TooManyFailedAttempts).with("span", Value::Span(wait))
            }
            Throttled::Locked => Self::new(Code::LoginLocked),
        }
    }
}

/// Replaces the code of a refusal, since logins and redirects to providers are not failed attempts.
fn renamed(refusal: Refusal, code: Code) -> Refusal {
    if refusal.code() != Code::TooManyFailedAttempts {
        return refusal;
    }
    refusal
        .values()
        .iter()
        .cloned()
        .fold(Refusal::new(code), |renamed, (name, value)| renamed.with(name, value))
}

/// An attempt that is counted as a failure until it succeeds.
#[derive(Debug)]
pub(crate) struct Attempt(Vec<(AttemptKind, String)>);

/// Counts an attempt, or returns the refusal. Unknown addresses count like known ones.
pub(crate) async fn begin(
    app: &AppState,
    tries: LoginAttempts<'_>,
    origin: &Origin,
) -> Result<Attempt, Refusal> {
    let is_sso = matches!(tries, LoginAttempts::Sso);
    let mut write = app.store.write(app.now()).await?;
    let keys = keys(&mut write, tries, origin).await?;
    match count(write, &keys).await {
        Err(refusal) if is_sso => Err(renamed(refusal, Code::TooManySsoLogins)),
        counted => counted.map(|()| Attempt(keys)),
    }
}

/// Takes back a counted redirect to a provider from this origin, after a successful login.
pub(crate) async fn forgive_sso(write: &mut Write, origin: &Origin) -> Result<(), StoreError> {
    let keys = keys(write, LoginAttempts::Sso, origin).await?;
    Attempt(keys).succeeded(write).await
}

/// The sender of a request that causes a mail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sender<'a> {
    AnonymousUser(&'a Origin),
    User(UserId),
}

/// The decision about a request for a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub is_allowed: bool,
    /// Whether the audit log records the request. For too many requests, it is recorded only once an hour, so that a
    /// visitor can't fill the log.
    pub is_noted: bool,
}

/// Returns whether one more unrequested link can be sent to this address, for this sender.
pub(crate) async fn may_send(
    app: &AppState,
    kind: AttemptKind,
    email: &Email,
    sender: Sender<'_>,
) -> Result<bool, Refusal> {
    Ok(ask_to_send(app, kind, Some(email), sender).await?.is_allowed)
}

/// Decides like [`may_send`], and whether to record the request. Without an address, nothing is sent, but the request
/// counts.
pub(crate) async fn ask_to_send(
    app: &AppState,
    kind: AttemptKind,
    email: Option<&Email>,
    sender: Sender<'_>,
) -> Result<Sending, Refusal> {
    let mut keys = Vec::new();
    match sender {
        Sender::AnonymousUser(Origin { client_ip: Some(addr), .. }) => {
            keys.push((AttemptKind::Sender, network(*addr)));
            keys.extend(wide_network(*addr).map(|wide| (AttemptKind::SenderNetwork, wide)));
        }
        Sender::AnonymousUser(_) => {}
        Sender::User(id) => keys.push((AttemptKind::Sender, id.to_string())),
    }
    let from = keys.clone();
    keys.extend(email.map(|email| (kind, email.canonical())));
    match count(app.store.write(app.now()).await?, &keys).await {
        Ok(()) => return Ok(Sending { is_allowed: email.is_some(), is_noted: true }),
        Err(refusal) if refusal.kind() != Kind::TooMany => return Err(refusal),
        Err(_) => {}
    }
    // Too many mails to one address are not caused by the current sender.
    if email.is_some() && count(app.store.write(app.now()).await?, &from).await.is_ok() {
        return Ok(Sending { is_allowed: false, is_noted: true });
    }
    // The widest network of the sender.
    let noted = from.into_iter().next_back().map(|(_, from)| (AttemptKind::Noted, from));
    let noted = count(app.store.write(app.now()).await?, &Vec::from_iter(noted)).await;
    Ok(Sending { is_allowed: false, is_noted: noted.is_ok() })
}

/// Counts a successful login, since each adds a session, a device, and an audit entry.
pub(crate) async fn count_log_in(write: &mut Write, user: UserId) -> Result<(), Refusal> {
    let counted = count_one(write, AttemptKind::LogIn, &user.to_string()).await;
    counted.map_err(|refusal| renamed(refusal, Code::TooManyLogins))
}

async fn count_one(write: &mut Write, kind: AttemptKind, key: &str) -> Result<(), Refusal> {
    let now = write.now();
    let next = write.find_attempts(kind, key).await?.try_at(kind, now)?;
    Ok(write.set_attempts(kind, key, next).await?)
}

async fn count(mut write: Write, keys: &[(AttemptKind, String)]) -> Result<(), Refusal> {
    for (kind, key) in keys {
        count_one(&mut write, *kind, key).await?;
    }
    // There is no audit entry here: the rejection is recorded where the password is checked.
    Ok(write.keep().await?)
}

async fn keys(
    write: &mut Write,
    tries: LoginAttempts<'_>,
    origin: &Origin,
) -> Result<Vec<(AttemptKind, String)>, StoreError> {
    let (typed, device) = match tries {
        LoginAttempts::Session(id) => return Ok(vec![(AttemptKind::Device, id.to_string())]),
        LoginAttempts::Factor(id) => return Ok(vec![(AttemptKind::Factor, id.to_string())]),
        LoginAttempts::Sso => {
            // Counted separately from password attempts, which are more.
            let apart = |kind, from: String| (kind, format!("sign-on {from}"));
            let addr = origin.client_ip;
            let from = addr.map(|addr| apart(AttemptKind::Address, network(addr)));
            let wide = addr.and_then(wide_network).map(|wide| apart(AttemptKind::Network, wide));
            let all = apart(AttemptKind::All, String::new());
            return Ok(from.into_iter().chain(wide).chain([all]).collect());
        }
        LoginAttempts::Passkey { device: Some(device) }
            if write.is_device_of_anybody(device).await? =>
        {
            return Ok(vec![(AttemptKind::Device, hex::encode(device))]);
        }
        LoginAttempts::Passkey { .. } => ("", None),
        LoginAttempts::Email { typed, device } => (typed, device),
    };
    let email = typed.parse::<Email>().ok();
    if let (Some(device), Some(email)) = (device, &email)
        && let Some(user) = write.find_user_by_email(email).await?
        && write.is_device_known(device, user.id).await?
    {
        return Ok(vec![(AttemptKind::Device, hex::encode(device))]);
    }
    let mut keys = Vec::new();
    let mut lane = AttemptKind::All;
    if let Some(addr) = origin.client_ip {
        let (kind, key) = (AttemptKind::Address, network(addr));
        // Networks with few attempts have a separate total, which others can't exhaust.
        if write.find_attempts(kind, &key).await?.in_use(kind, write.now()) < FEW {
            lane = AttemptKind::First;
        }
        keys.push((kind, key));
        keys.extend(wide_network(addr).map(|wide| (AttemptKind::Network, wide)));
    }
    keys.push((lane, String::new()));
    keys.extend(email.map(|email| (AttemptKind::Email, email.canonical().clone())));
    Ok(keys)
}

/// Below this number of attempts, an address counts toward the separate total.
const FEW: i64 = 3;

/// Returns the /48 of an IPv6 address, since a site can have many networks in one. Returns `None` for IPv4.
fn wide_network(addr: IpAddr) -> Option<String> {
    let IpAddr::V6(addr) = addr.to_canonical() else { return None };
    let [a, b, c, ..] = addr.segments();
    Some(format!("{a:x}:{b:x}:{c:x}::/48"))
}

/// Returns the address, or the /64 for IPv6, since an IPv6 host can use a whole /64 (T75).
pub(crate) fn network(addr: IpAddr) -> String {
    match addr.to_canonical() {
        IpAddr::V4(addr) => addr.to_string(),
        IpAddr::V6(addr) => {
            let [a, b, c, d, ..] = addr.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

impl Attempt {
    /// Takes back the counts after a correct credential.
    pub async fn succeeded(self, write: &mut Write) -> Result<(), StoreError> {
        for (kind, key) in self.0 {
            let back: Attempts = write.find_attempts(kind, &key).await?.taken_back(kind);
            write.set_attempts(kind, &key, back).await?;
        }
        Ok(())
    }
}

/// Remembers the browser of a login. Returns `None` if it is already remembered.
pub(crate) async fn remember_device(
    app: &AppState,
    write: &mut Write,
    user: UserId,
    device: Option<[u8; 32]>,
    user_agent: &str,
) -> Result<Option<zeroize::Zeroizing<String>>, StoreError> {
    if let Some(device) = device
        && write.is_device_known(device, user).await?
    {
        return Ok(None);
    }
    let (secret, hash) = codes::generate(&app.entropy);
    write.add_device(hash, user, user_agent).await?;
    Ok(Some(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t75_an_ipv6_host_is_its_network() {
        for (addr, key) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(network(addr.parse().expect("an address")), key);
        }
    }
}
