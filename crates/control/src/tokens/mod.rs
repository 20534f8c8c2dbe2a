//! Tokens: issued, rotated and revoked, of both bindings. Here is decided who may.

pub(crate) mod console;
pub(crate) mod limits;
pub(crate) mod limits_console;
mod own;
mod rotation;

pub use own::{OwnRevocation, OwnRotation, OwnTokenError, revoke_own_token, rotate_own_token};
pub use rotation::close_due_secrets;
use rotation::{RotatedToken, rotate_secret};
pub(crate) use rotation::{close_old_secrets, list_closing_secrets, rotate_api_token};

use crate::{
    Desk, caller::Caller, keyring::SealedFor, problem::Problem, receipts::Issued, when::When,
};
use axum::http::StatusCode;
use keydesk_model::{
    AccountId, Action, AddressList, Binding, EndCause, Expiry, ExpiryError, ExpiryPolicy,
    ExpiryPolicyError, MemberId, Mode, PersonId, Right, ScopeSet, Timestamp, TokenId, TokenName,
    TokenState,
};
use keydesk_store::{Account, Integration, Member, NewSecret, NewToken, StoreError, Token, Write};
use keydesk_token::{Kind, PlainToken};
use std::time::Duration;

/// How many live API tokens an account may have; more than this is a program gone wild.
const MOST_TOKENS: i64 = 1_000;
/// How many old secrets of one token may go on at once.
const MOST_OLD: usize = 10;
/// A program that called within this time counts as one that would break.
const LATELY: Duration = Duration::from_hours(720);

#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(transparent)]
    Expiry(#[from] ExpiryError),
    #[error(transparent)]
    Policy(#[from] ExpiryPolicyError),
    #[error("this account has {MOST_TOKENS} live API tokens; revoke some first")]
    TooMany,
    #[error("there is no such token")]
    NotFound,
    #[error("the token has ended already; create a new one")]
    Ended,
    #[error(
        "{MOST_OLD} old secrets of this token go on already; close them, or rotate without overlap"
    )]
    TooManyOld,
    #[error("no old secret of this token goes on any more")]
    NothingOld,
    #[error("someone has rotated this token since you opened the page; look at it again")]
    Changed,
    /// The same form was sent before: the token is there, and its secret was shown then.
    #[error(
        "this form was sent already, and “{name}” was created and its secret shown then; if you did not see it, rotate the token on the Tokens page"
    )]
    Repeated { name: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NotFound => Self::not_found(),
            TokenError::Repeated { .. } => {
                Self::new(StatusCode::CONFLICT, "Already created", error.to_string())
                    .leading_to("/tokens", "Go to Tokens")
            }
            TokenError::Ended | TokenError::Changed | TokenError::NothingOld => {
                Self::conflict(error.to_string())
            }
            TokenError::Expiry(_)
            | TokenError::Policy(_)
            | TokenError::TooMany
            | TokenError::TooManyOld => Self::invalid(error.to_string()),
            TokenError::Store(error) => error.into(),
        }
    }
}

/// What the form for a new API token asks for.
#[derive(Debug)]
pub(crate) struct ApiTokenRequest {
    pub name: TokenName,
    pub scopes: ScopeSet,
    pub expiry: Expiry,
    /// Random, once a form: makes a form that is sent twice one token.
    pub request_key: Option<String>,
}

/// What holds for an account's new tokens: the operator's policy and its own.
pub(crate) fn expiry_policy(desk: &Desk, account: Option<&Account>) -> ExpiryPolicy {
    desk.settings.expiry.and(of_account(account))
}

/// Whether a token may be made so. The operator's policy may only be observed; the account's own holds.
pub(crate) fn keeps_to(
    policy: ExpiryPolicy,
    account: Option<&Account>,
    expiry: Expiry,
    now: Timestamp,
) -> Result<(), ExpiryPolicyError> {
    let Ok(expires_at) = expiry.resolve(now) else { return Ok(()) };
    let holds = if policy.mode == Mode::Observe { of_account(account) } else { policy };
    holds.check(now, expires_at)
}

