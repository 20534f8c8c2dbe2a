//! Reading stored receipts: verified with the keys that signed them, with names for the IDs in them.

use super::{published_keys, verify_receipt};
use crate::{
    AppState,
    principal::{Caller, Operator},
    refusal::{Code, Refusal},
    tokens,
};
use keydesk_model::{AccountNumber, Event, Permission, Receipt};
use keydesk_store::{Account, AuditRow, StoreError};
use serde_json::Value;
use std::collections::HashMap;

/// The maximum number of listed receipts; the audit log contains them all.
const LISTED: u32 = 100;

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
    fn new(row: &AuditRow, keys: &Value, names: &HashMap<String, String>) -> Option<Self> {
        let Some(Event::ReceiptIssued { jws }) = Event::read(&row.event, &row.detail) else {
            return None;
        };
        let receipt = verify_receipt(&jws, keys).ok()?;
        let target_name = names.get(&receipt.target).cloned();
        Some(Self { number: row.seq, receipt, jws, target_name })
    }
}

/// Returns the public keys that verify receipts, as a JWK set.
pub(super) async fn list_keys(app: &AppState) -> Result<Value, StoreError> {
    let checks = app.store.read().await?.list_key_checks().await?;
    let known = checks.iter().filter(|check| !check.public_key.is_empty());
    Ok(published_keys(known.map(|check| (check.key_id.as_str(), check.public_key.as_str()))))
}

async fn list_names(app: &AppState, caller: &Caller) -> Result<HashMap<String, String>, Refusal> {
    let mut names = HashMap::new();
    for token in tokens::list_api_tokens(app, caller).await? {
        names.insert(token.id.to_string(), token.name);
    }
    for member in app.store.read().await?.list_members(caller.account.id).await? {
        names.insert(member.id.to_string(), member.name.clone());
        names.insert(member.user.to_string(), member.name);
    }
    Ok(names)
}

/// Returns the newest receipts of the caller's account.
pub(super) async fn list(app: &AppState, caller: &Caller) -> Result<Vec<VerifiedReceipt>, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    let rows = app.store.read().await?.list_receipts(caller.account.id, LISTED).await?;
    let (keys, names) = (list_keys(app).await?, list_names(app, caller).await?);
    Ok(rows.iter().filter_map(|row| VerifiedReceipt::new(row, &keys, &names)).collect())
}

pub(super) async fn find(
    app: &AppState,
    caller: &Caller,
    number: &str,
) -> Result<VerifiedReceipt, Refusal> {
    caller.permit(Permission::SeeTokens)?;
    let number = number.parse().map_err(|_| Code::NotFound)?;
    let found = app.store.read().await?.find_receipt(caller.account.id, number).await?;
    let row = found.ok_or(Code::NotFound)?;
    let (keys, names) = (list_keys(app).await?, list_names(app, caller).await?);
    VerifiedReceipt::new(&row, &keys, &names).ok_or_else(|| {
        Refusal::broken("a receipt in the audit log cannot be verified: it was changed")
    })
}

/// Returns the receipt of an operator's change to an account; other receipts belong to the account.
pub(super) async fn find_of_account(
    app: &AppState,
    _: &Operator,
    account: AccountNumber,
    number: i64,
) -> Result<(Account, VerifiedReceipt), Refusal> {
    let mut read = app.store.read().await?;
    let account = read.find_account_by_number(account).await?.ok_or(Code::NotFound)?;
    let row = read.find_receipt(account.id, number).await?.ok_or(Code::NotFound)?;
    drop(read);
    let id = account.id.to_string();
    let names = HashMap::from([(id.clone(), account.name.clone())]);
    let found = VerifiedReceipt::new(&row, &list_keys(app).await?, &names);
    let receipt = found.filter(|found| found.receipt.target == id).ok_or(Code::NotFound)?;
    Ok((account, receipt))
}
