//! Creating API tokens.

pub(crate) mod console;

use super::{MOST_TOKENS, expiry::Policies, load_api_token, shown_once};
use crate::{
    AppState,
    api_docs::ScopeOffer,
    operations::{are_scopes_observed, list_scope_offers},
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    Event, Expiry, IpAllowlist, Permission, ScopeSet, TokenId, TokenName, TokenNote, TokenOwner,
    audit::{NewTokenDetail, Rfc3339},
};
use keydesk_store::{NewSecret, NewToken, Token};
use keydesk_token::{Kind, PlainToken, TokenHash};

/// The input of the form for a new API token.
#[derive(Debug)]
pub(crate) struct ApiTokenRequest {
    pub name: TokenName,
    pub note: TokenNote,
    pub scopes: ScopeSet,
    pub ip_allowlist: IpAllowlist,
    pub expiry: Expiry,
    /// A random key for each form, so that a form that is sent twice creates only one token.
    pub request_key: Option<String>,
}

/// The options for a new API token.
pub(crate) struct TokenOptions {
    pub policies: Policies,
    pub scopes: Vec<ScopeOffer>,
    /// Whether scopes are only observed.
    pub are_scopes_observed: bool,
}

pub(crate) async fn list_options(app: &AppState, caller: &Caller) -> Result<TokenOptions, Refusal> {
    caller.permit(Permission::ManageTokens)?;
    let account = app.store.read().await?.find_account(caller.account.id).await?;
    Ok(TokenOptions {
        policies: Policies::of(app, account.as_ref()),
        scopes: list_scope_offers(app).await?,
        are_scopes_observed: are_scopes_observed(app).await?,
    })
}

/// Returns a token whose successor is to be created, in any state.
pub(crate) async fn find_predecessor(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Token, Refusal> {
    caller.permit(Permission::ManageTokens)?;
    load_api_token(app, caller, id).await
}

/// A secret that the caller made, of which Keydesk knows only the digest and the masked text.
#[derive(Debug)]
pub(crate) struct CallerSecret {
    hash: TokenHash,
    masked: String,
}

impl CallerSecret {
    /// Reads the digest in hexadecimal, and the masked secret as the console shows it.
    pub fn read(digest: &str, masked: &str) -> Result<Self, Refusal> {
        let mut hash = [0; 32];
        let is_lowercase = !digest.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_lowercase || hex::decode_to_slice(digest, &mut hash).is_err() {
            return Err(Refusal::new(Code::InvalidDigest).at("secret_sha256"));
        }
        if !PlainToken::is_masked(masked, Kind::Account) {
            return Err(Refusal::new(Code::InvalidMaskedSecret).at("masked"));
        }
        Ok(Self { hash: TokenHash::from_bytes(hash), masked: masked.to_owned() })
    }
}

/// Issues an API token. The secret is returned once and can't be read later.
pub(crate) async fn issue_api_token(
    app: &AppState,
    caller: &Caller,
    request: ApiTokenRequest,
) -> Result<(Token, PlainToken), Refusal> {
    let plain = PlainToken::generate(&app.settings.token_prefix, Kind::Account, &app.entropy);
    let token = issue(app, caller, request, shown_once(&plain, 1)).await?;
    Ok((token, plain))
}

/// Issues an API token whose secret the caller made.
pub(crate) async fn issue_with_digest(
    app: &AppState,
    caller: &Caller,
    request: ApiTokenRequest,
    CallerSecret { hash, masked }: CallerSecret,
) -> Result<Token, Refusal> {
    let secret = NewSecret { hash, version: 1, masked, encrypted_copy: None };
    issue(app, caller, request, secret).await
}

async fn issue(
    app: &AppState,
    caller: &Caller,
    request: ApiTokenRequest,
    secret: NewSecret,
) -> Result<Token, Refusal> {
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    if request.scopes.is_empty() {
        return Err(Refusal::new(Code::MissingScope).at("scope"));
    }
    request.scopes.check_size()?;
    let account = caller.account.id;
    if let Some(key) = &request.request_key
        && let Some(earlier) = write.find_token_by_request(account, key).await?
    {
        return Err(Refusal::new(Code::TokenAlreadyCreated).with_text("name", earlier.name));
    }
    let now = write.now();
    if write.count_live_api_tokens(account, now).await? >= MOST_TOKENS {
        return Err(Refusal::new(Code::TooManyTokens).with_count("most", MOST_TOKENS));
    }
    let found = write.find_account(account).await?;
    let policies = Policies::of(app, found.as_ref());
    let expires_at = policies.permitted_end(request.expiry, now)?;
    // Violations of observed policies are recorded.
    let is_over = policies.objects(now, expires_at);
    // A digest that was ever used is not told apart from one that is.
    if write.is_secret_known(&secret.hash).await? {
        return Err(Refusal::new(Code::SecretTaken).at("secret_sha256"));
    }
    let new = NewToken {
        id: TokenId::generate(write.now(), &app.entropy),
        account,
        token_owner: TokenOwner::Account,
        name: request.name.to_string(),
        note: request.note,
        scopes: request.scopes,
        ip_allowlist: request.ip_allowlist,
        expires_at,
        created_by: Some(caller.member.id),
        request_key: request.request_key,
    };
    write.issue_token(&new, &secret).await?;
    let token = write.find_token(account, new.id).await?.ok_or(Code::NotFound)?;
    let after = NewTokenDetail {
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        expires_at: token.expires_at.map(Rfc3339),
    };
    let created = Event::TokenCreated { after, over_expiry_policy: is_over };
    write.commit(caller.entry(created, token.id)).await?;
    Ok(token)
}
