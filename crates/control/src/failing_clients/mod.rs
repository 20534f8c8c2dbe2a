//! Failing clients: requests that the gateway rejected, grouped by token, code, client, network, and operation. Members
//! see who fails and why, mute or resolve a group, and report it to the creator of the token.

pub(crate) mod api;
pub(crate) mod console;
mod remedy;

pub(crate) use remedy::{Rejected, Remedy, list_remedies};

use crate::{
    AppState,
    mail::Message,
    principal::Caller,
    refusal::{Code, Refusal},
    usage::hours_of_account,
};
use keydesk_model::{
    Event, FailingClientState, Permission, RejectedRequests, RejectionGroup, Timestamp, TokenId,
    UsePart,
    audit::{FailingClientDetail, Rfc3339},
    without_version,
};
use keydesk_store::{Cursor, FailingClientDecision, Page, PageSearch, Read, Token, TokenLabel};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    time::Duration,
};

/// The time for which rejected requests are shown.
const SHOWN: Duration = Duration::from_hours(7 * 24);
const HOUR: Duration = Duration::from_hours(1);
const HOURS: usize = 7 * 24;
/// The number of groups that are distinguished.
const MOST: usize = 2_000;
/// The time between two emails about the same failing client.
const NOTIFY_AGAIN: Duration = Duration::from_hours(24);
/// The longest time for which a failing client can be muted.
const MOST_DAYS: u32 = 90;

/// A group of rejected requests.
#[derive(Clone, Debug)]
pub(crate) struct FailingClient {
    pub id: String,
    pub group: RejectionGroup,
    /// What the token is called.
    pub token: Option<TokenLabel>,
    pub rejected: RejectedRequests,
    /// The number of requests in each of the last hours, the last one at the end.
    pub hours: Vec<u64>,
    /// When a request of the same client with the same token was last accepted.
    pub last_accepted_at: Option<Timestamp>,
    pub state: FailingClientState,
    pub muted_until: Option<Timestamp>,
    pub notified_at: Option<Timestamp>,
}

impl FailingClient {
    fn new(
        group: RejectionGroup,
        rejected: RejectedRequests,
        hours: Vec<u64>,
        decision: Option<&FailingClientDecision>,
        now: Timestamp,
    ) -> Self {
        let state = decision.map_or(FailingClientState::Open, |decision| match decision.state {
            FailingClientState::Muted if decision.until.is_some_and(|until| until > now) => {
                FailingClientState::Muted
            }
            FailingClientState::Resolved if decision.at >= rejected.last_at => {
                FailingClientState::Resolved
            }
            _ => FailingClientState::Open,
        });
        let is_muted = state == FailingClientState::Muted;
        Self {
            id: id_of(&group),
            group,
            token: None,
            rejected,
            hours,
            last_accepted_at: None,
            state,
            muted_until: decision.and_then(|decision| decision.until).filter(|_| is_muted),
            notified_at: decision.and_then(|decision| decision.notified_at),
        }
    }

    fn detail(&self) -> FailingClientDetail {
        let RejectionGroup { token, code, client, network, operation } = self.group.clone();
        FailingClientDetail { token, code, client, network, operation }
    }

    fn matches(&self, text: &str) -> bool {
        let RejectionGroup { code, client, network, operation, .. } = &self.group;
        let text = without_version(text).to_lowercase();
        let label = self.token.as_ref();
        let name = label.map_or("", |label| label.member.as_deref().unwrap_or(&label.name));
        [name, code, client, network, operation, &self.id]
            .iter()
            .any(|part| part.to_lowercase().contains(&text))
    }

    /// Returns whether a request of the same client with the same token was accepted since.
    pub fn works_again(&self) -> bool {
        self.last_accepted_at.is_some_and(|at| at > self.rejected.last_at)
    }
}

/// Returns the ID of a group, the same on every node.
fn id_of(group: &RejectionGroup) -> String {
    let digest = Sha256::digest(String::from(group.clone()));
    format!("fcl_{}", hex::encode(&digest[..16]))
}

/// What a list is restricted to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FailingClientFilter {
    pub state: Option<FailingClientState>,
    pub token: Option<TokenId>,
}

