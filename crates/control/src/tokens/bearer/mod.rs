//! Bearer tokens: present as long as a member may use the API, and displayed only to them.

pub(crate) mod api;

use super::{ObservedClient, list_clients};
use crate::{
    AppState,
    keyring::SealedFor,
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    AccountId, Event, IpAllowlist, MemberId, Permission, RevocationReason, ScopeSet, TokenId,
    TokenNote, TokenOwner, UserId,
    audit::{NewSecretDetail, VersionDetail},
};
use keydesk_store::{Member, NewSecret, NewToken, StoreError, Token, Write};
use keydesk_token::{Kind, PlainToken};

/// Issues a member's bearer token, which permits everything that the member may do and has no expiration date.
pub(crate) async fn issue_bearer_token(
    app: &AppState,
    write: &mut Write,
    account: AccountId,
    member: MemberId,
    name: &str,
) -> Result<(), StoreError> {
    if let Some(earlier) = write.find_bearer_token(member).await? {
        return replace_secret(app, write, &earlier, member).await;
    }
    let id = TokenId::generate(write.now(), &app.entropy);
    let new = NewToken {
        id,
        account,
        token_owner: TokenOwner::Member(member),
        note: TokenNote::default(),
        name: format!("Bearer token of {name}"),
        scopes: ScopeSet::everything(),
        ip_allowlist: IpAllowlist::default(),
        expires_at: None,
        created_by: Some(member),
        request_key: None,
    };
    let secret =
        displayable(app, write, SealedFor { account, member, token: id, version: 1 }).await?;
    write.issue_token(&new, &secret).await
}

/// Sets the next secret of a bearer token whose previous one has been revoked.
pub(crate) async fn replace_secret(
    app: &AppState,
    write: &mut Write,
    token: &Token,
    member: MemberId,
) -> Result<(), StoreError> {
    let belongs_to =
        SealedFor { account: token.account, member, token: token.id, version: token.version + 1 };
    let secret = displayable(app, write, belongs_to).await?;
    write.issue_secret(token.id, &secret).await
}

/// Creates a new secret with the sealed copy that its member can display.
async fn displayable(
    app: &AppState,
    write: &mut Write,
    belongs_to: SealedFor,
) -> Result<NewSecret, StoreError> {
    let plain = PlainToken::generate(&app.settings.token_prefix, Kind::User, &app.entropy);
    let sealed = app.keyring.seal_token(write, &plain, belongs_to, &app.entropy).await?;
    Ok(NewSecret {
        hash: plain.hash(),
        version: belongs_to.version,
        masked: plain.masked(),
        encrypted_copy: Some(sealed),
    })
}

/// Revokes a user's bearer tokens in every account and replaces them; returns how many.
pub(crate) async fn replace_bearer_tokens(
    app: &AppState,
    write: &mut Write,
    user: UserId,
    cause: RevocationReason,
) -> Result<Vec<Member>, StoreError> {
    let mut replaced = Vec::new();
    for member in write.list_memberships(user).await? {
        if replace_bearer_token(app, write, member.id, cause).await? {
            replaced.push(member);
        }
    }
    Ok(replaced)
}

/// Revokes a member's bearer token and replaces it; returns whether there was one.
pub(crate) async fn replace_bearer_token(
    app: &AppState,
    write: &mut Write,
    member: MemberId,
    cause: RevocationReason,
) -> Result<bool, StoreError> {
    let Some(token) = write.find_bearer_token(member).await? else { return Ok(false) };
    let had_one = write.end_secret(token.id, cause).await?;
    if had_one {
        replace_secret(app, write, &token, member).await?;
    }
    Ok(had_one)
}

/// Revokes a member's bearer token permanently.
pub(crate) async fn end_bearer_token(
    write: &mut Write,
    member: MemberId,
    cause: RevocationReason,
) -> Result<(), StoreError> {
    if let Some(token) = write.find_bearer_token(member).await? {
        write.end_secret(token.id, cause).await?;
    }
    Ok(())
}

