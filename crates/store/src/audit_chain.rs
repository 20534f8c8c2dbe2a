//! The hash chain of the audit log: each entry is chained to the previous one of the same account, so that changing,
//! dropping, or moving an entry breaks all that follow.

use crate::{
    Read, StoreError, Write, row,
    sql::{SqlRow, query},
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The input of an entry's digest: all columns but the digest itself, in their order.
pub(crate) struct ChainInput<'a> {
    pub seq: i64,
    pub at: i64,
    pub texts: [Option<&'a str>; 11],
}

/// Returns the digest of the previous digest and the whole entry. Each text is preceded by its length, so that no two
/// entries have the same input.
pub(crate) fn chain(before: &str, links: &ChainInput) -> String {
    let mut digest = Sha256::new();
    digest.update(before.as_bytes());
    digest.update(links.seq.to_be_bytes());
    digest.update(links.at.to_be_bytes());
    for text in links.texts {
        match text {
            None => digest.update([0]),
            Some(text) => {
                digest.update([1]);
                digest.update((text.len() as u64).to_be_bytes());
                digest.update(text.as_bytes());
            }
        }
    }
    hex::encode(digest.finalize())
}

/// The last digest of an account's log, and the number of entries before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The account's ID, or empty for the log of entries that concern no account.
    pub account: String,
    pub chain: String,
    pub entries: i64,
}

/// The reason why the log can't be trusted, and the place where that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFault {
    /// This entry, or one before it, was changed.
    Changed { seq: i64, account: String },
    /// An entry with this number is missing.
    Missing { seq: i64 },
    /// Entries at the end of this account's log are missing, or its head was changed.
    CutOff { account: String, entries: i64, found: i64 },
    /// An anchor isn't part of the chain that leads to the current head.
    NotAnchored { account: String },
}

/// The result of verifying the whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditVerdict {
    pub entries: i64,
    /// Entries from before entries were chained.
    pub unchained: i64,
    pub fault: Option<AuditFault>,
}

const HEAD: &str = "SELECT account_id, chain, entries FROM audit_head WHERE account_id = $1";
const HEADS: &str = "SELECT account_id, chain, entries FROM audit_head ORDER BY account_id";
const SET_HEAD: &str = "INSERT INTO audit_head (account_id, chain, entries) VALUES ($1, $2, 1) \
    ON CONFLICT (account_id) DO UPDATE SET chain = excluded.chain, entries = audit_head.entries + 1 RETURNING entries";
const PART: &str = "SELECT seq, number, at, event, actor, user_id, member_id, management_key_id, account_id, target, detail, \
    client_ip, user_agent, request_id, chain FROM audit WHERE seq > $1 ORDER BY seq LIMIT 1000";
const LAST: &str = "SELECT audit_seq FROM head WHERE one = 1";

fn head(row: &SqlRow) -> Result<AuditHead, StoreError> {
    Ok(AuditHead {
        account: row::text(row, "account_id")?,
        chain: row::text(row, "chain")?,
        entries: row.get("entries")?,
    })
}

impl Write {
    /// Returns the number of an account's next entry and its digest, which becomes the account's head.
    pub(crate) async fn extend_chain(
        &mut self,
        account: &str,
        links: &ChainInput<'_>,
    ) -> Result<(i64, String), StoreError> {
        let before = query(HEAD).bind(account).optional(self).await?;
        let before = before.as_ref().map(head).transpose()?.map(|head| head.chain);
        let chain = chain(before.as_deref().unwrap_or_default(), links);
        let set = query(SET_HEAD).bind(account).bind(&chain).one(self).await?;
        Ok((set.get("entries")?, chain))
    }
}

/// The progress of verification for each account's chain.
#[derive(Default)]
struct Walk {
    verdict: AuditVerdict,
    last_seq: i64,
    chains: BTreeMap<String, (String, i64)>,
    /// Anchors that weren't found yet.
    anchors: BTreeSet<(String, String)>,
}

