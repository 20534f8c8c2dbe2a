//! Accepting an invitation: whoever is known here proves that it is them, whoever is new chooses a password.

use crate::{
    Desk, Told as _, accounts,
    attempts::{self, HeldError, Tries},
    caller::Visitor,
    codes,
    factors::{self, Proof},
    passwords::{Password, PasswordError, TooBusy},
    problem::Problem,
    say,
    sessions::{self, Entered, News, visitor_entry},
};
use keydesk_model::{Action, Actor, PersonId, TokenNameError};
use keydesk_store::{AuditEntry, Invitation, NewPerson, Person, StoreError, Write};

#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    #[error("{}", say("invitation-over"))]
    Over,
    #[error("{}", say("invitation-wrong-password"))]
    WrongPassword,
    #[error("{}", say("invitation-wrong-code"))]
    WrongCode,
    #[error("{}", say("choose-another").with("why", .0))]
    Unfit(#[from] PasswordError),
    #[error("{}", say("wrong-name").with("why", .0.told()))]
    Name(#[from] TokenNameError),
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error(transparent)]
    TooBusy(#[from] TooBusy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::TooBusy(_) => Self::too_busy(),
            AcceptError::Held(held) => held.into(),
            AcceptError::Store(error) => error.into(),
            error => Self::invalid(error.to_string()).leading_to("/login", say("go-to-log-in")),
        }
    }
}

/// An open invitation, and whether its address has a person already.
pub(crate) async fn find_invitation(
    desk: &Desk,
    code: &str,
) -> Result<(Invitation, bool), AcceptError> {
    let mut read = desk.store.read().await?;
    let invitation =
        read.find_invitation(codes::digest(code), desk.now()).await?.ok_or(AcceptError::Over)?;
    let is_known = read.find_person_by_email(&invitation.email).await?.is_some();
    Ok((invitation, is_known))
}

/// What someone who accepts an invitation has typed.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub name: &'a str,
    pub password: &'a str,
    /// Of the second factor, for whoever has one.
    pub code: &'a str,
}

/// Accepts an invitation: whoever is known gives their password, whoever is new chooses one.
pub(crate) async fn accept(
    desk: &Desk,
    code: &str,
    typed: Typed<'_>,
    visitor: Visitor,
) -> Result<Entered, AcceptError> {
    let Typed { name, password, code: factor } = typed;
    let (digest, now) = (codes::digest(code), desk.now());
    let mut read = desk.store.read().await?;
    let invitation = read.find_invitation(digest, now).await?.ok_or(AcceptError::Over)?;
    let known = read.find_person_by_email(&invitation.email).await?;
    drop(read);
    let (mut write, proof, newcomer) = if let Some(person) = &known {
        let (write, proof) = prove(desk, person, (password, factor), &visitor).await?;
        (write, proof, None)
    } else {
        let newcomer = newcomer(desk, &invitation, name, password).await?;
        (desk.store.write(desk.now()).await?, None, Some(newcomer))
    };
    // The account may have been closed meanwhile, or the invitation withdrawn.
    let invitation = write.find_invitation(digest, now).await?.ok_or(AcceptError::Over)?;
    if !write.close_invitation(invitation.account, invitation.id).await? {
        return Err(AcceptError::Over);
    }
    let news = match &known {
        Some(person) => Some(News::of(&mut write, person, proof).await?),
        None => None,
    };
    let (person, name) = add_or_find(&mut write, known.as_ref(), newcomer).await?;
    let target = (invitation.account, person);
    // Someone may have been let in by another way meanwhile; then there is nothing to join.
    let member = match write.find_member_of(target.0, target.1).await? {
        Some(member) => member.id,
        None => accounts::join(desk, &mut write, target, invitation.role, &name).await?,
    };
    let entered =
        sessions::open_session(desk, &mut write, person, Some(invitation.account), &visitor)
            .await?;
    let entry = AuditEntry {
        action: Action::AcceptInvitation,
        actor: Actor::Person { person, member: Some(member) },
        origin: visitor.origin.clone(),
        account: Some(invitation.account),
        target: member.to_string(),
        detail: serde_json::json!({
            "after": { "role": invitation.role },
            "second_factor": proof.map(Proof::as_str),
        }),
    };
    write.commit(entry).await?;
    if let Some(news) = news {
        news.send(desk, &entered, &visitor.origin);
    }
    Ok(entered)
}

/// A write transaction for somebody known who has given the password, and the second factor where they have one.
/// Every wrong one counts, and is in the audit log, as at the log-in.
async fn prove(
    desk: &Desk,
    person: &Person,
    (password, factor): (&str, &str),
    visitor: &Visitor,
) -> Result<(Write, Option<Proof>), AcceptError> {
    let tries = Tries::Email { typed: person.email.as_str(), device: visitor.device };
    let attempt = attempts::begin(desk, tries, &visitor.origin).await?;
    let stored = Some(person.password_hash.as_str());
    if !desk.passwords.verify(Password::typed(password), stored).await? {
        let write = desk.store.write(desk.now()).await?;
        write.commit(visitor_entry(Action::LogInRefused, "", visitor.origin.clone())).await?;
        return Err(AcceptError::WrongPassword);
    }
    if !factors::has_one(&mut desk.store.read().await?, person.id).await? {
        let mut write = desk.store.write(desk.now()).await?;
        // It may have come meanwhile.
        if factors::has_one(&mut write, person.id).await? {
            return Err(AcceptError::WrongCode);
        }
        attempt.succeeded(&mut write).await?;
        return Ok((write, None));
    }
    let guess = attempts::begin(desk, Tries::Factor(person.id), &visitor.origin).await?;
    let mut write = desk.store.write(desk.now()).await?;
    let Some(proof) = factors::take(desk, &mut write, person.id, factor).await? else {
        let target = person.id.to_string();
        let mut entry = visitor_entry(Action::LogInRefused, &target, visitor.origin.clone());
        entry.detail = serde_json::json!({ "second_factor": "wrong" });
        write.commit(entry).await?;
        return Err(AcceptError::WrongCode);
    };
    attempt.succeeded(&mut write).await?;
    guess.succeeded(&mut write).await?;
    Ok((write, Some(proof)))
}

async fn newcomer(
    desk: &Desk,
    invitation: &Invitation,
    name: &str,
    password: &str,
) -> Result<NewPerson, AcceptError> {
    let email = invitation.email.clone();
    let name = accounts::person_name(name, &email)?;
    let personal =
        [invitation.account_name.as_str(), email.as_str(), email.local_part(), &name, "keydesk"];
    let password_hash =
        desk.passwords.hash(Password::chosen(password, &personal)?, &desk.entropy).await?;
    Ok(NewPerson { id: PersonId::generate(desk.now(), &desk.entropy), email, name, password_hash })
}

async fn add_or_find(
    write: &mut Write,
    known: Option<&Person>,
    newcomer: Option<NewPerson>,
) -> Result<(PersonId, String), AcceptError> {
    match (known, newcomer) {
        (Some(person), _) => {
            let current = write.find_person(person.id).await?.ok_or(AcceptError::Over)?;
            if current.version != person.version {
                return Err(AcceptError::WrongPassword);
            }
            Ok((person.id, person.name.clone()))
        }
        (None, Some(new)) => {
            write.add_person(&new).await?;
            Ok((new.id, new.name))
        }
        (None, None) => Err(AcceptError::Over),
    }
}
