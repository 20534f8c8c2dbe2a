//! Renaming accounts, users, and tokens.

pub(crate) mod console;

use crate::{
    AppState,
    principal::{Authenticated, Caller},
    refusal::{At as _, Refusal},
};
use keydesk_model::{AccountName, Event, Permission, TokenId, TokenName};

fn detail(before: &str, after: &str) -> serde_json::Value {
    serde_json::json!({ "before": { "name": before }, "after": { "name": after } })
}

pub(crate) async fn rename_account(
    app: &AppState,
    caller: &Caller,
    name: &str,
) -> Result<(), Refusal> {
    let name: AccountName = name.parse::<AccountName>().at("name")?;
    let (mut write, caller) = caller.begin(app, Permission::ManageOwners).await?;
    let account = &caller.account;
    write.rename_account(account.id, name.as_str()).await?;
    let detail = detail(&account.name, name.as_str());
    write.commit(caller.entry(Event::AccountRenamed, account.id, detail)).await?;
    Ok(())
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
    let detail = detail(&user.name, &name);
    write.commit(caller.own_entry(Event::UserRenamed, user.id.to_string(), detail)).await?;
    Ok(())
}

pub(crate) async fn rename_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
    name: &str,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let token = crate::tokens::find_live_api_token(&mut write, caller.account.id, id).await?;
    let name = read_name(name)?;
    write.rename_token(id, &name).await?;
    let detail = detail(&token.name, &name);
    write.commit(caller.entry(Event::TokenRenamed, id, detail)).await?;
    Ok(())
}

fn read_name(name: &str) -> Result<String, Refusal> {
    let name = name.parse::<TokenName>().at("name")?;
    Ok(name.to_string())
}