/// Rotates the caller's own bearer token.
pub(crate) async fn rotate_bearer_token(
    app: &AppState,
    caller: &Caller,
    version: Option<i64>,
) -> Result<Option<Issued>, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::UseApiDocs).await?;
    let token = write.find_bearer_token(caller.member.id).await?.ok_or(Code::NotFound)?;
    if version.is_some_and(|seen| seen != token.version) {
        return Err(Code::TokenChanged.into());
    }
    if !write.end_secret(token.id, RevocationReason::Rotated).await? {
        return Err(Code::TokenInactive.into());
    }
    replace_secret(app, &mut write, &token, caller.member.id).await?;
    let after = NewSecretDetail::without_grace_period(token.version + 1);
    let entry = caller.entry(Event::TokenRotated { after }, token.id);
    Ok(app.commit_with_receipt(write, entry).await?)
}

/// Returns the caller's bearer token, if they have one.
pub(crate) async fn find_own_bearer_token(
    app: &AppState,
    caller: &Caller,
) -> Result<Option<Token>, Refusal> {
    Ok(app.store.read().await?.find_bearer_token(caller.member.id).await?)
}

/// Returns the caller's bearer token, if they may see tokens.
pub(crate) async fn read_own_bearer_token(
    app: &AppState,
    caller: &Caller,
) -> Result<Token, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    Ok(find_own_bearer_token(app, caller).await?.ok_or(Code::NotFound)?)
}

/// Returns the caller's bearer token, and the clients that stop working when it is rotated.
pub(crate) async fn prepare_bearer_rotation(
    app: &AppState,
    caller: &Caller,
) -> Result<(Token, Vec<ObservedClient>), Refusal> {
    caller.permit(Permission::UseApiDocs)?;
    let token = find_own_bearer_token(app, caller).await?.ok_or(Code::NotFound)?;
    let clients = list_clients(app, token.id).await?;
    Ok((token, clients))
}

/// Returns the caller's own bearer token in plain text; those of others can't be requested. The first view in a session
/// is recorded in the audit log.
pub(crate) async fn view_bearer_token(
    app: &AppState,
    caller: &Caller,
) -> Result<PlainToken, Refusal> {
    caller.permit(Permission::UseApiDocs)?;
    let found = app.store.read().await?.find_bearer_token(caller.member.id).await?;
    let mut token = found.ok_or(Code::NotFound)?;
    if token.revocation.is_some() {
        token = replace_forgotten(app, caller).await?;
    }
    let sealed = token.encrypted_copy.as_deref().ok_or(Code::TokenInactive)?;
    let belongs_to = SealedFor {
        account: caller.account.id,
        member: caller.member.id,
        token: token.id,
        version: token.version,
    };
    let plain = app.keyring.open_token(sealed, belongs_to).map_err(Refusal::broken)?;
    let session = caller.session()?.id;
    if !app.has_viewed(session, token.id, token.version) {
        let (write, caller) = caller.begin_as_member(app).await?;
        let viewed = Event::TokenViewed { version: token.version };
        write.commit(caller.entry(viewed, token.id)).await?;
        app.note_view(session, token.id, token.version);
    }
    Ok(plain)
}

/// Returns the caller's bearer token, replacing a revoked one. A member who may use the API always has a bearer token,
/// but its replacement may have been lost with a database server.
async fn replace_forgotten(app: &AppState, caller: &Caller) -> Result<Token, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::UseApiDocs).await?;
    let member = caller.member.id;
    let token = write.find_bearer_token(member).await?.ok_or(Code::NotFound)?;
    if token.revocation.is_none() {
        return Ok(token);
    }
    replace_secret(app, &mut write, &token, member).await?;
    let token = write.find_bearer_token(member).await?.ok_or(Code::NotFound)?;
    let after = Some(VersionDetail { version: token.version });
    let replaced = Event::TokenReplaced { after, reason: None };
    write.commit(caller.entry(replaced, token.id)).await?;
    Ok(token)
}
