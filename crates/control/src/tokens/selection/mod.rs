//! The active API tokens of an account, filtered and sorted, and the revocation of several at once. An account has at
//! most 1,000 of them, so they are read together.

pub(crate) mod console;

use super::{ObservedClient, find_live_api_token};
use crate::{
    AppState,
    mail::{Message, members_with},
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
};
use keydesk_model::{
    Event, Permission, RESTORABLE, Role, Scope, Timestamp, TokenId,
    audit::{NameAndVersion, Rfc3339},
};
use keydesk_store::Token;
use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

/// The time without a request after which a token counts as unused.
const UNUSED: Duration = Duration::from_hours(90 * 24);
/// The time before its expiration date in which a token counts as expiring.
const EXPIRING: Duration = Duration::from_hours(30 * 24);
/// The maximum number of tokens that are revoked at once: a page of the list.
pub(crate) const MOST: usize = 50;

/// Which tokens are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    #[default]
    All,
    /// Not used for 90 days, nor created since.
    Unused,
    /// Within 30 days.
    Expiring,
    FullAccess,
    NeverExpiring,
}

impl Shown {
    pub const ALL: [Self; 5] =
        [Self::All, Self::Unused, Self::Expiring, Self::FullAccess, Self::NeverExpiring];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Unused => "unused",
            Self::Expiring => "expiring",
            Self::FullAccess => "full_access",
            Self::NeverExpiring => "never_expiring",
        }
    }

    fn includes(self, token: &Token, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Unused => now.since(token.last_used_at.unwrap_or(token.created_at)) >= UNUSED,
            Self::Expiring => token.expires_at.is_some_and(|at| at.since(now) <= EXPIRING),
            Self::FullAccess => token.scopes.iter().any(|scope| *scope == Scope::everything()),
            Self::NeverExpiring => token.expires_at.is_none(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// The newest first.
    #[default]
    Created,
    Name,
    /// Those that were never used, and then those whose last use is the longest ago, first.
    LastUsed,
    /// The next to expire first, those that never do last.
    Expires,
}

impl Order {
    pub const ALL: [Self; 4] = [Self::Created, Self::Name, Self::LastUsed, Self::Expires];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Name => "name",
            Self::LastUsed => "last_used",
            Self::Expires => "expires",
        }
    }

    fn sort(self, tokens: &mut [Token]) {
        let newest = |token: &Token| Reverse((token.created_at, token.id));
        match self {
            Self::Created => tokens.sort_by_key(newest),
            Self::Name => tokens.sort_by_cached_key(|token| (token.name.to_lowercase(), token.id)),
            Self::LastUsed => tokens.sort_by_key(|token| (token.last_used_at, newest(token))),
            Self::Expires => tokens
                .sort_by_key(|token| (token.expires_at.is_none(), token.expires_at, newest(token))),
        }
    }
}

/// What a list of active tokens is restricted to, and its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// In the name or the masked token.
    pub text: String,
    pub shown: Shown,
    /// The name of the creator, or empty.
    pub creator: String,
    pub order: Order,
    /// The last token of the previous page.
    pub after: Option<TokenId>,
}

impl Selection {
    fn includes(&self, token: &Token, now: Timestamp) -> bool {
        let text = self.text.to_lowercase();
        let has_text =
            token.name.to_lowercase().contains(&text) || token.masked.contains(&self.text);
        let is_creators =
            self.creator.is_empty() || token.created_by.as_deref() == Some(&*self.creator);
        has_text && is_creators && self.shown.includes(token, now)
    }
}

/// A page of active tokens.
#[derive(Debug)]
pub(crate) struct Selected {
    pub tokens: Vec<Token>,
    /// The last token of the page, if more follow.
    pub next: Option<TokenId>,
    /// The number of selected tokens on all pages, and of all active ones.
    pub count: usize,
    pub all: usize,
    /// The names of those who created the active tokens.
    pub creators: Vec<String>,
}

pub(crate) async fn select(
    app: &AppState,
    caller: &Caller,
    selection: &Selection,
) -> Result<Selected, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    let now = app.now();
    let active = app.store.read().await?.list_active_api_tokens(caller.account.id, now).await?;
    let creators: BTreeSet<_> = active.iter().filter_map(|one| one.created_by.clone()).collect();
    let all = active.len();
    let mut tokens: Vec<_> =
        active.into_iter().filter(|token| selection.includes(token, now)).collect();
    selection.order.sort(&mut tokens);
    let count = tokens.len();
    let next = cut_page(&mut tokens, selection.after, MOST, |token| token.id);
    Ok(Selected { tokens, next, count, all, creators: creators.into_iter().collect() })
}

/// Reduces a sorted list to the page after an entry. Returns the last entry of the page, if more follow.
pub(crate) fn cut_page<T, I: PartialEq>(
    sorted: &mut Vec<T>,
    after: Option<I>,
    most: usize,
    id_of: impl Fn(&T) -> I,
) -> Option<I> {
    if let Some(after) = after {
        // If the entry is gone, the list begins again: nothing is left out.
        let begin = sorted.iter().position(|entry| id_of(entry) == after).map_or(0, |at| at + 1);
        sorted.drain(..begin);
    }
    let has_more = sorted.len() > most;
    sorted.truncate(most);
    sorted.last().map(id_of).filter(|_| has_more)
}

/// Returns active tokens, and the clients that stop working when they are revoked.
pub(crate) async fn prepare_revocation(
    app: &AppState,
    caller: &Caller,
    ids: &BTreeSet<TokenId>,
) -> Result<(Vec<Token>, Vec<ObservedClient>), Refusal> {
    caller.permit(Permission::ManageTokens)?;
    check_number(ids)?;
    let (mut tokens, mut clients) = (Vec::new(), Vec::new());
    for id in ids {
        let (token, of_token) = super::prepare_end(app, caller, *id).await?;
        tokens.push(token);
        clients.extend(of_token);
    }
    Ok((tokens, clients))
}

fn check_number(ids: &BTreeSet<TokenId>) -> Result<(), Refusal> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Refusal::new(Code::NoTokensSelected).with_count("most", MOST).at("id"));
    }
    Ok(())
}

/// Revokes API tokens in one transaction: all of them, or none. Each can be restored for a day.
pub(crate) async fn revoke_api_tokens(
    app: &AppState,
    caller: &Caller,
    ids: &BTreeSet<TokenId>,
) -> Result<Option<Issued>, Refusal> {
    check_number(ids)?;
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let until = write.now().plus(RESTORABLE);
    let mut entries = Vec::new();
    let mut names = Vec::new();
    for id in ids {
        let token = find_live_api_token(&mut write, caller.account.id, *id).await?;
        write.hold_token(*id, Some(until)).await?;
        names.push(token.name.clone());
        let before = NameAndVersion { name: token.name, version: token.version };
        let event = Event::TokenRevoked { before, restorable_until: Some(Rfc3339(until)) };
        entries.push(caller.entry(event, *id));
    }
    let account = caller.account.id;
    let administrators =
        members_with(&mut write, account, |role| role >= Role::Administrator).await?;
    let url = &app.settings.console_url;
    let message = || Message::tokens_revoked((&names, &caller.account.name), until, url);
    app.add_mail_to(&mut write, &administrators, message).await?;
    let last = entries.pop().ok_or(Code::NoTokensSelected)?;
    for entry in &entries {
        write.audit(entry).await?;
    }
    Ok(app.commit_with_receipt(write, last).await?)
}
