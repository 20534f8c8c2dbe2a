//! Accepting an invitation: existing users prove their identity, and new users choose a password.

use crate::{
    AppState, accounts, factors,
    one_time::codes,
    passwords::Password,
    principal::AnonymousUser,
    refusal::{At as _, Code, Refusal},
    sessions::{self, NewLogin, News, visitor_entry},
    throttling::attempts::{self, LoginAttempts},
};
use keydesk_model::{
    Actor, Event, UserId,
    audit::{LoginFactor, RoleDetail, SecondFactorProof},
};
use keydesk_store::{AuditEntry, Invitation, NewUser, User, Write};

/// Returns an open invitation, and whether its address belongs to an existing user.
pub(crate) async fn find_invitation(
    app: &AppState,
    code: &str,
) -> Result<(Invitation, bool), Refusal> {
    let mut read = app.store.read().await?;
    let invitation = read
        .find_invitation(codes::digest(code), app.now())
        .await?
        .ok_or(Code::InvitationExpired)?;
    let is_known = read.find_user_by_email(&invitation.email).await?.is_some();
    Ok((invitation, is_known))
}

/// The form input of a user who accepts an invitation.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub name: &'a str,
    pub password: &'a str,
    /// The code of the second factor, for users who have one.
    pub code: &'a str,
}

/// Accepts an invitation: existing users enter their password, and new users choose one.
pub(crate) async fn accept(
    app: &AppState,
    code: &str,
    typed: Typed<'_>,
    visitor: AnonymousUser,
) -> Result<NewLogin, Refusal> {
    let Typed { name, password, code: factor } = typed;
    let (digest, now) = (codes::digest(code), app.now());
    let mut read = app.store.read().await?;
    let invitation = read.find_invitation(digest, now).await?.ok_or(Code::InvitationExpired)?;
    let known = read.find_user_by_email(&invitation.email).await?;
    drop(read);
    let (mut write, proof, newcomer) = if let Some(user) = &known {
        let (write, proof) = prove(app, user, (password, factor), &visitor).await?;
        (write, proof, None)
    } else {
        let newcomer = newcomer(app, &invitation, name, password).await?;
        (app.store.write(app.now()).await?, None, Some(newcomer))
    };
    // The account may have been closed in the meantime, or the invitation withdrawn.
    let invitation = write.find_invitation(digest, now).await?.ok_or(Code::InvitationExpired)?;
    if !write.close_invitation(invitation.account, invitation.id).await? {
        return Err(Code::InvitationExpired.into());
    }
    let news = match &known {
        Some(user) => Some(News::of(&mut write, user, proof).await?),
        None => None,
    };
    let (user, name) = add_or_find(&mut write, known.as_ref(), newcomer).await?;
    let target = (invitation.account, user);
    // The user may have become a member in another way in the meantime; then there is nothing to join.
    let member = match write.find_member_of(target.0, target.1).await? {
        Some(member) => member.id,
        None => accounts::join(app, &mut write, target, invitation.role, &name).await?,
    };
    let entered =
        sessions::open_session(app, &mut write, user, Some(invitation.account), &visitor).await?;
    let entry = AuditEntry {
        event: Event::MemberInvitationAccepted {
            after: RoleDetail { role: invitation.role },
            second_factor: proof,
        },
        actor: Actor::User { user, member: Some(member) },
        origin: visitor.origin.clone(),
        account: Some(invitation.account),
        target: member.to_string(),
    };
    if let Some(news) = news {
        news.mail(app, &mut write, &entered, &visitor.origin).await?;
    }
    write.commit(entry).await?;
    Ok(entered)
}

/// Begins a write transaction for an existing user who has entered the password, and the second factor if they have
/// one. Every failed attempt is counted and recorded in the audit log, as for a login.
async fn prove(
    app: &AppState,
    user: &User,
    (password, factor): (&str, &str),
    visitor: &AnonymousUser,
) -> Result<(Write, Option<SecondFactorProof>), Refusal> {
    let tries = LoginAttempts::Email { typed: user.email.as_str(), device: visitor.device };
    let attempt = attempts::begin(app, tries, &visitor.origin).await?;
    let stored = Some(user.password_hash.as_str());
    if !app.passwords.verify(Password::typed(password), stored).await? {
        let write = app.store.write(app.now()).await?;
        let failed = Event::SessionLoginFailed { factor: LoginFactor::Password };
        write.commit(visitor_entry(failed, "", visitor.origin.clone())).await?;
        return Err(Refusal::new(Code::InvitationWrongPassword).at("password"));
    }
    if !factors::has_one(&mut app.store.read().await?, user.id).await? {
        let mut write = app.store.write(app.now()).await?;
        // The second factor may have been added in the meantime.
        if factors::has_one(&mut write, user.id).await? {
            return Err(Refusal::new(Code::InvitationWrongCode).at("code"));
        }
        attempt.succeeded(&mut write).await?;
        return Ok((write, None));
    }
    let guess = attempts::begin(app, LoginAttempts::Factor(user.id), &visitor.origin).await?;
    let mut write = app.store.write(app.now()).await?;
    let Some(proof) = factors::take(app, &mut write, user.id, factor).await? else {
        let failed = Event::SessionLoginFailed { factor: LoginFactor::OneTimeCode };
        let target = user.id.to_string();
        write.commit(visitor_entry(failed, &target, visitor.origin.clone())).await?;
        return Err(Refusal::new(Code::InvitationWrongCode).at("code"));
    };
    attempt.succeeded(&mut write).await?;
    guess.succeeded(&mut write).await?;
    Ok((write, Some(proof)))
}

async fn newcomer(
    app: &AppState,
    invitation: &Invitation,
    name: &str,
    password: &str,
) -> Result<NewUser, Refusal> {
    let email = invitation.email.clone();
    let name = accounts::user_name(name, &email).at("name")?;
    let personal =
        [invitation.account_name.as_str(), email.as_str(), email.local_part(), &name, "keydesk"];
    let password_hash =
        app.passwords.hash(Password::chosen(password, &personal)?, &app.entropy).await?;
    Ok(NewUser { id: UserId::generate(app.now(), &app.entropy), email, name, password_hash })
}

async fn add_or_find(
    write: &mut Write,
    known: Option<&User>,
    newcomer: Option<NewUser>,
) -> Result<(UserId, String), Refusal> {
    match (known, newcomer) {
        (Some(user), _) => {
            let current = write.find_user(user.id).await?.ok_or(Code::InvitationExpired)?;
            if current.version != user.version {
                return Err(Refusal::new(Code::InvitationWrongPassword).at("password"));
            }
            Ok((user.id, user.name.clone()))
        }
        (None, Some(new)) => {
            write.add_user(&new).await?;
            Ok((new.id, new.name))
        }
        (None, None) => Err(Code::InvitationExpired.into()),
    }
}
