//! Emails that wait to be sent to the mail server, and their delivery state. An email is added in the transaction of the
//! change that it is about. The one-time code of its link is generated when it is sent, so only a digest is stored.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use keydesk_model::{AccountId, InvitationId, LinkKind, MailId, Timestamp};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct NewMail {
    pub id: MailId,
    /// The sealed address and text.
    pub sealed: Vec<u8>,
    /// The digest that stands for the code of its link, if there is one.
    pub code_hash: Option<[u8; 32]>,
    /// The invitation in the email, if there is one.
    pub invitation: Option<InvitationId>,
    /// The first attempt, and the time from which it is retried.
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct WaitingMail {
    pub id: MailId,
    pub sealed: Vec<u8>,
    pub code_hash: Option<[u8; 32]>,
    pub created_at: Timestamp,
    pub next_at: Timestamp,
    pub tries: i64,
}

/// An invitation email that has not been delivered yet.
#[derive(Clone, Debug)]
pub struct Undelivered {
    pub invitation: InvitationId,
    /// The last response of the mail server.
    pub error: String,
    /// The time of the next attempt, or `None` if there is none.
    pub next_at: Option<Timestamp>,
}

const UNDER_OTHERS: &str = "SELECT id, sealed FROM outbox WHERE sealed IS NOT NULL AND substr(sealed, 2, 8) <> $1 LIMIT $2";
const COUNT_UNDER_OTHERS: &str =
    "SELECT count(*) AS number FROM outbox WHERE sealed IS NOT NULL AND substr(sealed, 2, 8) <> $1";
const RESEAL: &str = "UPDATE outbox SET sealed = $1 WHERE id = $2 AND sealed = $3";
const ADD: &str = "INSERT INTO outbox (id, sealed, code_hash, invitation_id, created_at, next_at, tries, error) \
    VALUES ($1, $2, $3, $4, $5, $5, 0, '')";
const DUE: &str = "SELECT id, sealed, code_hash, created_at, next_at, tries FROM outbox \
    WHERE next_at IS NOT NULL AND next_at <= $1 AND sealed IS NOT NULL ORDER BY next_at LIMIT $2";
/// Claims an email by moving its next attempt into the future.
const CLAIM: &str = "UPDATE outbox SET next_at = $1 WHERE id = $2 AND next_at = $3";
const SET_CODE: &str = "UPDATE outbox SET code_hash = $1 WHERE id = $2";
const NEW_INVITATION_CODE: &str = "UPDATE invitation SET code_hash = $1, expires_at = $2 \
    WHERE code_hash = $3 AND closed_at IS NULL";
const NEW_RESET_CODE: &str =
    "UPDATE reset SET code_hash = $1, expires_at = $2 WHERE code_hash = $3 AND closed_at IS NULL";
const NEW_SIGN_UP_CODE: &str =
    "UPDATE sign_up SET code_hash = $1, expires_at = $2 WHERE code_hash = $3 AND closed_at IS NULL";
const NEW_CODE_FOR_OLD_EMAIL: &str = "UPDATE email_change SET old_code_hash = $1, expires_at = $2 \
    WHERE old_code_hash = $3 AND closed_at IS NULL";
const NEW_CODE_FOR_NEW_EMAIL: &str = "UPDATE email_change SET new_code_hash = $1, expires_at = $2 \
    WHERE new_code_hash = $3 AND closed_at IS NULL";
const SENT: &str = "DELETE FROM outbox WHERE id = $1";
const DELAYED: &str = "UPDATE outbox SET next_at = $1, tries = tries + 1, error = $2 WHERE id = $3";
const FAILED: &str =
    "UPDATE outbox SET next_at = NULL, sealed = NULL, tries = tries + 1, error = $1 WHERE id = $2";
const FORGET: &str = "DELETE FROM outbox WHERE next_at IS NULL AND created_at < $1";
const UNDELIVERED: &str = "SELECT outbox.invitation_id, outbox.error, outbox.next_at FROM outbox \
    JOIN invitation ON invitation.id = outbox.invitation_id \
    WHERE invitation.account_id = $1 AND invitation.closed_at IS NULL AND outbox.error <> ''";

fn waiting(row: &SqlRow) -> Result<WaitingMail, StoreError> {
    Ok(WaitingMail {
        id: row::parsed(row, "id")?,
        sealed: row.get("sealed")?,
        code_hash: row::digest_opt(row, "code_hash")?,
        created_at: row::instant(row, "created_at")?,
        next_at: row::instant(row, "next_at")?,
        tries: row.get("tries")?,
    })
}

