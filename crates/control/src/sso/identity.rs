//! Identification of the user whom the provider has authenticated. Users are identified by the provider's subject, and
//! by their address only before the first login. If a user's address changes at the provider, the user stays the same;
//! if an address is reassigned, it belongs to another user.

use super::{claims::ProviderIdentity, refusals::rejected};
use crate::{
    AppState,
    one_time::codes,
    passwords::Password,
    refusal::{Code, Refusal},
};
use keydesk_model::{Actor, Email, Event, Origin, TokenName, UserId, audit::EmailDetail};
use keydesk_store::{AuditEntry, NewUser, Sso, User, Write};

pub(super) struct Identified {
    pub user: User,
    /// Whether the address belonged to a user who has left the account.
    pub is_address_reused: bool,
    /// The previous address, if the provider has stated another.
    pub moved: Option<Email>,
}

/// Returns a new user with a random password, which a reset by mail can replace. Returns `None` if the user exists.
pub(super) async fn newcomer(
    app: &AppState,
    sso: &Sso,
    claimed: &ProviderIdentity,
) -> Result<Option<NewUser>, Refusal> {
    let mut read = app.store.read().await?;
    let is_known = match read.find_user_by_email(&claimed.email).await? {
        _ if read.find_identity(sso, &claimed.subject).await?.is_some() => true,
        Some(user) => !read.has_identity(sso, user.id).await?,
        None => false,
    };
    drop(read);
    if is_known {
        return Ok(None);
    }
    let (nobody_knows, _) = codes::generate(&app.entropy);
    let password_hash = app.passwords.hash(Password::typed(&nobody_knows), &app.entropy).await?;
    let name = claimed.name.parse::<TokenName>().map(|name| name.to_string());
    let name = name.unwrap_or_else(|_| claimed.email.local_part().to_owned());
    let id = UserId::generate(app.now(), &app.entropy);
    Ok(Some(NewUser { id, email: claimed.email.clone(), name, password_hash }))
}

/// Returns the user whom the provider's subject identifies, found or added.
pub(super) async fn identify(
    write: &mut Write,
    sso: &Sso,
    (claimed, newcomer): (&ProviderIdentity, Option<NewUser>),
    origin: &Origin,
) -> Result<Identified, Refusal> {
    if let Some(id) = write.find_identity(sso, &claimed.subject).await? {
        let user = write.find_user(id).await?.ok_or(Code::SsoLoginExpired)?;
        // A user who has changed their address since may have access to more than this account.
        if !sso.is_confirmed_for(&user.email.domain()) {
            return Err(rejected("unfit-own-domain"));
        }
        let moved = follow_address(write, sso, (&user, &claimed.email), origin).await?;
        let user = write.find_user(id).await?.ok_or(Code::SsoLoginExpired)?;
        return Ok(Identified { user, is_address_reused: false, moved });
    }
    let known = write.find_user_by_email(&claimed.email).await?;
    let is_other = match &known {
        Some(user) => write.has_identity(sso, user.id).await?,
        None => false,
    };
    if let Some(user) = known.filter(|_| !is_other) {
        write.add_identity(sso, &claimed.subject, user.id).await?;
        return Ok(Identified { user, is_address_reused: false, moved: None });
    }
    if is_other {
        make_room(write, sso, &claimed.email, origin).await?;
    }
    let new = newcomer.ok_or(Code::SsoLoginExpired)?;
    write.add_user(&new).await?;
    write.add_identity(sso, &claimed.subject, new.id).await?;
    let user = write.find_user(new.id).await?.ok_or(Code::SsoLoginExpired)?;
    Ok(Identified { user, is_address_reused: is_other, moved: None })
}

/// Changes a user's address to the provider's, and returns the previous address if it changes.
async fn follow_address(
    write: &mut Write,
    sso: &Sso,
    (user, email): (&User, &Email),
    origin: &Origin,
) -> Result<Option<Email>, Refusal> {
    let is_same = user.email.canonical() == email.canonical();
    // An address of another user stays theirs, and this user keeps their previous address.
    if is_same || write.find_user_by_email(email).await?.is_some() {
        return Ok(None);
    }
    set_email(write, sso, (user, email), origin).await?;
    Ok(Some(user.email.clone()))
}

/// Removes an address from its previous user, if they have left the account. According to the provider, it belongs to
/// another user now, who would receive the previous user's links by mail.
async fn make_room(
    write: &mut Write,
    sso: &Sso,
    email: &Email,
    origin: &Origin,
) -> Result<(), Refusal> {
    let Some(before) = write.find_user_by_email(email).await? else { return Ok(()) };
    // This provider can't take over the user's remaining memberships or operator rights.
    let has_something = !write.list_memberships(before.id).await?.is_empty();
    if has_something || write.is_operator(before.id).await? {
        return Err(rejected("unfit-address-reused"));
    }
    let former = format!("{}@former.invalid", before.id).parse::<Email>();
    let former = former.map_err(|_| Code::SsoLoginExpired)?;
    set_email(write, sso, (&before, &former), origin).await
}

async fn set_email(
    write: &mut Write,
    sso: &Sso,
    (user, email): (&User, &Email),
    origin: &Origin,
) -> Result<(), Refusal> {
    write.set_email(user.id, email).await?;
    write.close_email_changes(user.id).await?;
    write.close_resets(user.id).await?;
    let changed = Event::UserEmailChanged {
        before: EmailDetail::from(&user.email),
        after: EmailDetail::from(email),
        sso_issuer: Some(sso.issuer.clone()),
    };
    let entry = AuditEntry {
        event: changed,
        actor: Actor::User { user: user.id, member: None },
        origin: origin.clone(),
        account: Some(sso.account),
        target: user.id.to_string(),
    };
    write.audit(&entry).await?;
    Ok(())
}
