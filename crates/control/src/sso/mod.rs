//! Single sign-on with OpenID Connect (discovery, authorization code, PKCE): an account's owner names the provider, and
//! the operator confirms that the domain belongs to this customer and that the provider can be used. Users who log in
//! with it become members immediately, with the role from the provider's claims.

pub(crate) mod api;
mod claims;
pub(crate) mod console;
mod identity;
mod provider;
mod refusals;
mod roles;
mod secret;
mod settings;

use crate::{
    AppState, accounts,
    mail::Message,
    members,
    one_time::{challenge, codes},
    principal::AnonymousUser,
    refusal::{Code, Refusal},
    sessions::{self, LoggedIn, News, SessionSecret, visitor_entry},
    throttling::attempts::{self, LoginAttempts},
};
pub(crate) use secret::belongs_to;

use claims::ProviderIdentity;
use identity::Identified;
use keydesk_model::{AccountId, Actor, Email, Event, MemberId, Role, audit::RoleDetail};
use keydesk_store::{AuditEntry, Sso, Write};
use refusals::rejected;
use roles::role_of;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The time to complete a login at the provider.
const LASTS: Duration = Duration::from_mins(10);

/// The state that the browser holds during a login at the provider, so that the response is accepted only in the same
/// browser.
#[derive(Serialize, Deserialize)]
struct Away {
    account: AccountId,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

/// The context to which the state of a redirect is sealed.
const DEPARTS: &str = "sign-on|departure";

/// The redirect to the provider, and the state that the browser holds in the meantime.
pub(crate) struct AuthorizationRedirect {
    pub url: String,
    pub host: String,
    /// The value that distinguishes this redirect from others in the same browser.
    pub state: String,
    pub browser: SessionSecret,
}

/// Begins a login with this email address.
pub(crate) async fn begin(
    app: &AppState,
    email: &str,
    next: &str,
    visitor: &AnonymousUser,
) -> Result<AuthorizationRedirect, Refusal> {
    let email: Email = email.parse().map_err(|_| Code::SsoNotConfigured)?;
    let found = app.store.read().await?.find_sso_for(&email.domain()).await?;
    let sso = found.ok_or(Code::SsoNotConfigured)?;
    attempts::begin(app, LoginAttempts::Sso, &visitor.origin).await?;
    let client = provider::Client::discover(app, &sso).await?;
    let generate = || codes::generate(&app.entropy).0.to_string();
    let (state, nonce, verifier) = (generate(), generate(), generate());
    let url = client.authorize_url(&state, &nonce, &verifier);
    let away =
        Away { account: sso.account, state: state.clone(), nonce, verifier, next: next.to_owned() };
    let browser = challenge::seal(app, DEPARTS, away, LASTS)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok(AuthorizationRedirect { url: url.to_string(), host, state, browser })
}

/// The query parameters with which the provider redirects the browser back.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Arrival {
    pub code: String,
    pub state: String,
    pub error: String,
}

/// Logs in the user whom the provider has authenticated, and returns where to continue.
pub(crate) async fn finish(
    app: &AppState,
    arrival: &Arrival,
    browser: Option<&str>,
    visitor: AnonymousUser,
) -> Result<(LoggedIn, String), Refusal> {
    let back = browser.and_then(|held| challenge::open::<Away>(app, DEPARTS, held));
    let back = back.ok_or(Code::SsoLoginExpired)?;
    if codes::digest(&back.what.state) != codes::digest(&arrival.state) {
        return Err(Code::SsoLoginExpired.into());
    }
    let mut write = app.store.write(app.now()).await?;
    let away = back.take(&mut write).await?.ok_or(Code::SsoLoginExpired)?;
    write.keep().await?;
    if !arrival.error.is_empty() || arrival.code.is_empty() {
        return Err(rejected("unfit-refused"));
    }
    let mut read = app.store.read().await?;
    let found = read.find_sso(away.account).await?;
    drop(read);
    let sso = found.ok_or(Code::SsoNotConfigured)?;
    let client = provider::Client::discover(app, &sso).await?;
    let claimed = client.exchange(&arrival.code, &away.nonce, &away.verifier).await?;
    if !sso.is_confirmed_for(&claimed.email.domain()) {
        return Err(rejected("unfit-domain"));
    }
    Ok((enter(app, &sso, &claimed, visitor).await?, away.next))
}