impl Read {
    /// Returns the emails to be sent now.
    pub async fn list_due_mail(
        &mut self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<WaitingMail>, StoreError> {
        let asked = query(DUE).bind(now).bind(i64::try_from(limit).unwrap_or(i64::MAX));
        asked.all(self).await?.iter().map(waiting).collect()
    }

    pub async fn list_mail_under_others(
        &mut self,
        key_id: &[u8],
        limit: u32,
    ) -> Result<Vec<(MailId, Vec<u8>)>, StoreError> {
        let rows = query(UNDER_OTHERS).bind(key_id).bind(limit).all(self).await?;
        rows.iter().map(|row| Ok((row::parsed(row, "id")?, row.get("sealed")?))).collect()
    }

    pub async fn count_mail_under_others(&mut self, key_id: &[u8]) -> Result<i64, StoreError> {
        query(COUNT_UNDER_OTHERS).bind(key_id).one(self).await?.get("number")
    }

    /// Returns the open invitations of an account whose email the server has not accepted.
    pub async fn list_undelivered(
        &mut self,
        account: AccountId,
    ) -> Result<Vec<Undelivered>, StoreError> {
        let rows = query(UNDELIVERED).bind(account).all(self).await?;
        let undelivered = |row: &SqlRow| {
            Ok(Undelivered {
                invitation: row::parsed(row, "invitation_id")?,
                error: row::text(row, "error")?,
                next_at: row::instant_opt(row, "next_at")?,
            })
        };
        rows.iter().map(undelivered).collect()
    }
}

impl Write {
    /// Adds an email, which is due when the transaction commits.
    pub async fn add_mail(&mut self, new: &NewMail) -> Result<(), StoreError> {
        let invitation = new.invitation.map(|id| id.to_string());
        let add = query(ADD).bind(new.id).bind(new.sealed.as_slice()).bind(new.code_hash);
        add.bind(invitation.as_deref()).bind(new.at).execute(self).await?;
        self.announces_mail();
        Ok(())
    }

    /// Replaces the code of an open link, which then lasts until `expires_at`. Returns `false` if the link is no longer
    /// open, as after an invitation is revoked.
    pub async fn replace_link_code(
        &mut self,
        kind: LinkKind,
        (old, new): ([u8; 32], [u8; 32]),
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = match kind {
            LinkKind::Invitation => NEW_INVITATION_CODE,
            LinkKind::PasswordReset => NEW_RESET_CODE,
            LinkKind::SignUp => NEW_SIGN_UP_CODE,
            LinkKind::OldEmail => NEW_CODE_FOR_OLD_EMAIL,
            LinkKind::NewEmail => NEW_CODE_FOR_NEW_EMAIL,
        };
        let replace = query(statement).bind(new).bind(expires_at).bind(old);
        Ok(replace.execute(self).await? == 1)
    }

    pub async fn set_mail_code(&mut self, id: MailId, hash: [u8; 32]) -> Result<(), StoreError> {
        query(SET_CODE).bind(hash).bind(id).execute(self).await.map(|_| ())
    }

    /// Claims an email for a limited time. Returns `false` if another node has claimed it.
    pub async fn claim_mail(
        &mut self,
        mail: &WaitingMail,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let claim = query(CLAIM).bind(until).bind(mail.id).bind(mail.next_at);
        Ok(claim.execute(self).await? == 1)
    }

    pub async fn reencrypt_mail(
        &mut self,
        id: MailId,
        (old, new): (&[u8], &[u8]),
    ) -> Result<(), StoreError> {
        query(RESEAL).bind(new).bind(id).bind(old).execute(self).await.map(|_| ())
    }

    pub async fn note_mail_sent(&mut self, id: MailId) -> Result<(), StoreError> {
        query(SENT).bind(id).execute(self).await.map(|_| ())
    }

    pub async fn note_mail_delayed(
        &mut self,
        id: MailId,
        error: &str,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        query(DELAYED).bind(next_at).bind(error).bind(id).execute(self).await.map(|_| ())
    }

    pub async fn note_mail_failed(&mut self, id: MailId, error: &str) -> Result<(), StoreError> {
        query(FAILED).bind(error).bind(id).execute(self).await.map(|_| ())
    }

    /// Deletes emails that failed this long ago.
    pub async fn forget_failed_mail(&mut self, after: Duration) -> Result<(), StoreError> {
        let before = self.now().minus(after);
        query(FORGET).bind(before).execute(self).await.map(|_| ())
    }
}
