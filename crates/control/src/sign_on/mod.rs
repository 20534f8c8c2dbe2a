//! Single sign-on by OpenID Connect (discovery, authorization code, PKCE): an account's owner names the provider,
//! the operator confirms that the domain is this customer's and that the provider may be asked. Who comes in by it
//! is made a member at once, with the role that the provider says.

mod claims;
pub(crate) mod console;
mod identity;
mod provider;
mod settings;

use crate::{
    Desk, KeyringError, accounts,
    attempts::{self, HeldError, Tries},
    caller::Visitor,
    challenge, codes,
    mail::Message,
    members,
    passwords::TooBusy,
    problem::Problem,
    say,
    sessions::{self, LoggedIn, News, SessionSecret, visitor_entry},
};
use claims::Told;
use identity::Identified;
use keydesk_model::{AccountId, Action, Actor, Email, MemberId, Role};
use keydesk_store::{AuditEntry, SignOn, StoreError, Write};
use serde::{Deserialize, Serialize};
use settings::read_roles;
use std::time::Duration;

/// How long the provider may take.
const LASTS: Duration = Duration::from_mins(10);

/// What the secret of a provider's client is sealed to.
pub(crate) fn belongs_to(account: AccountId) -> String {
    format!("sign-on|{account}")
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SignOnError {
    #[error("{}", say("sign-on-wrong-issuer"))]
    Issuer,
    #[error("{}", say("sign-on-no-client"))]
    Client,
    #[error("{}", say("sign-on-no-secret"))]
    Secret,
    #[error("{}", say("sign-on-wrong-domain"))]
    Domain,
    #[error("{}", say("sign-on-wrong-roles"))]
    Roles,
    #[error("{}", say("sign-on-none"))]
    None,
    #[error("{}", say("sign-on-scopes"))]
    Scopes,
    /// What is wrong at the provider, or between it and its settings.
    #[error("{}", say("sign-on-fault").with("why", say(.id).with("detail", .detail)))]
    Provider { id: &'static str, detail: String },
    #[error("{}", say("sign-on-over"))]
    Over,
    #[error("{}", say("sign-on-unfit").with("why", say(.0)))]
    Unfit(&'static str),
    /// What was entered is kept, and this is what the provider says to it.
    #[error("{}", say("sign-on-saved-but").with("why", .0.to_string()))]
    Saved(Box<SignOnError>),
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error("{}", say("hashing-busy"))]
    TooBusy,
    #[error(transparent)]
    Key(#[from] KeyringError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TooBusy> for SignOnError {
    fn from(_: TooBusy) -> Self {
        Self::TooBusy
    }
}

impl From<SignOnError> for Problem {
    fn from(error: SignOnError) -> Self {
        match error {
            SignOnError::Store(error) => error.into(),
            SignOnError::Key(error) => Self::broken(error),
            SignOnError::Held(held) => held.into(),
            SignOnError::TooBusy => Self::too_busy(),
            error => Self::invalid(error.to_string()).leading_to("/login", say("go-to-log-in")),
        }
    }
}

/// What the browser holds while its person is at the provider: the answer counts in the browser that asked.
#[derive(Serialize, Deserialize)]
struct Away {
    account: AccountId,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

/// What a departure is sealed to.
const DEPARTS: &str = "sign-on|departure";

/// Where to go on, and what the browser is to hold meanwhile.
pub(crate) struct Departure {
    pub url: String,
    pub host: String,
    /// Tells this departure from others of the same browser.
    pub state: String,
    pub browser: SessionSecret,
}

/// Begins a log-in of somebody with this address.
pub(crate) async fn begin(
    desk: &Desk,
    email: &str,
    next: &str,
    visitor: &Visitor,
) -> Result<Departure, SignOnError> {
    let email: Email = email.parse().map_err(|_| SignOnError::None)?;
    let found = desk.store.read().await?.find_sign_on_for(&email.domain()).await?;
    let sign_on = found.ok_or(SignOnError::None)?;
    let begun = attempts::begin(desk, Tries::SignOn, &visitor.origin).await;
    begun.map_err(HeldError::of_sign_on)?;
    let client = provider::Client::discover(desk, &sign_on).await?;
    let generate = || codes::generate(&desk.entropy).0.to_string();
    let (state, nonce, verifier) = (generate(), generate(), generate());
    let url = client.authorize_url(&state, &nonce, &verifier);
    let away = Away {
        account: sign_on.account,
        state: state.clone(),
        nonce,
        verifier,
        next: next.to_owned(),
    };
    let browser = challenge::seal(desk, DEPARTS, away, LASTS)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok(Departure { url: url.to_string(), host, state, browser })
}

/// What the provider sends the browser back with.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Arrival {
    pub code: String,
    pub state: String,
    pub error: String,
}

/// Lets in whoever the provider says it is. Where to go on.
pub(crate) async fn finish(
    desk: &Desk,
    arrival: &Arrival,
    browser: Option<&str>,
    visitor: Visitor,
) -> Result<(LoggedIn, String), SignOnError> {
    let back = browser.and_then(|held| challenge::open::<Away>(desk, DEPARTS, held));
    let back = back.ok_or(SignOnError::Over)?;
    if codes::digest(&back.what.state) != codes::digest(&arrival.state) {
        return Err(SignOnError::Over);
    }
    let mut write = desk.store.write(desk.now()).await?;
    let away = back.take(&mut write).await?.ok_or(SignOnError::Over)?;
    write.keep().await?;
    if !arrival.error.is_empty() || arrival.code.is_empty() {
        return Err(SignOnError::Unfit("unfit-refused"));
    }
    let mut read = desk.store.read().await?;
    let found = read.find_sign_on(away.account).await?;
    drop(read);
    let sign_on = found.ok_or(SignOnError::None)?;
    let client = provider::Client::discover(desk, &sign_on).await?;
    let told = client.exchange(&arrival.code, &away.nonce, &away.verifier).await?;
    if !sign_on.is_confirmed_for(&told.email.domain()) {
        return Err(SignOnError::Unfit("unfit-domain"));
    }
    Ok((enter(desk, &sign_on, &told, visitor).await?, away.next))
}

/// Makes whoever comes a member, or the member what the provider says, and opens the session.
async fn enter(
    desk: &Desk,
    sign_on: &SignOn,
    told: &Told,
    visitor: Visitor,
) -> Result<LoggedIn, SignOnError> {
    // A hash takes its time, so it is made before the transaction.
    let newcomer = identity::newcomer(desk, sign_on, told).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let account = write.find_account(sign_on.account).await?.ok_or(SignOnError::None)?;
    if !account.state.is_in_use() {
        return Err(SignOnError::Unfit("unfit-closed"));
    }
    // What was asked may have been taken back while the provider answered.
    let still = write.find_sign_on(account.id).await?;
    let domain = told.email.domain();
    if still.is_none_or(|still| !still.is_confirmed_for(&domain) || !still.is_same_client(sign_on))
    {
        return Err(SignOnError::None);
    }
    let who = (told, newcomer);
    let identified = identity::identify(&mut write, sign_on, who, &visitor.origin).await?;
    let person = &identified.person;
    attempts::forgive_sign_on(&mut write, &visitor.origin).await?;
    let role = role_of(sign_on, told);
    let (member, was) = admit(desk, &mut write, sign_on, (&identified, role)).await?;
    // Whoever has set up a second factor here is asked for it here, too.
    let half = sessions::half_way(desk, &mut write, (person.id, Some(account.id))).await?;
    let news = News::of(&mut write, person, None).await?;
    let own = Some(account.id);
    let logged_in = if let Some(half) = half {
        LoggedIn::HalfWay(half)
    } else {
        let opened = sessions::open_session(desk, &mut write, person.id, own, &visitor).await?;
        LoggedIn::Entered(opened)
    };
    let entry = |action, detail| AuditEntry {
        actor: Actor::Person { person: person.id, member: Some(member) },
        account: own,
        detail,
        ..visitor_entry(action, &person.id.to_string(), visitor.origin.clone())
    };
    // Joining, or another role, is an act of its own.
    let is = write.find_member_of(account.id, person.id).await?.map(|member| member.role);
    if was != is {
        let action = if was.is_none() { Action::JoinBySignOn } else { Action::ChangeRole };
        let detail = serde_json::json!({ "before": { "role": was }, "after": { "role": is } });
        write.audit(&entry(action, detail)).await?;
    }
    let detail = serde_json::json!({ "single_sign_on": sign_on.issuer });
    let entry = entry(Action::LogIn, detail);
    // Where a role has changed, a token may have ended.
    desk.commit_with_receipt(write, entry).await?;
    if let LoggedIn::Entered(entered) = &logged_in {
        news.send(desk, entered, &visitor.origin);
    }
    for address in identified.moved.iter().chain(identified.moved.as_ref().map(|_| &person.email)) {
        let new = person.email.as_str();
        desk.send_mail(address, Message::to(person.language, || Message::email_changed(new)));
    }
    Ok(logged_in)
}

/// The member that a person is here, made one if need be; and the role that they had before, if any.
async fn admit(
    desk: &Desk,
    write: &mut Write,
    sign_on: &SignOn,
    (Identified { person, is_address_reused, .. }, wanted): (&Identified, Option<Role>),
) -> Result<(MemberId, Option<Role>), SignOnError> {
    let account = sign_on.account;
    let Some(member) = write.find_member_of(account, person.id).await? else {
        // Whom an administrator has removed only an invitation brings back.
        if !is_address_reused && write.was_removed(account, (person.id, &person.email)).await? {
            return Err(SignOnError::Unfit("unfit-removed"));
        }
        let role = wanted.unwrap_or(sign_on.default_role);
        let joined = accounts::join(desk, write, (account, person.id), role, &person.name).await?;
        return Ok((joined, None));
    };
    if let Some(role) = wanted.filter(|_| member.role != Role::Owner) {
        members::apply_role(desk, write, &member, role).await?;
    }
    Ok((member.id, Some(member.role)))
}

/// The role that the provider's claim gives: the default one where it names none that counts here. None: no claim
/// says roles.
fn role_of(sign_on: &SignOn, told: &Told) -> Option<Role> {
    if sign_on.role_claim.is_empty() {
        return None;
    }
    let roles = read_roles(&sign_on.roles).unwrap_or_default();
    let given = roles.into_iter().filter(|(value, _)| told.values.contains(value));
    Some(given.map(|(_, role)| role).max().unwrap_or(sign_on.default_role))
}