fn of_account(account: Option<&Account>) -> ExpiryPolicy {
    let policy = ExpiryPolicy { mode: Mode::Enforce, ..ExpiryPolicy::default() };
    account.map_or(policy, |account| ExpiryPolicy {
        max_days: account.max_life_days,
        is_required: account.requires_expiry,
        ..policy
    })
}

/// Issues an API token. The secret is returned once; afterwards nobody can read it.
pub(crate) async fn issue_api_token(
    desk: &Desk,
    caller: &Caller,
    request: ApiTokenRequest,
) -> Result<(Token, PlainToken), Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageTokens)?;
    let account = caller.account.id;
    if let Some(key) = &request.request_key
        && let Some(earlier) = write.find_token_by_request(account, key).await?
    {
        return Err(TokenError::Repeated { name: earlier.name }.into());
    }
    let now = write.now();
    if write.count_live_api_tokens(account, now).await? >= MOST_TOKENS {
        return Err(TokenError::TooMany.into());
    }
    let expires_at = request.expiry.resolve(write.now()).map_err(TokenError::from)?;
    let found = write.find_account(account).await?;
    let policy = expiry_policy(desk, found.as_ref());
    keeps_to(policy, found.as_ref(), request.expiry, now).map_err(TokenError::from)?;
    // What the operator only observes is written down.
    let is_over = policy.check(now, expires_at).is_err();
    let plain = PlainToken::generate(&desk.settings.token_prefix, Kind::Account, &desk.entropy);
    let new = NewToken {
        id: TokenId::generate(write.now(), &desk.entropy),
        account,
        binding: Binding::Account,
        name: request.name.to_string(),
        scopes: request.scopes,
        addresses: AddressList::default(),
        expires_at,
        created_by: Some(caller.member.id),
        request_key: request.request_key,
    };
    write.issue_token(&new, &shown_once(&plain, 1)).await?;
    let token = write.find_token(account, new.id).await?.ok_or(TokenError::NotFound)?;
    let detail = serde_json::json!({
        "after": { "name": token.name, "scopes": token.scopes, "expires_at": token.expires_at.map(|at| at.to_string()) },
        "over_expiry_policy": is_over,
    });
    write.commit(caller.entry(Action::IssueToken, token.id, detail)).await?;
    Ok((token, plain))
}

/// Ends an API token for good.
pub(crate) async fn revoke_api_token(
    desk: &Desk,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Issued>, Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::ManageTokens)?;
    let token = find_live_api_token(&mut write, caller.account.id, id).await?;
    write.end_secret(id, EndCause::Revoked).await?;
    let detail = serde_json::json!({ "before": { "name": token.name, "version": token.version } });
    let entry = caller.entry(Action::RevokeToken, id, detail);
    Ok(desk.commit_with_receipt(write, entry).await?)
}

async fn find_live_api_token(
    write: &mut Write,
    account: AccountId,
    id: TokenId,
) -> Result<Token, TokenError> {
    let now = write.now();
    let token = write.find_token(account, id).await?.ok_or(TokenError::NotFound)?;
    // Another member's bearer token is nobody's business.
    if token.binding != Binding::Account {
        return Err(TokenError::NotFound);
    }
    if token.state(now) == TokenState::Live { Ok(token) } else { Err(TokenError::Ended) }
}

fn shown_once(plain: &PlainToken, version: i64) -> NewSecret {
    NewSecret { hash: plain.hash(), version, masked: plain.masked(), display: None }
}

/// A member's bearer token, from joining on: everything the member may do, without an end of its own.
pub(crate) async fn issue_bearer_token(
    desk: &Desk,
    write: &mut Write,
    account: AccountId,
    member: MemberId,
    name: &str,
) -> Result<(), StoreError> {
    if let Some(earlier) = write.find_bearer_token(member).await? {
        return replace_secret(desk, write, &earlier, member).await;
    }
    let id = TokenId::generate(write.now(), &desk.entropy);
    let new = NewToken {
        id,
        account,
        binding: Binding::Member(member),
        name: format!("Bearer token of {name}"),
        scopes: ScopeSet::everything(),
        addresses: AddressList::default(),
        expires_at: None,
        created_by: Some(member),
        request_key: None,
    };
    let secret =
        displayable(desk, write, SealedFor { account, member, token: id, version: 1 }).await?;
    write.issue_token(&new, &secret).await
}

