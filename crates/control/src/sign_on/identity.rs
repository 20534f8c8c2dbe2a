//! Which person somebody is whom the provider has sent. They are known by the provider's subject; by their address
//! only before the first time. An address that has changed there is the same person, one that was given to somebody
//! else is another.

use super::{SignOnError, claims::Told};
use crate::{Desk, codes, passwords::Password};
use keydesk_model::{Action, Actor, Email, Origin, PersonId, TokenName};
use keydesk_store::{AuditEntry, NewPerson, Person, SignOn, Write};

pub(super) struct Identified {
    pub person: Person,
    /// Their address belonged to somebody who has left the account.
    pub is_address_reused: bool,
    /// The address that they had before, where the provider has said another.
    pub moved: Option<Email>,
}

/// Somebody new, with a password that nobody knows: a reset by mail can give them one. None: they are known.
pub(super) async fn newcomer(
    desk: &Desk,
    sign_on: &SignOn,
    told: &Told,
) -> Result<Option<NewPerson>, SignOnError> {
    let mut read = desk.store.read().await?;
    let is_known = match read.find_person_by_email(&told.email).await? {
        _ if read.find_identity(sign_on, &told.subject).await?.is_some() => true,
        Some(person) => !read.has_identity(sign_on, person.id).await?,
        None => false,
    };
    drop(read);
    if is_known {
        return Ok(None);
    }
    let (nobody_knows, _) = codes::generate(&desk.entropy);
    let password_hash = desk.passwords.hash(Password::typed(&nobody_knows), &desk.entropy).await?;
    let name = told.name.parse::<TokenName>().map(|name| name.to_string());
    let name = name.unwrap_or_else(|_| told.email.local_part().to_owned());
    let id = PersonId::generate(desk.now(), &desk.entropy);
    Ok(Some(NewPerson { id, email: told.email.clone(), name, password_hash }))
}

/// The person whom the provider's subject names, found or added.
pub(super) async fn identify(
    write: &mut Write,
    sign_on: &SignOn,
    (told, newcomer): (&Told, Option<NewPerson>),
    origin: &Origin,
) -> Result<Identified, SignOnError> {
    if let Some(id) = write.find_identity(sign_on, &told.subject).await? {
        let person = write.find_person(id).await?.ok_or(SignOnError::Over)?;
        // Somebody who has another address since may have more to lose than this account.
        if !sign_on.is_confirmed_for(&person.email.domain()) {
            return Err(SignOnError::Unfit("unfit-own-domain"));
        }
        let moved = follow_address(write, sign_on, (&person, &told.email), origin).await?;
        let person = write.find_person(id).await?.ok_or(SignOnError::Over)?;
        return Ok(Identified { person, is_address_reused: false, moved });
    }
    let known = write.find_person_by_email(&told.email).await?;
    let is_other = match &known {
        Some(person) => write.has_identity(sign_on, person.id).await?,
        None => false,
    };
    if let Some(person) = known.filter(|_| !is_other) {
        write.add_identity(sign_on, &told.subject, person.id).await?;
        return Ok(Identified { person, is_address_reused: false, moved: None });
    }
    if is_other {
        make_room(write, sign_on, &told.email, origin).await?;
    }
    let new = newcomer.ok_or(SignOnError::Over)?;
    write.add_person(&new).await?;
    write.add_identity(sign_on, &told.subject, new.id).await?;
    let person = write.find_person(new.id).await?.ok_or(SignOnError::Over)?;
    Ok(Identified { person, is_address_reused: is_other, moved: None })
}

/// Takes the provider's address over for somebody who has another one here. The address that they had, if it changes.
async fn follow_address(
    write: &mut Write,
    sign_on: &SignOn,
    (person, email): (&Person, &Email),
    origin: &Origin,
) -> Result<Option<Email>, SignOnError> {
    let is_same = person.email.canonical() == email.canonical();
    // Somebody else's stays theirs, and the person keeps the address that they had.
    if is_same || write.find_person_by_email(email).await?.is_some() {
        return Ok(None);
    }
    set_email(write, sign_on, (person, email), origin).await?;
    Ok(Some(person.email.clone()))
}

/// Takes an address from the person who had it before, if they have left the account. The provider says that it is
/// somebody else's now; links by mail would go to them.
async fn make_room(
    write: &mut Write,
    sign_on: &SignOn,
    email: &Email,
    origin: &Origin,
) -> Result<(), SignOnError> {
    let Some(before) = write.find_person_by_email(email).await? else { return Ok(()) };
    // What they still have, here or elsewhere, is not this provider's to take.
    let has_something = !write.list_memberships(before.id).await?.is_empty();
    if has_something || write.is_operator(before.id).await? {
        return Err(SignOnError::Unfit("unfit-address-reused"));
    }
    let former = format!("{}@former.invalid", before.id).parse::<Email>();
    let former = former.map_err(|_| SignOnError::Over)?;
    set_email(write, sign_on, (&before, &former), origin).await
}

async fn set_email(
    write: &mut Write,
    sign_on: &SignOn,
    (person, email): (&Person, &Email),
    origin: &Origin,
) -> Result<(), SignOnError> {
    write.set_email(person.id, email).await?;
    write.close_email_changes(person.id).await?;
    write.close_resets(person.id).await?;
    let entry = AuditEntry {
        action: Action::ChangeEmail,
        actor: Actor::Person { person: person.id, member: None },
        origin: origin.clone(),
        account: Some(sign_on.account),
        target: person.id.to_string(),
        detail: serde_json::json!({
            "single_sign_on": sign_on.issuer,
            "before": { "email": person.email.as_str() },
            "after": { "email": email.as_str() },
        }),
    };
    write.audit(&entry).await?;
    Ok(())
}
