//! The names of accounts, users, and tokens, and the notes of tokens.

pub(crate) mod console;

use crate::{
    AppState,
    principal::{Authenticated, Caller},
    refusal::{At as _, Refusal},
};
use keydesk_model::{
    AccountName, Event, Permission, TokenId, TokenName, TokenNote,
    audit::{NameDetail, NoteDetail},
};

pub(crate) async fn rename_account(
    app: &AppState,
    caller: &Caller,
    name: &str,
) -> Result<String, Refusal> {
    let name: AccountName = name.parse::<AccountName>().at("name")?;
    let (mut write, caller) = caller.begin(app, Permission::ManageOwners).await?;
    let account = &caller.account;
    write.rename_account(account.id, name.as_str()).await?;
    let (before, after) = (NameDetail::of(&account.name), NameDetail::of(name.as_str()));
    write.commit(caller.entry(Event::AccountRenamed { before, after }, account.id)).await?;
    Ok(name.to_string())
}

/// Renames a user, along with the bearer tokens that are named after them.
pub(crate) async fn rename_user(
    app: &AppState,
    caller: &impl Authenticated,
    name: &str,
) -> Result<(), Refusal> {
    let name = read_name(name)?;
    let user = caller.user();
    let mut write = caller.begin_own(app).await?;
    write.rename_user(user.id, &name).await?;
    for member in write.list_memberships(user.id).await? {
        if let Some(token) = write.find_bearer_token(member.id).await? {
            write.rename_token(token.id, &name).await?;
        }
    }
    let (before, after) = (NameDetail::of(&user.name), NameDetail::of(&name));
    write.commit(caller.own_entry(Event::UserRenamed { before, after }, user.id)).await?;
    Ok(())
}

/// What a request changes of a token. What is absent stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenChange<'a> {
    pub name: Option<&'a str>,
    /// What people have written down about it.
    pub note: Option<&'a str>,
}

/// Changes the name and the note of a token in one transaction.
pub(crate) async fn update_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    change: TokenChange<'_>,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let token = crate::tokens::find_live_api_token(&mut write, caller.account.id, id).await?;
    let mut entries = Vec::new();
    if let Some(name) = change.name {
        let name = read_name(name)?;
        write.rename_token(id, &name).await?;
        let (before, after) = (NameDetail::of(&token.name), NameDetail::of(&name));
        entries.push(caller.entry(Event::TokenRenamed { before, after }, id));
    }
    if let Some(note) = change.note {
        let note: TokenNote = note.parse()?;
        write.set_token_note(id, &note).await?;
        let detail = |note: &TokenNote| NoteDetail { note: note.as_str().to_owned() };
        let (before, after) = (detail(&token.note), detail(&note));
        entries.push(caller.entry(Event::TokenNoteChanged { before, after }, id));
    }
    let Some(last) = entries.pop() else { return Ok(()) };
    for entry in &entries {
        write.audit(entry).await?;
    }
    write.commit(last).await?;
    Ok(())
}

pub(crate) async fn rename_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    name: &str,
) -> Result<(), Refusal> {
    update_token(app, caller, id, TokenChange { name: Some(name), note: None }).await
}

pub(crate) async fn set_token_note(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    note: &str,
) -> Result<(), Refusal> {
    update_token(app, caller, id, TokenChange { name: None, note: Some(note) }).await
}

fn read_name(name: &str) -> Result<String, Refusal> {
    let name = name.parse::<TokenName>().at("name")?;
    Ok(name.to_string())
}