impl Walk {
    /// Verifies an entry. Returns `None` if it fits.
    fn step(&mut self, row: &SqlRow) -> Result<Option<AuditFault>, StoreError> {
        let seq: i64 = row.get("seq")?;
        if seq != self.last_seq + 1 {
            return Ok(Some(AuditFault::Missing { seq: self.last_seq + 1 }));
        }
        self.last_seq = seq;
        self.verdict.entries += 1;
        let text = |column| row.get::<Option<&str>>(column);
        let account = text("account_id")?.unwrap_or_default().to_owned();
        let stored: &str = row.get("chain")?;
        let known = self.chains.get(&account);
        if stored.is_empty() && known.is_none() {
            self.verdict.unchained += 1;
            return Ok(None);
        }
        let links = ChainInput {
            seq,
            at: row.get("at")?,
            texts: [
                text("event")?,
                text("actor")?,
                text("user_id")?,
                text("member_id")?,
                text("management_key_id")?,
                text("account_id")?,
                text("target")?,
                text("detail")?,
                text("client_ip")?,
                text("user_agent")?,
                text("request_id")?,
            ],
        };
        let (before, entries) =
            known.map_or(("", 0), |(chain, entries)| (chain.as_str(), *entries));
        let chain = chain(before, &links);
        if chain != stored || row.get::<i64>("number")? != entries + 1 {
            return Ok(Some(AuditFault::Changed { seq, account }));
        }
        self.anchors.remove(&(account.clone(), chain.clone()));
        self.chains.insert(account, (chain, entries + 1));
        Ok(None)
    }

    /// Returns the fault that only the heads show after the last entry.
    fn end(&self, last: i64, heads: &[AuditHead]) -> Option<AuditFault> {
        if self.last_seq != last {
            return Some(AuditFault::Missing { seq: self.last_seq + 1 });
        }
        let differs = |head: &&AuditHead| {
            let found = self.chains.get(&head.account);
            found.is_none_or(|(chain, entries)| (chain, *entries) != (&head.chain, head.entries))
        };
        if let Some(head) = heads.iter().find(differs) {
            let found = self.chains.get(&head.account).map_or(0, |(_, entries)| *entries);
            let (account, entries) = (head.account.clone(), head.entries);
            return Some(AuditFault::CutOff { account, entries, found });
        }
        let headless = self
            .chains
            .iter()
            .find(|(account, _)| heads.iter().all(|head| head.account != **account));
        if let Some((account, (_, found))) = headless {
            let account = account.clone();
            return Some(AuditFault::CutOff { account, entries: 0, found: *found });
        }
        let (account, _) = self.anchors.first()?;
        Some(AuditFault::NotAnchored { account: account.clone() })
    }
}

impl Read {
    pub async fn list_audit_heads(&mut self) -> Result<Vec<AuditHead>, StoreError> {
        query(HEADS).all(self).await?.iter().map(head).collect()
    }

    /// Returns the number of the newest entry, and the heads as of that entry.
    async fn list_heads_with_last(&mut self) -> Result<(i64, Vec<AuditHead>), StoreError> {
        loop {
            let last: i64 = query(LAST).one(self).await?.get("audit_seq")?;
            let heads = self.list_audit_heads().await?;
            // Others keep writing.
            if query(LAST).one(self).await?.get::<i64>("audit_seq")? == last {
                return Ok((last, heads));
            }
        }
    }

    /// Verifies the whole log against its digests, its heads, and anchors stored elsewhere.
    pub async fn verify_audit(
        &mut self,
        anchors: &[AuditHead],
    ) -> Result<AuditVerdict, StoreError> {
        let anchors = anchors.iter().map(|head| (head.account.clone(), head.chain.clone()));
        let mut walk = Walk { anchors: anchors.collect(), ..Walk::default() };
        let (last, heads) = self.list_heads_with_last().await?;
        loop {
            let part = query(PART).bind(walk.last_seq).all(self).await?;
            // Entries after the heads were read are not covered by them.
            let rows = part.iter().filter(|row| row.get::<i64>("seq").is_ok_and(|seq| seq <= last));
            let mut count = 0;
            for row in rows {
                count += 1;
                if let Some(fault) = walk.step(row)? {
                    return Ok(AuditVerdict { fault: Some(fault), ..walk.verdict });
                }
            }
            if count == 0 {
                let fault = walk.end(last, &heads);
                return Ok(AuditVerdict { fault, ..walk.verdict });
            }
        }
    }
}