/// Puts the next secret into a bearer token whose last one has ended.
async fn replace_secret(
    desk: &Desk,
    write: &mut Write,
    token: &Token,
    member: MemberId,
) -> Result<(), StoreError> {
    let belongs_to =
        SealedFor { account: token.account, member, token: token.id, version: token.version + 1 };
    let secret = displayable(desk, write, belongs_to).await?;
    write.issue_secret(token.id, &secret).await
}

/// A new secret with the sealed copy that its member may look at.
async fn displayable(
    desk: &Desk,
    write: &mut Write,
    belongs_to: SealedFor,
) -> Result<NewSecret, StoreError> {
    let plain = PlainToken::generate(&desk.settings.token_prefix, Kind::User, &desk.entropy);
    let sealed = desk.keyring.seal_token(write, &plain, belongs_to, &desk.entropy).await?;
    Ok(NewSecret {
        hash: plain.hash(),
        version: belongs_to.version,
        masked: plain.masked(),
        display: Some(sealed),
    })
}

/// Ends a person's bearer tokens in every account and puts new ones in their place; how many.
pub(crate) async fn replace_bearer_tokens(
    desk: &Desk,
    write: &mut Write,
    person: PersonId,
    cause: EndCause,
) -> Result<u32, StoreError> {
    let mut replaced = 0;
    for member in write.list_memberships(person).await? {
        replaced += u32::from(replace_bearer_token(desk, write, member.id, cause).await?);
    }
    Ok(replaced)
}

/// Ends a member's bearer token and puts a new one in its place; whether there was one.
pub(crate) async fn replace_bearer_token(
    desk: &Desk,
    write: &mut Write,
    member: MemberId,
    cause: EndCause,
) -> Result<bool, StoreError> {
    let Some(token) = write.find_bearer_token(member).await? else { return Ok(false) };
    let had_one = write.end_secret(token.id, cause).await?;
    if had_one {
        replace_secret(desk, write, &token, member).await?;
    }
    Ok(had_one)
}

/// Ends a member's bearer token for good.
pub(crate) async fn end_bearer_token(
    write: &mut Write,
    member: MemberId,
    cause: EndCause,
) -> Result<(), StoreError> {
    if let Some(token) = write.find_bearer_token(member).await? {
        write.end_secret(token.id, cause).await?;
    }
    Ok(())
}

/// Rotates the caller's own bearer token.
pub(crate) async fn rotate_bearer_token(
    desk: &Desk,
    caller: &Caller,
    version: Option<i64>,
) -> Result<Option<Issued>, Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::UseApiDocs)?;
    let token = write.find_bearer_token(caller.member.id).await?.ok_or(TokenError::NotFound)?;
    if version.is_some_and(|seen| seen != token.version) {
        return Err(TokenError::Changed.into());
    }
    if !write.end_secret(token.id, EndCause::Rotated).await? {
        return Err(TokenError::Ended.into());
    }
    replace_secret(desk, &mut write, &token, caller.member.id).await?;
    let detail = serde_json::json!({ "after": { "version": token.version + 1 } });
    let entry = caller.entry(Action::RotateToken, token.id, detail);
    Ok(desk.commit_with_receipt(write, entry).await?)
}

