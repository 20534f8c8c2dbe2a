//! Canary tokens: bait to leave where nobody should look. They look like API tokens, never work, and are rejected like
//! unknown ones. Their use raises an alarm.

mod alarm;
pub(crate) mod api;
pub(crate) mod console;

pub use alarm::raise_canary_alarms;

use crate::{
    AppState,
    principal::Caller,
    refusal::{At as _, Code, Refusal},
};
use keydesk_model::{CanaryId, Event, Permission, TokenName, audit::NameDetail};
use keydesk_store::{Canary, Page, PageSearch};
use keydesk_token::{Kind, PlainToken};

/// The maximum number of canary tokens of an account.
const MOST_CANARIES: i64 = 200;

/// Creates a canary token. The bait is returned once.
pub(crate) async fn create_canary(
    app: &AppState,
    caller: &Caller,
    name: &str,
) -> Result<(Canary, PlainToken), Refusal> {
    let name = name.parse::<TokenName>().at("name")?;
    let plain = PlainToken::generate(&app.settings.token_prefix, Kind::Account, &app.entropy);
    let (mut write, caller) = caller.begin(app, Permission::ManageCanaries).await?;
    let account = caller.account.id;
    if write.count_canaries(account).await? >= MOST_CANARIES {
        return Err(Refusal::new(Code::TooManyCanaries).with_count("most", MOST_CANARIES));
    }
    let id = CanaryId::generate(write.now(), &app.entropy);
    let secret = (&plain.hash(), plain.masked());
    write.add_canary((account, id), name.as_str(), (secret.0, &secret.1)).await?;
    let canary = write.find_canary(account, id).await?.ok_or(Code::NotFound)?;
    let after = NameDetail::of(name.as_str());
    write.commit(caller.entry(Event::CanaryCreated { after }, id)).await?;
    Ok((canary, plain))
}

pub(crate) async fn list_canaries(
    app: &AppState,
    caller: &Caller,
    search: &PageSearch,
) -> Result<Page<Canary>, Refusal> {
    caller.permit(Permission::SeeCanaries)?;
    Ok(app.store.read().await?.list_canaries(caller.account.id, search).await?)
}

pub(crate) async fn find_canary(
    app: &AppState,
    caller: &Caller,
    id: CanaryId,
) -> Result<Canary, Refusal> {
    caller.permit(Permission::SeeCanaries)?;
    let found = app.store.read().await?.find_canary(caller.account.id, id).await?;
    Ok(found.ok_or(Code::NotFound)?)
}

/// Removes a canary token. Its use raises no alarm from then on.
pub(crate) async fn remove_canary(
    app: &AppState,
    caller: &Caller,
    id: CanaryId,
) -> Result<(), Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageCanaries).await?;
    let canary = write.find_canary(caller.account.id, id).await?.ok_or(Code::NotFound)?;
    write.remove_canary(id).await?;
    let before = NameDetail::of(&canary.name);
    write.commit(caller.entry(Event::CanaryRemoved { before }, id)).await?;
    Ok(())
}
