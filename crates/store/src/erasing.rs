//! Erasure of a user: everything known about them except the audit log, which can't be changed. Their row stays under a
//! placeholder name and address, because entries and receipts refer to its ID.

use crate::{StoreError, User, Write, sql::query};
use sha2::{Digest, Sha256};

const BLANK: &str = "UPDATE users SET email = $1, email_canonical = $1, name = 'Erased user', password_hash = '', \
    language = NULL, version = version + 1 WHERE id = $2";
const OF_USER: [&str; 11] = [
    "DELETE FROM session WHERE user_id = $1",
    "DELETE FROM reset WHERE user_id = $1",
    "DELETE FROM device WHERE user_id = $1",
    "DELETE FROM totp WHERE user_id = $1",
    "DELETE FROM recovery_code WHERE user_id = $1",
    "DELETE FROM pending_login WHERE user_id = $1",
    "DELETE FROM email_change WHERE user_id = $1",
    "DELETE FROM passkey WHERE user_id = $1",
    "DELETE FROM identity WHERE user_id = $1",
    "UPDATE management_key SET name = 'Erased user', last_used_by = NULL, last_used_from = NULL WHERE user_id = $1",
    "UPDATE token SET name = 'Erased user' WHERE member_id IN (SELECT id FROM member WHERE user_id = $1)",
];
/// Replaces the address of a removed member by its digest, which still prevents a return by single sign-on.
const REMOVED: &str =
    "UPDATE member SET removed_email = $1 WHERE user_id = $2 AND removed_email IS NOT NULL";
const OF_ADDRESS: [&str; 2] =
    ["DELETE FROM attempt WHERE key = $1", "DELETE FROM sign_up WHERE lower(email) = $1"];
const OF_INVITATIONS: &str = "UPDATE invitation SET email = $1, email_canonical = $1, \
    closed_at = coalesce(closed_at, $2) WHERE email_canonical = $3";

impl Write {
    /// Erases a user who is no longer a member or an operator.
    pub async fn erase_user(&mut self, user: &User) -> Result<(), StoreError> {
        let nobody = format!("{}@erased.invalid", user.id);
        let canonical = user.email.canonical();
        for statement in OF_USER {
            query(statement).bind(user.id).execute(self).await?;
        }
        query(REMOVED).bind(removed_digest(&canonical)).bind(user.id).execute(self).await?;
        for statement in OF_ADDRESS {
            query(statement).bind(&canonical).execute(self).await?;
        }
        let now = self.now();
        let invitations = query(OF_INVITATIONS).bind(&nobody).bind(now).bind(&canonical);
        invitations.execute(self).await?;
        query(BLANK).bind(&nobody).bind(user.id).execute(self).await.map(|_| ())
    }
}

/// Returns the digest that replaces a removed address once its user is erased.
pub(crate) fn removed_digest(canonical: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(format!("removed|{canonical}"))))
}
