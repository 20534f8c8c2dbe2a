//! Revocations that are undone, in every order of acts, with a journal and a database that goes back in time: what was
//! revoked permanently is never accepted again, and a hold only after a restoration.

use keydesk_model::{
    AccountId, AccountNumber, Actor, Change, Event, Feed, Hold, IpAllowlist, LiveSecret, MemberId,
    Origin, RevocationReason, Role, ScopeSet, Snapshot, Timestamp, TokenId, TokenNote, TokenOwner,
    UserId,
};
use keydesk_store::{
    AuditEntry, DatabaseUrl, NewMember, NewSecret, NewToken, NewUser, Store, Write,
};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

#[derive(Default)]
struct Gateway(Mutex<Option<LiveSecret>>);

impl Feed for Gateway {
    fn load(&self, snapshot: Snapshot<'_>) {
        *self.0.lock().expect("not poisoned") = snapshot.secrets.last();
    }

    fn apply(&self, _: i64, change: Change) {
        let mut secret = self.0.lock().expect("not poisoned");
        match change {
            Change::SecretIssued(issued) | Change::SecretRestored(issued) => {
                *secret = Some(*issued);
            }
            Change::SecretRevoked { revocation, .. } => {
                if let Some(secret) = secret.as_mut() {
                    secret.revocation = Some(revocation);
                }
            }
            _ => {}
        }
    }
}

const fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn entry() -> AuditEntry {
    AuditEntry {
        event: Event::SessionEnded {},
        actor: Actor::Operator { user: None },
        origin: Origin::default(),
        account: None,
        target: "test".to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Hold,
    Restore,
    /// Revokes permanently, or makes a hold permanent.
    End,
    /// The database is as it was before the last act that changed it.
    GoBack,
    /// The database is as it was when the token was created.
    GoBackToStart,
}

const ACTS: [Act; 5] = [Act::Hold, Act::Restore, Act::End, Act::GoBack, Act::GoBackToStart];

const OWN: &str = "revocations.journal";
/// The journal of a machine that is away most of the time.
const AWAY: &str = "away.journal";

/// A machine with a database, its earlier states, and a journal that never goes back.
struct Machine {
    folder: tempfile::TempDir,
    store: Store,
    gateway: Arc<Gateway>,
    account: AccountId,
    token: TokenId,
    now: i64,
    saved: usize,
}

impl Machine {
    async fn new(template: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::copy(template, folder.path().join("keydesk.sqlite")).expect("copies");
        let entropy = Entropy::seeded(1);
        let account = AccountId::generate(at(1), &entropy);
        let token = TokenId::generate(at(1), &Entropy::seeded(2));
        let (store, gateway) = follow(folder.path(), OWN).await;
        let mut machine = Self { folder, store, gateway, account, token, now: 10, saved: 0 };
        machine.save();
        machine
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Copies the database, which is closed for a moment so that the file is complete.
    fn save(&mut self) {
        for suffix in ["", "-wal"] {
            let from = self.file(&format!("keydesk.sqlite{suffix}"));
            let to = self.file(&format!("saved-{}{suffix}", self.saved));
            if from.exists() {
                fs::copy(from, to).expect("copies");
            }
        }
        self.saved += 1;
    }

    async fn restart(&mut self) {
        self.store.close().await;
        (self.store, self.gateway) = follow(self.folder.path(), OWN).await;
    }

    async fn go_back(&mut self, to: usize) {
        self.store.close().await;
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.file(&format!("keydesk.sqlite{suffix}")));
            let from = self.file(&format!("saved-{to}{suffix}"));
            if from.exists() {
                fs::copy(from, self.file(&format!("keydesk.sqlite{suffix}"))).expect("copies");
            }
        }
        self.saved = to + 1;
        (self.store, self.gateway) = follow(self.folder.path(), OWN).await;
    }

    /// Starts with the journal of a machine that was away, and returns whether that one accepts the token.
    async fn visit(&mut self) -> bool {
        self.store.close().await;
        (self.store, self.gateway) = follow(self.folder.path(), AWAY).await;
        let accepts = self.accepts();
        let revived = self.store.revived(1).await;
        assert!(revived.endings.is_empty(), "nothing is written back: {revived:?}");
        self.restart().await;
        accepts
    }

    async fn hold(&self) -> Option<Hold> {
        let mut read = self.store.read().await.expect("reads");
        read.find_token(self.account, self.token).await.expect("reads").expect("is there").hold
    }

    /// Acts, and returns whether that changed the database.
    async fn act(&mut self, act: Act) -> bool {
        self.now += 1;
        let hold = self.hold().await;
        let mut write = self.store.write(at(self.now)).await.expect("begins");
        let is_changed = match act {
            Act::Hold => write.hold_token(self.token, None).await.expect("writes"),
            Act::Restore => match hold {
                Some(hold) => {
                    write.restore_token(self.token, hold).await.expect("writes");
                    true
                }
                None => false,
            },
            Act::End => {
                // By hand, or because it leaked.
                let reasons = [RevocationReason::Revoked, RevocationReason::Leaked];
                let reason = reasons[usize::from(self.now % 2 == 0)];
                if let Some(hold) = hold {
                    write.end_hold(self.token, hold, reason).await.expect("writes");
                }
                write.end_secret(self.token, reason).await.expect("writes");
                true
            }
            Act::GoBack | Act::GoBackToStart => {
                drop(write);
                let to = if act == Act::GoBack { self.saved.saturating_sub(2) } else { 0 };
                self.go_back(to).await;
                return false;
            }
        };
        if is_changed {
            write.commit(entry()).await.expect("commits");
            self.save();
        }
        is_changed
    }

    fn accepts(&self) -> bool {
        let secret = self.gateway.0.lock().expect("not poisoned");
        secret.as_ref().expect("is known").revocation.is_none()
    }
}