/// The caller's own bearer token in clear. Nobody else's can be asked for. The first look in a
/// session is noted in the audit log.
pub(crate) async fn view_bearer_token(desk: &Desk, caller: &Caller) -> Result<PlainToken, Problem> {
    caller.permit(Right::UseApiDocs)?;
    let found = desk.store.read().await?.find_bearer_token(caller.member.id).await?;
    let mut token = found.ok_or(TokenError::NotFound)?;
    if token.ending.is_some() {
        token = replace_forgotten(desk, caller).await?;
    }
    let sealed = token.display.as_deref().ok_or(TokenError::Ended)?;
    let belongs_to = SealedFor {
        account: caller.account.id,
        member: caller.member.id,
        token: token.id,
        version: token.version,
    };
    let plain = desk.keyring.open_token(sealed, belongs_to).map_err(Problem::broken)?;
    if !desk.has_viewed(caller.session.id, token.id, token.version) {
        let (write, caller) = desk.write_as(caller).await?;
        let detail = serde_json::json!({ "version": token.version });
        write.commit(caller.entry(Action::ViewBearerToken, token.id, detail)).await?;
        desk.note_view(caller.session.id, token.id, token.version);
    }
    Ok(plain)
}

/// A member who may use the API always has a bearer token. Where the one that took the place of an
/// ended one was lost with a database server, they get the next.
async fn replace_forgotten(desk: &Desk, caller: &Caller) -> Result<Token, Problem> {
    let (mut write, caller) = desk.write_as(caller).await?;
    caller.permit(Right::UseApiDocs)?;
    let member = caller.member.id;
    let token = write.find_bearer_token(member).await?.ok_or(TokenError::NotFound)?;
    if token.ending.is_none() {
        return Ok(token);
    }
    replace_secret(desk, &mut write, &token, member).await?;
    let token = write.find_bearer_token(member).await?.ok_or(TokenError::NotFound)?;
    let detail = serde_json::json!({ "after": { "version": token.version } });
    write.commit(caller.entry(Action::ReplaceBearerToken, token.id, detail)).await?;
    Ok(token)
}

pub(crate) async fn list_api_tokens(desk: &Desk, caller: &Caller) -> Result<Vec<Token>, Problem> {
    caller.permit(Right::SeeTokens)?;
    Ok(desk.store.read().await?.list_api_tokens(caller.account.id, 1_000).await?)
}

pub(crate) async fn find_api_token(
    desk: &Desk,
    caller: &Caller,
    id: TokenId,
) -> Result<Token, Problem> {
    caller.permit(Right::SeeTokens)?;
    let found = desk.store.read().await?.find_token(caller.account.id, id).await?;
    found.filter(|token| token.binding == Binding::Account).ok_or_else(Problem::not_found)
}

/// A program that used a token lately: it stops working when the token ends.
#[derive(Debug)]
pub(crate) struct Program {
    pub name: String,
    pub client_addr: String,
    pub last_call: When,
    pub calls_a_day: i64,
}

impl Program {
    fn new(seen: Integration, now: Timestamp) -> Self {
        let seconds = seen.last_used_at.since(seen.first_used_at).as_secs();
        let days = i64::try_from(seconds / 86_400 + 1).unwrap_or(1);
        Self {
            last_call: When::past(seen.last_used_at, now),
            calls_a_day: seen.calls / days,
            name: seen.program,
            client_addr: seen.client_addr,
        }
    }
}

/// The programs that used one token in the last 30 days.
pub(crate) async fn list_programs(desk: &Desk, token: TokenId) -> Result<Vec<Program>, StoreError> {
    let now = desk.now();
    let seen = desk.store.read().await?.list_integrations(token, now.minus(LATELY)).await?;
    Ok(seen.into_iter().map(|seen| Program::new(seen, now)).collect())
}

/// The programs that used any of a person's bearer tokens in the last 30 days.
pub(crate) async fn list_programs_of_person(
    desk: &Desk,
    person: PersonId,
) -> Result<Vec<Program>, StoreError> {
    let memberships = desk.store.read().await?.list_memberships(person).await?;
    let mut programs = Vec::new();
    for member in memberships {
        programs.extend(list_programs_of_member(desk, &member).await?);
    }
    Ok(programs)
}

pub(crate) async fn list_programs_of_member(
    desk: &Desk,
    member: &Member,
) -> Result<Vec<Program>, StoreError> {
    match desk.store.read().await?.find_bearer_token(member.id).await? {
        Some(token) => list_programs(desk, token.id).await,
        None => Ok(Vec::new()),
    }
}
