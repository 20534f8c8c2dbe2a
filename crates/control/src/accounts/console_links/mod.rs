//! Links into the console for an operator's own product: each logs a member of an account in, once, within a minute. So a
//! vendor whose customers already have a login needs no second password. The session is limited to the account.

pub(crate) mod api;
pub(crate) mod console;

use super::{join, user_name};
use crate::{
    AppState, factors,
    one_time::codes,
    passwords::Password,
    principal::{Administrator, AnonymousUser, Operator},
    refusal::{At as _, Code, Refusal},
    sessions::{NewLogin, SessionSecret, open_session, visitor_entry},
};
use keydesk_model::{
    AccountId, AccountNumber, Actor, Email, Event, MemberId, OperatorPermission, Role, Timestamp,
    UserId,
    audit::{ConsoleLinkDetail, RoleDetail},
};
use keydesk_store::{AuditEntry, ConsoleLink, Member, NewUser, Write};
use std::time::Duration;

/// The time for which a link works.
const LIFETIME: Duration = Duration::from_mins(1);
const LONGEST_URL: usize = 1_000;
const LONGEST_ID: usize = 200;

/// Whom a link logs in, and where.
#[derive(Debug)]
pub(crate) struct LinkRequest {
    pub email: Option<String>,
    /// The ID by which the operator's own product knows the member.
    pub external_id: Option<String>,
    /// The name and the role of the member, who is added if they are none.
    pub create: Option<(String, Role)>,
    pub path: String,
    pub return_url: Option<String>,
}

/// A link that was created.
pub(crate) struct CreatedLink {
    pub secret: SessionSecret,
    pub member: MemberId,
    pub expires_at: Timestamp,
}

/// Creates a link.
pub(crate) async fn create_link(
    app: &AppState,
    operator: &Operator,
    (number, request): (AccountNumber, LinkRequest),
) -> Result<CreatedLink, Refusal> {
    let email = check(&request)?;
    // The password is hashed before the transaction, which would otherwise wait for it.
    let newcomer = newcomer(app, operator, (email.as_ref(), &request)).await?;
    let administrator = Administrator::Operator(operator);
    let at = (&app.store, app.now());
    let mut write = administrator.begin(at, OperatorPermission::OpenSessions).await?;
    let account = write.find_account_by_number(number).await?.ok_or(Code::NotFound)?;
    if !account.state.is_in_use() {
        return Err(Refusal::new(Code::NotFound));
    }
    let known = find_member(&mut write, account.id, (email.as_ref(), &request)).await?;
    let member = match (known, newcomer) {
        (Some(member), _) => member,
        (None, Some(new)) => {
            let role = request.create.as_ref().map_or(Role::Viewer, |(_, role)| *role);
            add_member(app, &mut write, (administrator, account.id), (new, role)).await?
        }
        (None, None) => return Err(Refusal::new(Code::UnknownMember).at("email")),
    };
    if write.is_operator(member.user).await? {
        return Err(Refusal::new(Code::LinkToOperator).at("email"));
    }
    if let Some(id) = &request.external_id {
        write.set_external_id(member.id, id).await?;
    }
    let (secret, hash) = codes::generate(&app.entropy);
    let expires_at = write.now().plus(LIFETIME);
    let link = ConsoleLink {
        account: account.id,
        member: member.id,
        user: member.user,
        path: request.path,
        return_url: request.return_url,
        key: operator.credential.key().map(|key| key.id),
        expires_at,
    };
    write.add_console_link(hash, &link).await?;
    let after = ConsoleLinkDetail { email: member.email.to_string(), path: link.path };
    let created = Event::ConsoleLinkCreated { after };
    let entry =
        AuditEntry { target: member.id.to_string(), ..administrator.entry(created, account.id) };
    write.commit(entry).await?;
    Ok(CreatedLink { secret, member: member.id, expires_at })
}

/// Checks the request, and returns the email address.
fn check(request: &LinkRequest) -> Result<Option<Email>, Refusal> {
    let email = request.email.as_deref().map(str::parse::<Email>).transpose().at("email")?;
    let is_path = request.path.starts_with('/')
        && !request.path.starts_with("//")
        && request.path.len() <= LONGEST_URL
        && !request.path.contains(|c: char| c == '\\' || c.is_control());
    if !is_path {
        return Err(Refusal::new(Code::InvalidPath).at("path"));
    }
    if request.return_url.as_deref().is_some_and(|url| host_of(url).is_none()) {
        return Err(Refusal::new(Code::InvalidReturnUrl).at("return_url"));
    }
    let is_id = |id: &String| {
        (1..=LONGEST_ID).contains(&id.chars().count()) && !id.contains(char::is_control)
    };
    if !request.external_id.as_ref().is_none_or(is_id) {
        return Err(Refusal::new(Code::InvalidExternalId).at("external_id"));
    }
    if email.is_none() && (request.external_id.is_none() || request.create.is_some()) {
        return Err(Refusal::new(Code::InvalidEmail).at("email"));
    }
    Ok(email)
}