/// Returns all failing clients of the account, the last rejected first.
async fn list_all(
    read: &mut Read,
    caller: &Caller,
    now: Timestamp,
) -> Result<Vec<FailingClient>, Refusal> {
    let account = &caller.account;
    let until = now.start_of_hour().plus(HOUR);
    let since = until.minus(SHOWN);
    let used =
        hours_of_account(read, (account.id, account.number), (since, until), UsePart::Rejections)
            .await?;
    let mut groups: BTreeMap<RejectionGroup, (RejectedRequests, Vec<u64>)> = BTreeMap::new();
    // If there are too many, the newest are distinguished.
    for (at, used) in used.into_iter().rev() {
        let hour = usize::try_from(at.since(since).as_secs() / HOUR.as_secs()).unwrap_or_default();
        for (group, rejected) in used.rejections {
            let requests = rejected.requests;
            let is_new = groups.len() >= MOST && !groups.contains_key(&group);
            let group = if is_new { RejectionGroup::other() } else { group };
            let hours = match groups.entry(group) {
                Entry::Occupied(known) => {
                    let (all, hours) = known.into_mut();
                    all.merge(&rejected);
                    hours
                }
                Entry::Vacant(new) => &mut new.insert((rejected, vec![0; HOURS])).1,
            };
            if let Some(count) = hours.get_mut(hour) {
                *count += requests;
            }
        }
    }
    let decisions = read.list_failing_client_decisions(account.id).await?;
    let labels = read.list_token_names(account.id).await?;
    let labels: HashMap<_, _> = labels.into_iter().map(|label| (label.id, label)).collect();
    let accepted = read.list_last_accepted(account.id, since).await?;
    let mut found: Vec<_> = groups
        .into_iter()
        .map(|(group, (rejected, hours))| {
            let decision = decisions.get(&id_of(&group));
            let failing = FailingClient::new(group, rejected, hours, decision, now);
            let token = failing.group.token;
            FailingClient {
                token: token.and_then(|token| labels.get(&token).cloned()),
                last_accepted_at: token.and_then(|token| {
                    accepted.get(&(token, failing.group.client.clone())).copied()
                }),
                ..failing
            }
        })
        .collect();
    found.sort_by(|a, b| (b.rejected.last_at, &b.id).cmp(&(a.rejected.last_at, &a.id)));
    Ok(found)
}

/// Returns a token of the account in any state, or `None` if it isn't there any more.
pub(crate) async fn find_any_token(
    app: &AppState,
    caller: &Caller,
    id: TokenId,
) -> Result<Option<Token>, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    Ok(app.store.read().await?.find_token(caller.account.id, id).await?)
}

/// Returns a page of the failing clients, the last rejected first, and the number of open ones.
pub(crate) async fn list(
    app: &AppState,
    caller: &Caller,
    filter: FailingClientFilter,
    search: &PageSearch,
) -> Result<(Page<FailingClient>, usize), Refusal> {
    caller.permit(Permission::SeeUsage)?;
    let mut read = app.store.read().await?;
    let all = list_all(&mut read, caller, app.now()).await?;
    let open = all.iter().filter(|one| one.state == FailingClientState::Open).count();
    let is_after = |one: &FailingClient| match &search.after {
        Some(after) => (one.rejected.last_at, &one.id) < (after.at, &after.id),
        None => true,
    };
    let text = search.text.trim();
    let mut wanted = all.into_iter().filter(|one| {
        filter.state.is_none_or(|state| one.state == state)
            && (filter.token.is_none() || one.group.token == filter.token)
            && (text.is_empty() || one.matches(text))
            && is_after(one)
    });
    let items: Vec<_> = wanted.by_ref().take(search.limit as usize).collect();
    let cursor = |one: &FailingClient| Cursor { at: one.rejected.last_at, id: one.id.clone() };
    let next = if wanted.next().is_some() { items.last().map(cursor) } else { None };
    Ok((Page { items, next }, open))
}

