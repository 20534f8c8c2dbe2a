//! Invitations: a role offered to an email address, once, until it expires.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, Email, InvitationId, MemberId, Role, Timestamp, UserId};

#[derive(Clone, Debug)]
pub struct Invitation {
    pub id: InvitationId,
    pub account: AccountId,
    pub account_name: String,
    pub email: Email,
    pub role: Role,
    /// `None` for an operator.
    pub invited_by: Option<String>,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct NewInvitation {
    pub id: InvitationId,
    pub account: AccountId,
    pub email: Email,
    pub role: Role,
    pub code_hash: [u8; 32],
    /// `None` for an operator.
    pub invited_by: Option<MemberId>,
    pub expires_at: Timestamp,
}

macro_rules! select_invitations {
    ($condition:literal) => {
        concat!(
            "SELECT invitation.id, invitation.account_id, account.name AS account_name, invitation.email, \
             invitation.role, users.name AS invited_by, invitation.expires_at FROM invitation \
             JOIN account ON account.id = invitation.account_id \
             LEFT JOIN member ON member.id = invitation.invited_by \
             LEFT JOIN users ON users.id = member.user_id \
             WHERE invitation.closed_at IS NULL AND ",
            $condition
        )
    };
}

const FIND_BY_CODE: &str = select_invitations!(
    "invitation.code_hash = $1 AND invitation.expires_at > $2 AND account.state IN ('active', 'suspended')"
);
const LIST: &str = select_invitations!(
    "invitation.account_id = $1 AND invitation.expires_at > $2 ORDER BY invitation.created_at, invitation.id"
);
const ADD: &str = "INSERT INTO invitation (id, account_id, email, email_canonical, role, code_hash, \
    invited_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const CLOSE: &str = "UPDATE invitation SET closed_at = $1 \
    WHERE id = $2 AND account_id = $3 AND closed_at IS NULL";
const CLOSE_FOR: &str = "UPDATE invitation SET closed_at = $1 \
    WHERE account_id = $2 AND email_canonical = $3 AND closed_at IS NULL";
const CLOSE_TO: &str = "UPDATE invitation SET closed_at = $1 WHERE account_id = $2 AND closed_at IS NULL \
    AND email_canonical = (SELECT email_canonical FROM users WHERE id = $3)";

const CLOSE_OF: &str =
    "UPDATE invitation SET closed_at = $1 WHERE invited_by = $2 AND closed_at IS NULL";
const CLOSE_OWNERS_OF: &str = "UPDATE invitation SET closed_at = $1 \
    WHERE invited_by = $2 AND role = 'owner' AND closed_at IS NULL";

fn invitation(row: &SqlRow) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row::parsed(row, "id")?,
        account: row::parsed(row, "account_id")?,
        account_name: row::text(row, "account_name")?,
        email: row::parsed(row, "email")?,
        role: row::parsed(row, "role")?,
        invited_by: row.get("invited_by")?,
        expires_at: row::instant(row, "expires_at")?,
    })
}

impl Read {
    pub async fn find_invitation(
        &mut self,
        code_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let asked = query(FIND_BY_CODE).bind(code_hash).bind(now.as_micros());
        asked.optional(self).await?.as_ref().map(invitation).transpose()
    }

    pub async fn list_invitations(
        &mut self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<Invitation>, StoreError> {
        let asked = query(LIST).bind(account).bind(now.as_micros());
        asked.all(self).await?.iter().map(invitation).collect()
    }
}

impl Write {
    /// Adds an invitation in place of an earlier one to the same address.
    pub async fn add_invitation(&mut self, new: &NewInvitation) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(CLOSE_FOR)
            .bind(now)
            .bind(new.account)
            .bind(new.email.canonical())
            .execute(self)
            .await?;
        query(ADD)
            .bind(new.id)
            .bind(new.account)
            .bind(new.email.as_str())
            .bind(new.email.canonical())
            .bind(new.role.as_str())
            .bind(new.code_hash)
            .bind(new.invited_by)
            .bind(now)
            .bind(new.expires_at.as_micros())
            .execute(self)
            .await?;
        Ok(())
    }

    /// Closes the open invitations that a member has sent. Returns their number.
    pub async fn close_invitations_of(&mut self, member: MemberId) -> Result<u64, StoreError> {
        let now = self.now();
        query(CLOSE_OF).bind(now).bind(member).execute(self).await
    }

    /// Closes the open invitations to a user's address. Returns their number.
    pub async fn close_invitations_to(
        &mut self,
        account: AccountId,
        user: UserId,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        query(CLOSE_TO).bind(now).bind(account).bind(user).execute(self).await
    }

    /// Closes the open invitations of a member that would create owners. Returns their number.
    pub async fn close_owner_invitations_of(
        &mut self,
        member: MemberId,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        query(CLOSE_OWNERS_OF).bind(now).bind(member).execute(self).await
    }

    /// Closes an invitation that was accepted or withdrawn. Returns whether it was open.
    pub async fn close_invitation(
        &mut self,
        account: AccountId,
        id: InvitationId,
    ) -> Result<bool, StoreError> {
        let now = self.now().as_micros();
        let asked = query(CLOSE).bind(now).bind(id).bind(account);
        Ok(asked.execute(self).await? == 1)
    }
}
