//! What the cases begin with: a store with an account, on either back end.

use crate::postgres;
use keydesk_model::{
    AccountId, AccountNumber, Actor, Change, Event, Feed, IpAllowlist, LiveSecret, MemberId,
    NodeId, Origin, Role, ScopeSet, Snapshot, Timestamp, TokenId, TokenNote, TokenOwner, UserId,
};
use keydesk_store::{
    AuditEntry, DatabaseUrl, NewMember, NewSecret, NewToken, NewUser, Sent, Store, StoreError,
    Write,
};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

/// A store with one account, its owner Ann, and a gateway that follows.
pub struct World {
    place: DatabaseUrl,
    pub store: Store,
    pub follower: Arc<Follower>,
    pub entropy: Entropy,
    pub account: AccountId,
    pub user: UserId,
    pub member: MemberId,
    reports: std::sync::atomic::AtomicI64,
}

#[derive(Default)]
pub struct Follower {
    seen: Mutex<Vec<(i64, Option<Change>)>>,
    loaded: Mutex<Vec<LiveSecret>>,
}

impl Feed for Follower {
    fn load(&self, snapshot: Snapshot<'_>) {
        self.seen.lock().expect("not poisoned").push((snapshot.seq, None));
        *self.loaded.lock().expect("not poisoned") = snapshot.secrets.collect();
    }

    fn apply(&self, seq: i64, change: Change) {
        self.seen.lock().expect("not poisoned").push((seq, Some(change)));
    }
}

impl Follower {
    /// The digest of the secret that was issued last.
    pub fn issued(&self) -> keydesk_token::TokenHash {
        let seen = self.seen.lock().expect("not poisoned");
        let issued = seen.iter().rev().find_map(|(_, change)| match change {
            Some(Change::SecretIssued(secret)) => Some(secret.hash),
            _ => None,
        });
        issued.expect("there is one")
    }

    /// The last change that came.
    pub fn last(&self) -> Option<Change> {
        self.seen.lock().expect("not poisoned").last().and_then(|(_, change)| change.clone())
    }

    pub fn numbers(&self) -> Vec<i64> {
        self.seen.lock().expect("not poisoned").iter().map(|(seq, _)| *seq).collect()
    }
}

pub const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub fn entry() -> AuditEntry {
    AuditEntry {
        event: Event::SessionEnded {},
        actor: Actor::Operator { user: None },
        origin: Origin::default(),
        account: None,
        target: "test".to_owned(),
    }
}

impl World {
    pub async fn new(place: &DatabaseUrl) -> Self {
        let store = Store::open(place).await.expect("opens");
        let entropy = Entropy::seeded(1);
        let follower = Arc::new(Follower::default());
        store.follow(Arc::clone(&follower) as Arc<dyn Feed>, None).await.expect("loads");
        let account = AccountId::generate(at(1), &entropy);
        let user = UserId::generate(at(1), &entropy);
        let member = MemberId::generate(at(1), &entropy);
        let mut write = store.write(at(1)).await.expect("begins");
        let number = AccountNumber::try_from(385_403).expect("a number");
        write.add_account(account, number, &"Acme".parse().expect("a name")).await.expect("adds");
        write.add_user(&ann(user)).await.expect("adds");
        write
            .add_member(NewMember { id: member, account, user, role: Role::Owner })
            .await
            .expect("adds");
        write.commit(entry()).await.expect("commits");
        let (place, reports) = (place.clone(), std::sync::atomic::AtomicI64::new(0));
        Self { place, store, follower, entropy, account, user, member, reports }
    }

    /// What a process that starts now loads.
    pub async fn load_anew(&self) -> Vec<LiveSecret> {
        let (store, follower) = (Store::open(&self.place).await, Arc::new(Follower::default()));
        let store = store.expect("opens");
        store.follow(Arc::clone(&follower) as Arc<dyn Feed>, None).await.expect("loads");
        store.close().await;
        follower.loaded.lock().expect("not poisoned").clone()
    }

    /// A report that was not sent before.
    pub fn sent<'a>(&self, kind: &'a str) -> Sent<'a> {
        let number = self.reports.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let by = NodeId::generate(at(1), &Entropy::seeded(7));
        Sent { by, kind, number, now: at(1) }
    }

    pub fn secret(&self, version: i64) -> NewSecret {
        let plain = PlainToken::generate(&Prefix::default(), Kind::Account, &self.entropy);
        NewSecret {
            hash: plain.hash(),
            version,
            masked: plain.masked(),
            encrypted_copy: Some(vec![1, 2, 3]),
        }
    }

    pub async fn issue(
        &self,
        write: &mut Write,
        request_key: Option<&str>,
    ) -> Result<TokenId, StoreError> {
        let id = TokenId::generate(at(2), &self.entropy);
        let new = NewToken {
            id,
            account: self.account,
            token_owner: TokenOwner::Account,
            note: TokenNote::default(),
            name: "CRM sync".to_owned(),
            scopes: ScopeSet::everything(),
            ip_allowlist: IpAllowlist::default(),
            expires_at: Some(at(99)),
            created_by: Some(self.member),
            request_key: request_key.map(str::to_owned),
        };
        write.issue_token(&new, &self.secret(1)).await.map(|()| id)
    }
}

pub fn ann(id: UserId) -> NewUser {
    let email = "ann@acme.example".parse().expect("an address");
    NewUser { id, email, name: "Ann".to_owned(), password_hash: "hash".to_owned() }
}

pub fn sqlite(folder: &Path) -> DatabaseUrl {
    DatabaseUrl::Sqlite(folder.join("keydesk.sqlite"))
}

/// An empty database of its own.
pub fn postgresql() -> DatabaseUrl {
    let server = postgres::Postgres::shared();
    server.url(&server.new_database()).parse().expect("a place")
}
