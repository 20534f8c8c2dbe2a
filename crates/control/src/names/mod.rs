//! Other names for accounts, people and tokens.

pub(crate) mod console;

use crate::AppState;
use crate::UserMessage;
use crate::door::caller::{Authenticated, Caller};
use crate::door::problem::Problem;
use crate::door::language::text;
use keydesk_model::{AccountName, Event, Permission, TokenId, TokenName};

fn detail(before: &str, after: &str) -> serde_json::Value {
    serde_json::json!({ "before": { "name": before }, "after": { "name": after } })
}

pub(crate) async fn rename_account(
    app: &AppState,
    caller: &Caller,
    name: &str,
) -> Result<(), Problem> {
    let name: AccountName = name.parse().map_err(|error| {
        Problem::invalid(
            text("wrong-account-name").with("why", UserMessage::user_message(&error)).to_string(),
        )
    })?;
    let (mut write, caller) = app.write_as(caller).await?;
    caller.permit(Permission::ManageOwners)?;
    let account = &caller.account;
    write.rename_account(account.id, name.as_str()).await?;
    let detail = detail(&account.name, name.as_str());
    write.commit(caller.entry(Event::AccountRenamed, account.id, detail)).await?;
    Ok(())
}

/// The bearer tokens that are named after the user go by the new name, too.
pub(crate) async fn rename_user(
    app: &AppState,
    caller: &impl Authenticated,
    name: &str,
) -> Result<(), Problem> {
    let name = read_name(name)?;
    let user = caller.user();
    let mut write = app.write_own(caller).await?.ok_or_else(Problem::logged_out)?;
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
) -> Result<(), Problem> {
    let (mut write, caller) = app.write_as(caller).await?;
    caller.permit(Permission::ManageTokens)?;
    let token = crate::tokens::find_live_api_token(&mut write, caller.account.id, id).await?;
    let name = read_name(name)?;
    write.rename_token(id, &name).await?;
    let detail = detail(&token.name, &name);
    write.commit(caller.entry(Event::TokenRenamed, id, detail)).await?;
    Ok(())
}

fn read_name(name: &str) -> Result<String, Problem> {
    let name: TokenName =
        name.parse().map_err(|error| Problem::invalid(UserMessage::user_message(&error)))?;
    Ok(name.to_string())
}