/// Adds or updates the member by the provider's claims, and opens the session.
async fn enter(
    app: &AppState,
    sso: &Sso,
    claimed: &ProviderIdentity,
    visitor: AnonymousUser,
) -> Result<LoggedIn, Refusal> {
    // Hashing takes time, so it precedes the transaction.
    let newcomer = identity::newcomer(app, sso, claimed).await?;
    let mut write = app.store.write(app.now()).await?;
    let account = write.find_account(sso.account).await?.ok_or(Code::SsoNotConfigured)?;
    if !account.state.is_in_use() {
        return Err(rejected("unfit-closed"));
    }
    // The settings may have changed while the provider responded.
    let still = write.find_sso(account.id).await?;
    let domain = claimed.email.domain();
    if still.is_none_or(|still| !still.is_confirmed_for(&domain) || !still.is_same_client(sso)) {
        return Err(Code::SsoNotConfigured.into());
    }
    let who = (claimed, newcomer);
    let identified = identity::identify(&mut write, sso, who, &visitor.origin).await?;
    let user = &identified.user;
    roles::keep_values(&mut write, sso, claimed).await?;
    attempts::forgive_sso(&mut write, &visitor.origin).await?;
    let role = role_of(sso, &claimed.values);
    let (member, was) = admit(app, &mut write, sso, (&identified, role)).await?;
    // A user with a second factor in Keydesk must enter it here, too.
    let half = sessions::half_way(app, &mut write, (user.id, Some(account.id))).await?;
    let news = News::of(&mut write, user, None).await?;
    let own = Some(account.id);
    let logged_in = if let Some(half) = half {
        LoggedIn::HalfWay(half)
    } else {
        let opened = sessions::open_session(app, &mut write, user.id, own, &visitor).await?;
        LoggedIn::NewLogin(opened)
    };
    let entry = |event| AuditEntry {
        actor: Actor::User { user: user.id, member: Some(member) },
        account: own,
        ..visitor_entry(event, &user.id.to_string(), visitor.origin.clone())
    };
    // Joining or a role change has an audit entry of its own.
    let is = write.find_member_of(account.id, user.id).await?.map(|member| member.role);
    let [before, after] = [was, is].map(|role| role.map(|role| RoleDetail { role }));
    let admitted = match (before, after) {
        (None, Some(after)) => Some(Event::MemberJoinedThroughSso { after }),
        (Some(before), Some(after)) if before != after => {
            Some(Event::MemberRoleChanged { before, after, invitations_closed: None })
        }
        _ => None,
    };
    if let Some(event) = admitted {
        write.audit(&entry(event)).await?;
    }
    let sso_issuer = Some(sso.issuer.clone());
    let entry = entry(Event::SessionCreated { second_factor: None, sso_issuer });
    if let LoggedIn::NewLogin(entered) = &logged_in {
        news.mail(app, &mut write, entered, &visitor.origin).await?;
    }
    for address in identified.moved.iter().chain(identified.moved.as_ref().map(|_| &user.email)) {
        let message = Message::to(user.language, || Message::email_changed(user.email.as_str()));
        app.add_mail(&mut write, address, message).await?;
    }
    // A role change may have revoked a token.
    app.commit_with_receipt(write, entry).await?;
    Ok(logged_in)
}

/// Returns the user's membership in this account, added if necessary, and their previous role, if any.
async fn admit(
    app: &AppState,
    write: &mut Write,
    sso: &Sso,
    (Identified { user, is_address_reused, .. }, wanted): (&Identified, Option<Role>),
) -> Result<(MemberId, Option<Role>), Refusal> {
    let account = sso.account;
    let Some(member) = write.find_member_of(account, user.id).await? else {
        // A user whom an administrator has removed can return only with an invitation.
        if !is_address_reused && write.was_removed(account, (user.id, &user.email)).await? {
            return Err(rejected("unfit-removed"));
        }
        let role = wanted.unwrap_or(sso.default_role);
        let joined = accounts::join(app, write, (account, user.id), role, &user.name).await?;
        return Ok((joined, None));
    };
    if let Some(role) = wanted.filter(|_| member.role != Role::Owner) {
        members::apply_role(app, write, &member, role).await?;
    }
    Ok((member.id, Some(member.role)))
}
