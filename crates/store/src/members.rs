//! Members: a user in an account, with a role, from joining to removal.

use crate::{
    Cursor, Page, PageSearch, Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, Email, Language, MemberId, Role, Timestamp, UserId};

#[derive(Clone, Debug)]
pub struct Member {
    pub id: MemberId,
    pub account: AccountId,
    pub user: UserId,
    pub role: Role,
    pub name: String,
    pub email: Email,
    /// The language that the user has chosen.
    pub language: Option<Language>,
    pub joined_at: Timestamp,
    /// The time after which a session must have begun to give access to the account.
    pub sessions_from: Option<Timestamp>,
    /// The time when the user was last seen in any session.
    pub seen_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
pub struct NewMember {
    pub id: MemberId,
    pub account: AccountId,
    pub user: UserId,
    pub role: Role,
}

/// Selects members: all queries read the same columns, and only the condition differs.
macro_rules! select_members {
    ($condition:literal) => {
        concat!(
            "SELECT member.id, member.account_id, member.user_id, role, users.name, users.email, \
             users.language, member.sessions_from, member.created_at, (SELECT max(seen_at) FROM session WHERE session.user_id = users.id) \
             AS seen_at FROM member JOIN users ON users.id = member.user_id \
             WHERE member.removed_at IS NULL AND ",
            $condition
        )
    };
}

const FIND: &str = select_members!("member.account_id = $1 AND member.id = $2");
const FIND_OF_USER: &str = select_members!("member.account_id = $1 AND member.user_id = $2");
const OF_ACCOUNT: &str =
    select_members!("member.account_id = $1 ORDER BY member.created_at, member.id");
const PAGE: &str = select_members!(
    "member.account_id = $1 AND ($2 = 0 OR (member.created_at, member.id) > ($2, $3)) \
     AND ($4 = '' OR lower(users.name) LIKE $4 ESCAPE '!' OR users.name LIKE $5 ESCAPE '!' \
       OR lower(users.email) LIKE $4 ESCAPE '!') \
     ORDER BY member.created_at, member.id LIMIT $6"
);
const OF_USER: &str = select_members!("member.user_id = $1 ORDER BY member.created_at, member.id");
const COUNT_OWNERS: &str = "SELECT count(*) AS number FROM member WHERE account_id = $1 AND role = 'owner' AND removed_at IS NULL";
const WAS_REMOVED: &str = "SELECT count(*) AS number FROM member \
    WHERE account_id = $1 AND removed_at IS NOT NULL AND (user_id = $2 OR removed_email = $3 OR removed_email = $4)";
const ADD: &str = "INSERT INTO member (id, account_id, user_id, role, created_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT DO NOTHING";
const SET_ROLE: &str = "UPDATE member SET role = $1 WHERE id = $2 AND removed_at IS NULL";
const ASK_ANEW: &str = "UPDATE member SET sessions_from = $1 WHERE id = $2";
const REMOVE: &str = "UPDATE member SET removed_at = $1, \
    removed_email = (SELECT email_canonical FROM users WHERE users.id = member.user_id) \
    WHERE id = $2 AND removed_at IS NULL";

fn member(row: &SqlRow) -> Result<Member, StoreError> {
    Ok(Member {
        id: row::parsed(row, "id")?,
        account: row::parsed(row, "account_id")?,
        user: row::parsed(row, "user_id")?,
        role: row::parsed(row, "role")?,
        name: row::text(row, "name")?,
        email: row::parsed(row, "email")?,
        language: row::parsed_opt(row, "language")?,
        sessions_from: row::instant_opt(row, "sessions_from")?,
        joined_at: row::instant(row, "created_at")?,
        seen_at: row::instant_opt(row, "seen_at")?,
    })
}

impl Member {
    /// Returns whether a session that began at that time gives access to the account.
    pub fn admits(&self, logged_in_at: Timestamp) -> bool {
        self.sessions_from.is_none_or(|from| from < logged_in_at)
    }
}

impl Read {
    /// Returns the member if it belongs to this account.
    pub async fn find_member(
        &mut self,
        account: AccountId,
        id: MemberId,
    ) -> Result<Option<Member>, StoreError> {
        let asked = query(FIND).bind(account).bind(id);
        asked.optional(self).await?.as_ref().map(member).transpose()
    }

    pub async fn find_member_of(
        &mut self,
        account: AccountId,
        user: UserId,
    ) -> Result<Option<Member>, StoreError> {
        let asked = query(FIND_OF_USER).bind(account).bind(user);
        asked.optional(self).await?.as_ref().map(member).transpose()
    }

    /// Returns whether the user was removed from this account as a member.
    pub async fn was_removed(
        &mut self,
        account: AccountId,
        (user, email): (UserId, &Email),
    ) -> Result<bool, StoreError> {
        let canonical = email.canonical();
        let asked = query(WAS_REMOVED).bind(account).bind(user).bind(&canonical);
        let found = asked.bind(crate::erasing::removed_digest(&canonical)).one(self).await?;
        Ok(found.get::<i64>("number")? > 0)
    }

    /// Returns a page of the members whose name or email address contains the text, in the order in which they joined.
    pub async fn search_members(
        &mut self,
        account: AccountId,
        search: &PageSearch,
    ) -> Result<Page<Member>, StoreError> {
        let asked = search.bind(query(PAGE).bind(account)).bind(search.rows());
        let members: Vec<_> =
            asked.all(self).await?.iter().map(member).collect::<Result<_, _>>()?;
        let cursor = |member: &Member| Cursor { at: member.joined_at, id: member.id.to_string() };
        Ok(search.page(members, cursor))
    }

    pub async fn list_members(&mut self, account: AccountId) -> Result<Vec<Member>, StoreError> {
        let rows = query(OF_ACCOUNT).bind(account).all(self).await?;
        rows.iter().map(member).collect()
    }

    pub async fn list_memberships(&mut self, user: UserId) -> Result<Vec<Member>, StoreError> {
        let rows = query(OF_USER).bind(user).all(self).await?;
        rows.iter().map(member).collect()
    }

    pub async fn count_owners(&mut self, account: AccountId) -> Result<i64, StoreError> {
        query(COUNT_OWNERS).bind(account).one(self).await?.get("number")
    }
}

impl Write {
    /// Requires a new login for access to the account.
    pub async fn require_new_log_in(&mut self, id: MemberId) -> Result<(), StoreError> {
        let now = self.now();
        query(ASK_ANEW).bind(now).bind(id).execute(self).await.map(|_| ())
    }

    /// Returns [`StoreError::Conflict`] if the user already belongs to the account.
    pub async fn add_member(&mut self, new: NewMember) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD)
            .bind(new.id)
            .bind(new.account)
            .bind(new.user)
            .bind(new.role.as_str())
            .bind(now)
            .insert(self)
            .await
    }

    pub async fn set_role(&mut self, id: MemberId, role: Role) -> Result<(), StoreError> {
        query(SET_ROLE).bind(role.as_str()).bind(id).execute(self).await?;
        Ok(())
    }

    pub async fn remove_member(&mut self, id: MemberId) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(REMOVE).bind(now).bind(id).execute(self).await?;
        Ok(())
    }
}
