//! The members of an account, filtered and sorted, and the removal of several at once.

pub(crate) mod console;

use super::{find_manageable, keep_an_owner, prepare_end, take_out};
use crate::{
    AppState,
    mail::Message,
    principal::Caller,
    receipts::Issued,
    refusal::{Code, Refusal},
    tokens::{ObservedClient, selection::cut_page},
};
use keydesk_model::{Event, MemberId, Permission, Role, Timestamp, audit::EmailAndRole};
use keydesk_store::Member;
use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

/// The time without a session after which a member counts as inactive.
const INACTIVE: Duration = Duration::from_hours(90 * 24);
/// The maximum number of members that are removed at once: a page of the list.
pub(crate) const MOST: usize = 50;

/// Which members are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    #[default]
    All,
    /// Not seen for 90 days, nor joined since.
    Inactive,
    Role(Role),
}

impl Shown {
    pub fn list() -> impl Iterator<Item = Self> {
        [Self::All, Self::Inactive].into_iter().chain(Role::ALL.into_iter().map(Self::Role))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Inactive => "inactive",
            Self::Role(role) => role.as_str(),
        }
    }

    fn includes(self, member: &Member, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Inactive => now.since(member.seen_at.unwrap_or(member.joined_at)) >= INACTIVE,
            Self::Role(role) => member.role == role,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// The oldest first.
    #[default]
    Joined,
    Name,
    /// Those who were never seen, and then those who were last seen the longest ago, first.
    LastSeen,
    /// The most powerful first.
    Role,
}

impl Order {
    pub const ALL: [Self; 4] = [Self::Joined, Self::Name, Self::LastSeen, Self::Role];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Name => "name",
            Self::LastSeen => "last_seen",
            Self::Role => "role",
        }
    }

    fn sort(self, members: &mut [Member]) {
        let joined = |member: &Member| (member.joined_at, member.id);
        match self {
            Self::Joined => members.sort_by_key(joined),
            Self::Name => members.sort_by_cached_key(|one| (one.name.to_lowercase(), one.id)),
            Self::LastSeen => members.sort_by_key(|member| (member.seen_at, joined(member))),
            Self::Role => members.sort_by_key(|member| (Reverse(member.role), joined(member))),
        }
    }
}

/// What a list of members is restricted to, and its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// In the name or the email address.
    pub text: String,
    pub shown: Shown,
    pub order: Order,
    /// The last member of the previous page.
    pub after: Option<MemberId>,
}

impl Selection {
    fn includes(&self, member: &Member, now: Timestamp) -> bool {
        let text = self.text.to_lowercase();
        let has_text = member.name.to_lowercase().contains(&text)
            || member.email.to_string().to_lowercase().contains(&text);
        has_text && self.shown.includes(member, now)
    }
}

/// A page of members.
#[derive(Debug)]
pub(crate) struct Selected {
    pub members: Vec<Member>,
    /// The last member of the page, if more follow.
    pub next: Option<MemberId>,
    /// The number of selected members on all pages, and of all.
    pub count: usize,
    pub all: usize,
}

pub(crate) async fn select(
    app: &AppState,
    caller: &Caller,
    selection: &Selection,
) -> Result<Selected, Refusal> {
    caller.permit(Permission::SeeMembers)?;
    let now = app.now();
    let members = app.store.read().await?.list_members(caller.account.id).await?;
    let all = members.len();
    let mut members: Vec<_> =
        members.into_iter().filter(|member| selection.includes(member, now)).collect();
    selection.order.sort(&mut members);
    let count = members.len();
    let next = cut_page(&mut members, selection.after, MOST, |member| member.id);
    Ok(Selected { members, next, count, all })
}

/// Returns members whom the caller can remove, and the clients that stop working when they are.
pub(crate) async fn prepare_removal(
    app: &AppState,
    caller: &Caller,
    ids: &BTreeSet<MemberId>,
) -> Result<(Vec<Member>, Vec<ObservedClient>), Refusal> {
    caller.permit(Permission::ManageMembers)?;
    check(caller, ids)?;
    let (mut members, mut clients) = (Vec::new(), Vec::new());
    for id in ids {
        let (member, of_member) = prepare_end(app, caller, *id).await?;
        members.push(member);
        clients.extend(of_member);
    }
    Ok((members, clients))
}

fn check(caller: &Caller, ids: &BTreeSet<MemberId>) -> Result<(), Refusal> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Refusal::new(Code::NoMembersSelected).with_count("most", MOST).at("id"));
    }
    if ids.contains(&caller.member.id) {
        return Err(Code::CannotRemoveYourself.into());
    }
    Ok(())
}

/// Removes members in one transaction: all of them, or none.
pub(crate) async fn remove_members(
    app: &AppState,
    caller: &Caller,
    ids: &BTreeSet<MemberId>,
) -> Result<Option<Issued>, Refusal> {
    check(caller, ids)?;
    let (mut write, caller) = caller.begin_as_member(app).await?;
    let mut entries = Vec::new();
    for id in ids {
        let member = find_manageable(&mut write, &caller, *id).await?;
        keep_an_owner(&mut write, &member).await?;
        let invitations_closed = take_out(&mut write, &member).await?;
        let before = EmailAndRole { email: member.email.to_string(), role: member.role };
        entries.push(caller.entry(Event::MemberRemoved { before, invitations_closed }, *id));
        let message = Message::to(member.language, || Message::removed(&caller.account.name));
        app.add_mail(&mut write, &member.email, message).await?;
    }
    let last = entries.pop().ok_or(Code::NoMembersSelected)?;
    for entry in &entries {
        write.audit(entry).await?;
    }
    Ok(app.commit_with_receipt(write, last).await?)
}