/// Returns the host of a URL that a page can link back to: of HTTPS, or on this machine.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let parsed: http::Uri = url.parse().ok()?;
    let (scheme, authority) = (parsed.scheme_str()?, parsed.authority()?);
    let host = authority.host();
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let is_fit = (scheme == "https" || scheme == "http" && is_local)
        && url.len() <= LONGEST_URL
        && !authority.as_str().contains('@');
    is_fit.then(|| authority.as_str().to_owned())
}

/// Returns a new user with a random password, if the request creates one. A reset by mail can replace it.
async fn newcomer(
    app: &AppState,
    operator: &Operator,
    (email, request): (Option<&Email>, &LinkRequest),
) -> Result<Option<NewUser>, Refusal> {
    operator.permit(OperatorPermission::OpenSessions)?;
    let (Some(email), Some((name, _))) = (email, &request.create) else { return Ok(None) };
    let name = user_name(name, email).at("name")?;
    if app.store.read().await?.find_user_by_email(email).await?.is_some() {
        return Ok(None);
    }
    let (nobody_knows, _) = codes::generate(&app.entropy);
    let password_hash = app.passwords.hash(Password::typed(&nobody_knows), &app.entropy).await?;
    let id = UserId::generate(app.now(), &app.entropy);
    Ok(Some(NewUser { id, email: email.clone(), name, password_hash }))
}

/// Finds the member by the external ID, or else by the email address.
async fn find_member(
    write: &mut Write,
    account: AccountId,
    (email, request): (Option<&Email>, &LinkRequest),
) -> Result<Option<Member>, Refusal> {
    if let Some(id) = &request.external_id
        && let Some(found) = write.find_member_by_external_id(account, id).await?
    {
        let member = write.find_member(account, found).await?;
        let is_other = |member: &Member| {
            email.is_some_and(|email| email.canonical() != member.email.canonical())
        };
        if member.as_ref().is_some_and(is_other) {
            return Err(Refusal::new(Code::ExternalIdTaken).at("external_id"));
        }
        return Ok(member);
    }
    let Some(email) = email else { return Ok(None) };
    let Some(user) = write.find_user_by_email(email).await? else { return Ok(None) };
    match write.find_member_of(account, user.id).await? {
        Some(member) => Ok(Some(member)),
        // The link would open accounts whose owners know nothing of it.
        None if request.create.is_some() => {
            Err(Refusal::new(Code::UserOfAnotherAccount).at("email"))
        }
        None => Ok(None),
    }
}

async fn add_member(
    app: &AppState,
    write: &mut Write,
    (administrator, account): (Administrator<'_>, AccountId),
    (new, role): (NewUser, Role),
) -> Result<Member, Refusal> {
    write.add_user(&new).await?;
    let id = join(app, write, (account, new.id), role, &new.name).await?;
    let joined = Event::MemberJoinedThroughLink { after: RoleDetail { role } };
    let entry = AuditEntry { target: id.to_string(), ..administrator.entry(joined, account) };
    write.audit(&entry).await?;
    Ok(write.find_member(account, id).await?.ok_or(Code::NotFound)?)
}

/// Logs the member of a link in. Returns the page that it opens.
///
/// # Errors
///
/// [`Code::ConsoleLinkExpired`] if it is unknown, was used, or has expired. [`Code::LinkNeedsLogin`] if the user has
/// two-factor authentication, for which a link is no substitute.
pub(crate) async fn follow(
    app: &AppState,
    code: &str,
    visitor: AnonymousUser,
) -> Result<(NewLogin, String), Refusal> {
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    let found = write.take_console_link(codes::digest(code)).await?;
    let link = found.filter(|link| link.expires_at > now).ok_or(Code::ConsoleLinkExpired)?;
    let account = write.find_account(link.account).await?;
    let member = write.find_member(link.account, link.member).await?;
    let is_open = account.is_some_and(|account| account.state.is_in_use());
    if !is_open || member.is_none() || write.is_operator(link.user).await? {
        return Err(Code::ConsoleLinkExpired.into());
    }
    if factors::has_one(&mut write, link.user).await? {
        return Err(Code::LinkNeedsLogin.into());
    }
    let entered = open_session(app, &mut write, link.user, Some(link.account), &visitor).await?;
    write.link_session(codes::digest(&entered.session), link.return_url.as_deref()).await?;
    let created = Event::SessionCreated { second_factor: None, sso_issuer: None };
    let entry = AuditEntry {
        actor: Actor::User { user: link.user, member: Some(link.member) },
        account: Some(link.account),
        ..visitor_entry(created, &link.user.to_string(), visitor.origin)
    };
    write.commit(entry).await?;
    Ok((entered, link.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_a_page_of_the_web_or_of_this_machine() {
        for (url, host) in [
            ("https://app.example.com/settings?tab=api", Some("app.example.com")),
            ("https://app.example.com:8443/", Some("app.example.com:8443")),
            ("http://localhost:3000/x", Some("localhost:3000")),
            ("http://app.example.com/", None),
            ("javascript:alert(1)", None),
            ("//app.example.com", None),
            ("https://console.example.com@evil.example/", None),
            ("", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }
}
