//! Reading stored receipts: verified with the keys that signed them, with names for the IDs in them.

use super::{published_keys, verify_receipt};
use crate::{
    AppState,
    principal::{Caller, Operator},
    refusal::{Code, Refusal},
};
use keydesk_model::{AccountNumber, OperatorPermission, Permission, Receipt};
use keydesk_store::{Account, StoreError, StoredReceipt};
use serde_json::Value;

/// A receipt with a valid signature.
pub(super) struct VerifiedReceipt {
    /// The number of its entry in the audit log.
    pub number: i64,
    pub receipt: Receipt,
    pub jws: String,
    /// The name of the token, member, or user that it concerns, if known.
    pub target_name: Option<String>,
}

impl VerifiedReceipt {
    fn new(stored: StoredReceipt, keys: &Value) -> Option<Self> {
        let StoredReceipt { seq: number, jws, target_name } = stored;
        let receipt = verify_receipt(&jws, keys).ok()?;
        Some(Self { number, receipt, jws, target_name })
    }
}

/// Returns the public keys that verify receipts, as a JWK set.
pub(super) async fn list_keys(app: &AppState) -> Result<Value, StoreError> {
    let checks = app.store.read().await?.list_key_checks().await?;
    let known = checks.iter().filter(|check| !check.public_key.is_empty());
    Ok(published_keys(known.map(|check| (check.key_id.as_str(), check.public_key.as_str()))))
}

/// Returns a page of the receipts of the caller's account, newest first, and whether more follow.
pub(super) async fn list(
    app: &AppState,
    caller: &Caller,
    (text, before): (&str, Option<i64>),
    limit: u32,
) -> Result<(Vec<VerifiedReceipt>, bool), Refusal> {
    caller.permit(Permission::SeeReceipts)?;
    let account = caller.account.id;
    let mut rows =
        app.store.read().await?.list_receipts(account, (text, before), limit + 1).await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let keys = list_keys(app).await?;
    let verified = rows.into_iter().filter_map(|row| VerifiedReceipt::new(row, &keys));
    Ok((verified.collect(), has_more))
}

/// Returns the receipt of the change with this target and audit entry.
pub(super) async fn find_of_change(
    app: &AppState,
    caller: &Caller,
    (target, audit_seq): (&str, i64),
) -> Result<Option<VerifiedReceipt>, Refusal> {
    let account = caller.account.id;
    let mut read = app.store.read().await?;
    let found = read.find_receipt_of(account, target, audit_seq).await?;
    drop(read);
    let keys = list_keys(app).await?;
    Ok(found.and_then(|row| VerifiedReceipt::new(row, &keys)))
}

pub(super) async fn find(
    app: &AppState,
    caller: &Caller,
    number: &str,
) -> Result<VerifiedReceipt, Refusal> {
    caller.permit(Permission::SeeReceipts)?;
    let number = number.parse().map_err(|_| Code::NotFound)?;
    let found = app.store.read().await?.find_receipt(caller.account.id, number).await?;
    let row = found.ok_or(Code::NotFound)?;
    VerifiedReceipt::new(row, &list_keys(app).await?).ok_or_else(|| {
        Refusal::broken("a receipt in the audit log cannot be verified: it was changed")
    })
}

/// Returns the receipt of an operator's change to an account; other receipts belong to the account.
pub(super) async fn find_of_account(
    app: &AppState,
    operator: &Operator,
    account: AccountNumber,
    number: i64,
) -> Result<(Account, VerifiedReceipt), Refusal> {
    operator.permit(OperatorPermission::SeeAccounts)?;
    let mut read = app.store.read().await?;
    let account = read.find_account_by_number(account).await?.ok_or(Code::NotFound)?;
    let row = read.find_receipt(account.id, number).await?.ok_or(Code::NotFound)?;
    drop(read);
    let found = VerifiedReceipt::new(row, &list_keys(app).await?);
    let found = found.filter(|found| found.receipt.target == account.id.to_string());
    let receipt = found.ok_or(Code::NotFound)?;
    let target_name = Some(account.name.clone());
    Ok((account, VerifiedReceipt { target_name, ..receipt }))
}