pub(crate) async fn find(
    app: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<FailingClient, Refusal> {
    caller.permit(Permission::SeeUsage)?;
    find_of_account(app, caller, id).await
}

async fn find_of_account(
    app: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<FailingClient, Refusal> {
    let all = list_all(&mut app.store.read().await?, caller, app.now()).await?;
    Ok(all.into_iter().find(|one| one.id == id).ok_or(Code::NotFound)?)
}

/// A decision about a failing client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// For a number of days.
    Mute(u32),
    Resolve,
    Reopen,
}

/// Mutes, resolves, or reopens a failing client. A resolved one reopens by itself with its next rejected request.
pub(crate) async fn decide(
    app: &AppState,
    caller: &Caller,
    id: &str,
    decision: Decision,
) -> Result<FailingClient, Refusal> {
    caller.permit(Permission::ManageTokens)?;
    // What gateways reported takes long to read, and no transaction waits for it.
    let found = find_of_account(app, caller, id).await?;
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let now = write.now();
    let client = found.detail();
    let (state, until, event) = match decision {
        Decision::Mute(days) if (1..=MOST_DAYS).contains(&days) => {
            let until = now.plus(HOUR * 24 * days);
            let event = Event::FailingClientMuted { client, until: Rfc3339(until) };
            (FailingClientState::Muted, Some(until), event)
        }
        Decision::Mute(_) => {
            return Err(Refusal::new(Code::InvalidMuteTime)
                .with_count("most", MOST_DAYS)
                .at("days"));
        }
        Decision::Resolve => {
            (FailingClientState::Resolved, None, Event::FailingClientResolved { client })
        }
        Decision::Reopen => {
            (FailingClientState::Open, None, Event::FailingClientReopened { client })
        }
    };
    let notified_at = found.notified_at;
    let decided = FailingClientDecision { state, at: now, until, notified_at };
    write.decide_about_failing_client(caller.account.id, id, &decided).await?;
    write.commit(caller.entry(event, id)).await?;
    Ok(FailingClient { state, muted_until: until, ..found })
}

/// Sends an email about a failing client to the creator of its token and to the administrators, at most once a day.
pub(crate) async fn report(app: &AppState, caller: &Caller, id: &str) -> Result<(), Refusal> {
    caller.permit(Permission::ManageTokens)?;
    let found = find_of_account(app, caller, id).await?;
    let (mut write, caller) = caller.begin(app, Permission::ManageTokens).await?;
    let now = write.now();
    let token = found.group.token.ok_or(Code::NobodyToNotify)?;
    let decisions = write.list_failing_client_decisions(caller.account.id).await?;
    let notified_at = decisions.get(id).and_then(|decision| decision.notified_at);
    if notified_at.is_some_and(|at| now.since(at) < NOTIFY_AGAIN) {
        return Err(Code::AlreadyNotified.into());
    }
    let recipients = write.list_whom_to_tell(caller.account.id, token).await?;
    for (email, language) in &recipients {
        let link = format!("{}/failing-clients/{id}", app.settings.console_url);
        let message = Message::to(*language, || {
            let of = (found.token.as_ref(), &*caller.account.name);
            Message::failing_client((&found.group, &found.rejected), of, &link)
        });
        app.add_mail(&mut write, email, message).await?;
    }
    let decided = FailingClientDecision {
        state: found.state,
        at: now,
        until: found.muted_until,
        notified_at: Some(now),
    };
    write.decide_about_failing_client(caller.account.id, id, &decided).await?;
    let (client, recipients) = (found.detail(), recipients.len());
    let event = Event::FailingClientReported { client, recipients };
    write.commit(caller.entry(event, id)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(
        decision: Option<FailingClientDecision>,
        last_at: i64,
        now: i64,
    ) -> FailingClientState {
        let group = RejectionGroup {
            token: None,
            code: "missing_token".to_owned(),
            client: String::new(),
            network: "192.0.2.0/24".to_owned(),
            operation: String::new(),
        };
        let [first_at, last_at] = [0, last_at].map(Timestamp::from_micros);
        let last_request = "req_1".to_owned();
        let rejected = RejectedRequests { requests: 1, first_at, last_at, last_request };
        let now = Timestamp::from_micros(now);
        FailingClient::new(group, rejected, Vec::new(), decision.as_ref(), now).state
    }

    #[test]
    fn a_resolved_client_reopens_with_its_next_request_and_a_muted_one_in_time() {
        let decided = |state, until: Option<i64>| {
            let until = until.map(Timestamp::from_micros);
            let at = Timestamp::from_micros(10);
            Some(FailingClientDecision { state, at, until, notified_at: None })
        };
        assert_eq!(state(None, 5, 20), FailingClientState::Open);
        let resolved = decided(FailingClientState::Resolved, None);
        assert_eq!(state(resolved, 10, 20), FailingClientState::Resolved);
        assert_eq!(state(resolved, 11, 20), FailingClientState::Open);
        let muted = decided(FailingClientState::Muted, Some(30));
        assert_eq!(state(muted, 20, 29), FailingClientState::Muted);
        assert_eq!(state(muted, 20, 30), FailingClientState::Open);
        assert_eq!(state(decided(FailingClientState::Open, None), 5, 20), FailingClientState::Open);
    }
}