async fn follow(folder: &Path, journal: &str) -> (Store, Arc<Gateway>) {
    let store =
        Store::open(&DatabaseUrl::Sqlite(folder.join("keydesk.sqlite"))).await.expect("opens");
    let gateway = Arc::new(Gateway::default());
    let journal = folder.join(journal);
    store.follow(Arc::clone(&gateway) as Arc<dyn Feed>, Some(&journal)).await.expect("follows");
    (store, gateway)
}

/// A database with one token.
async fn template(folder: &Path) -> PathBuf {
    let path = folder.join("template.sqlite");
    let store = Store::open(&DatabaseUrl::Sqlite(path.clone())).await.expect("opens");
    let entropy = Entropy::seeded(1);
    let (account, user) = (AccountId::generate(at(1), &entropy), UserId::generate(at(1), &entropy));
    let member = MemberId::generate(at(1), &entropy);
    let mut write = store.write(at(1)).await.expect("begins");
    let number = AccountNumber::try_from(385_403).expect("a number");
    write.add_account(account, number, &"Acme".parse().expect("a name")).await.expect("adds");
    let (email, password_hash) = ("ann@acme.example".parse().expect("an address"), String::new());
    let ann = NewUser { id: user, email, name: "Ann".to_owned(), password_hash };
    write.add_user(&ann).await.expect("adds");
    let new = NewMember { id: member, account, user, role: Role::Owner };
    write.add_member(new).await.expect("adds");
    issue(&mut write, account).await;
    write.commit(entry()).await.expect("commits");
    store.close().await;
    path
}

async fn issue(write: &mut Write, account: AccountId) {
    let plain = PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(3));
    let token = NewToken {
        id: TokenId::generate(at(1), &Entropy::seeded(2)),
        account,
        token_owner: TokenOwner::Account,
        note: TokenNote::default(),
        name: "CRM".to_owned(),
        scopes: ScopeSet::everything(),
        ip_allowlist: IpAllowlist::default(),
        expires_at: None,
        created_by: None,
        request_key: None,
    };
    let (hash, masked) = (plain.hash(), plain.masked());
    let secret = NewSecret { hash, version: 1, masked, encrypted_copy: None };
    write.issue_token(&token, &secret).await.expect("issues");
}

/// What has happened on the machine, whatever its database remembers.
#[derive(Default)]
struct History {
    is_ended: bool,
    is_held: bool,
    went_back: bool,
}

impl History {
    fn note(&mut self, act: Act, is_changed: bool, was_accepted: bool) {
        match act {
            Act::Hold if is_changed => self.is_held = true,
            Act::Restore if is_changed => self.is_held = false,
            Act::End if is_changed => self.is_ended |= was_accepted || self.is_held,
            Act::GoBack | Act::GoBackToStart => self.went_back = true,
            _ => {}
        }
    }

    fn check(&self, machine: &Machine, acts: &[Act]) {
        if self.is_ended || self.is_held {
            assert!(!machine.accepts(), "revived by {acts:?}");
        } else if !self.went_back {
            assert!(machine.accepts(), "not restored by {acts:?}");
        }
    }
}

/// Every sequence of four acts, and a restart after each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n9_what_was_revoked_stays_so_unless_it_was_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let template = template(folder.path()).await;
    let mut accepted = 0;
    for number in 0..ACTS.len().pow(4) {
        let acts: Vec<_> =
            (0..4).map(|digit| ACTS[number / ACTS.len().pow(digit) % ACTS.len()]).collect();
        let mut machine = Machine::new(&template).await;
        let mut history = History::default();
        for (at, act) in acts.iter().enumerate() {
            let was_accepted = machine.accepts();
            let is_changed = machine.act(*act).await;
            history.note(*act, is_changed, was_accepted);
            history.check(&machine, &acts[..=at]);
        }
        machine.restart().await;
        history.check(&machine, &acts);
        accepted += usize::from(machine.accepts());
        machine.store.close().await;
    }
    assert!(accepted > 20, "some are restored: {accepted}");
}

/// A machine that has missed any of five acts, such as two restorations, decides like the one that has seen all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n9_a_machine_that_was_away_learns_of_every_restoration() {
    let folder = tempfile::tempdir().expect("a folder");
    let template = template(folder.path()).await;
    let acts = [Some(Act::Hold), Some(Act::Restore), None];
    for number in 0..acts.len().pow(5) {
        let acts: Vec<_> =
            (0..5).map(|digit| acts[number / acts.len().pow(digit) % acts.len()]).collect();
        let mut machine = Machine::new(&template).await;
        for act in &acts {
            match act {
                Some(act) => {
                    machine.act(*act).await;
                }
                None => assert_eq!(machine.visit().await, machine.accepts(), "{acts:?}"),
            }
        }
        assert_eq!(machine.visit().await, machine.accepts(), "{acts:?}");
        machine.store.close().await;
    }
}
