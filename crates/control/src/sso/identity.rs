//! Which user somebody is whom the provider has sent. They are known by the provider's subject; by their address
//! only before the first time. An address that has changed there is the same user, one that was given to somebody
//! else is another.

use super::{claims::ProviderIdentity, rejected};
use crate::{
    AppState,
    one_time::codes,
    passwords::Password,
    refusal::{Code, Refusal},
};
use keydesk_model::{Actor, Email, Event, Origin, TokenName, UserId};
use keydesk_store::{AuditEntry, NewUser, Sso, User, Write};

pub(super) struct Identified {
    pub user: User,
    /// Their address belonged to somebody who has left the account.
    pub is_address_reused: bool,
    /// The address that they had before, where the provider has said another.
    pub moved: Option<Email>,
}

/// Somebody new, with a password that nobody knows: a reset by mail can give them one. None: they are known.
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

/// The user whom the provider's subject names, found or added.
pub(super) async fn identify(
    write: &mut Write,
    sso: &Sso,
    (claimed, newcomer): (&ProviderIdentity, Option<NewUser>),
    origin: &Origin,
) -> Result<Identified, Refusal> {
    if let Some(id) = write.find_identity(sso, &claimed.subject).await? {
        let user = write.find_user(id).await?.ok_or(Code::SsoLoginExpired)?;
        // Somebody who has another address since may have more to lose than this account.
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

/// Takes the provider's address over for somebody who has another one here. The address that they had, if it changes.
async fn follow_address(
    write: &mut Write,
    sso: &Sso,
    (user, email): (&User, &Email),
    origin: &Origin,
) -> Result<Option<Email>, Refusal> {
    let is_same = user.email.canonical() == email.canonical();
    // Somebody else's stays theirs, and the user keeps the address that they had.
    if is_same || write.find_user_by_email(email).await?.is_some() {
        return Ok(None);
    }
    set_email(write, sso, (user, email), origin).await?;
    Ok(Some(user.email.clone()))
}

/// Takes an address from the user who had it before, if they have left the account. The provider says that it is
/// somebody else's now; links by mail would go to them.
async fn make_room(
    write: &mut Write,
    sso: &Sso,
    email: &Email,
    origin: &Origin,
) -> Result<(), Refusal> {
    let Some(before) = write.find_user_by_email(email).await? else { return Ok(()) };
    // What they still have, here or elsewhere, is not this provider's to take.
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
    let entry = AuditEntry {
        event: Event::UserEmailChanged,
        actor: Actor::User { user: user.id, member: None },
        origin: origin.clone(),
        account: Some(sso.account),
        target: user.id.to_string(),
        detail: serde_json::json!({
            "single_sso": sso.issuer,
            "before": { "email": user.email.as_str() },
            "after": { "email": email.as_str() },
        }),
    };
    write.audit(&entry).await?;
    Ok(())
}
