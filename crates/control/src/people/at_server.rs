//! What the operator can do at the server for a person, or about one: a link for a new password, and erasing them.

use super::RESET_LASTS;
use crate::{Desk, codes, members, operators::at_the_server};
use keydesk_model::{Action, Email, EmailError, PersonId, Role};
use keydesk_store::{AuditEntry, Person, StoreError, Write};

#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    #[error("{0}")]
    Email(#[from] EmailError),
    #[error("nobody logs in as {0}")]
    Nobody(Email),
    #[error("{0} is the only owner of {1}: name another owner first, or close the account")]
    OnlyOwner(Email, String),
    #[error("{0} is the last operator: create another one first")]
    LastOperator(Email),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn find(write: &mut Write, email: &str) -> Result<Person, PersonError> {
    let email: Email = email.parse()?;
    write.find_person_by_email(&email).await?.ok_or(PersonError::Nobody(email))
}

fn entry(action: Action, person: PersonId, detail: serde_json::Value) -> AuditEntry {
    AuditEntry { detail, ..at_the_server(action, person) }
}

/// A link with which a person sets a new password. It works once, within an hour, and the operator hands it over.
pub async fn make_reset_link(desk: &Desk, email: &str) -> Result<String, PersonError> {
    let mut write = desk.store.write(desk.now()).await?;
    let person = find(&mut write, email).await?;
    let (code, hash) = codes::generate(&desk.entropy);
    write.add_reset(hash, person.id, write.now().plus(RESET_LASTS)).await?;
    let detail = serde_json::json!({ "link": "printed at the server" });
    write.commit(entry(Action::RequestReset, person.id, detail)).await?;
    Ok(format!("{}/reset-password/{}", desk.settings.console_url, code.as_str()))
}

/// Ends all memberships of a person and forgets everything about them but what the audit log holds.
pub async fn erase_person(desk: &Desk, email: &str) -> Result<PersonId, PersonError> {
    let mut write = desk.store.write(desk.now()).await?;
    let person = find(&mut write, email).await?;
    let mut accounts = Vec::new();
    for member in write.list_memberships(person.id).await? {
        if member.role == Role::Owner && write.count_owners(member.account).await? <= 1 {
            let account = write.find_account(member.account).await?;
            let name = account.map(|account| account.name).unwrap_or_default();
            return Err(PersonError::OnlyOwner(person.email, name));
        }
        members::take_out(&mut write, &member).await?;
        accounts.push(member.account);
    }
    if write.remove_operator(person.id).await? && write.count_operators().await? == 0 {
        return Err(PersonError::LastOperator(person.email));
    }
    write.erase_person(&person).await?;
    for account in &accounts {
        let entry = entry(Action::ErasePerson, person.id, serde_json::json!({}));
        write.audit(&AuditEntry { account: Some(*account), ..entry }).await?;
    }
    let detail = serde_json::json!({ "memberships_ended": accounts.len() });
    desk.commit_with_receipt(write, entry(Action::ErasePerson, person.id, detail)).await?;
    Ok(person.id)
}
