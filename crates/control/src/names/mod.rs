//! Other names for accounts, people and tokens.

pub(crate) mod console;

use crate::{
    Desk, Told,
    caller::{Authenticated, Caller},
    problem::Problem,
    say,
};
use keydesk_model::{AccountName, Action, Right, TokenId, TokenName};

fn detail(before: &str, after: &str) -> serde_json::Value {
    serde_json::json!({ "before": { "name": before }, "after": { "name": after } })
}

pub(crate) async fn rename_account(
    desk: &Desk,
    caller: &Caller,
    name: &str,
) -> Result<(), Problem> {
    let name: AccountName = name.parse().map_err(|error| {
        Problem::invalid(say("wrong-account-name").with("why", Told::told(&error)).to_string())
    })?;
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageOwners)?;
    let account = &caller.account;
    write.rename_account(account.id, name.as_str()).await?;
    let detail = detail(&account.name, name.as_str());
    write.commit(caller.entry(Action::RenameAccount, account.id, detail)).await?;
    Ok(())
}

/// The bearer tokens that are named after the person go by the new name, too.
pub(crate) async fn rename_person(
    desk: &Desk,
    caller: &impl Authenticated,
    name: &str,
) -> Result<(), Problem> {
    let name = read_name(name)?;
    let person = caller.person();
    let mut write = desk.write_own(caller).await?.ok_or_else(Problem::logged_out)?;
    write.rename_person(person.id, &name).await?;
    for member in write.list_memberships(person.id).await? {
        if let Some(token) = write.find_bearer_token(member.id).await? {
            write.rename_token(token.id, &name).await?;
        }
    }
    let detail = detail(&person.name, &name);
    write.commit(caller.own_entry(Action::RenamePerson, person.id.to_string(), detail)).await?;
    Ok(())
}

pub(crate) async fn rename_token(
    desk: &Desk,
    caller: &Caller,
    id: TokenId,
    name: &str,
) -> Result<(), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageTokens)?;
    let token = crate::tokens::find_live_api_token(&mut write, caller.account.id, id).await?;
    let name = read_name(name)?;
    write.rename_token(id, &name).await?;
    let detail = detail(&token.name, &name);
    write.commit(caller.entry(Action::RenameToken, id, detail)).await?;
    Ok(())
}

fn read_name(name: &str) -> Result<String, Problem> {
    let name: TokenName = name.parse().map_err(|error| Problem::invalid(Told::told(&error)))?;
    Ok(name.to_string())
}
