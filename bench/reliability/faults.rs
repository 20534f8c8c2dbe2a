//! C1 to C9: each fault that the attacks on clusters found, alone, and then any two of them together, while a token
//! is revoked by a node of any role. What must hold is the same each time: nobody accepts it after "complete", nor
//! after the moment that was named, and when all is mended every node rejects it and serves.

use crate::{
    figures::{Report, spread},
    support::{Keydesk, Options, cluster::Cluster, faults::Clock, proxy::Mode},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The link to the database swallows everything, or is closed.
    Link(Mode),
    /// SIGSTOP, until the moment that was named.
    Stopped,
    /// SIGSTOP within a write that all others wait for.
    StoppedInAWrite,
    /// SIGKILL; it comes back in the end.
    Dead,
    /// Cut off, while another process starts on a copy of its folder.
    Copied,
    /// Its journal is damaged or removed.
    Journal,
    /// Its clock is wrong, by so many days.
    Clock(i32),
    /// The server is told to promise less.
    Durability(&'static str),
    /// Someone holds the row that all writers take turns at, for a second.
    HeldHead,
}

const FAULTS: [(&str, &str, &[Fault]); 9] = [
    ("C1", "a copied identity", &[Fault::Copied]),
    ("C2", "a gateway that commits", &[Fault::Link(Mode::Cut), Fault::Link(Mode::Hole)]),
    ("C3", "a console stopped within a write", &[Fault::StoppedInAWrite]),
    ("C4", "a damaged journal", &[Fault::Journal]),
    (
        "C5",
        "a wrong clock",
        &[Fault::Clock(31), Fault::Clock(-31), Fault::Clock(400), Fault::Clock(-400)],
    ),
    (
        "C6",
        "durability changed at run time",
        &[
            Fault::Durability("synchronous_commit = off"),
            Fault::Durability("synchronous_commit = local"),
        ],
    ),
    ("C7", "dead nodes", &[Fault::Dead]),
    ("C8", "stopped nodes and held rows", &[Fault::Stopped, Fault::HeldHead]),
    ("C9", "any two of them", &[]),
];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

impl Fault {
    /// Whether a node with it answers and can write.
    fn leaves_it_running(self) -> bool {
        matches!(self, Self::Journal | Self::Clock(_) | Self::Durability(_) | Self::HeldHead)
    }
}

/// What is broken in a cycle, and where.
type Broken = Vec<(Fault, usize)>;

struct World {
    cluster: Cluster,
    clocks: [Clock; 3],
    /// A token that is never revoked.
    kept: String,
    copies: Vec<Keydesk>,
    folder: tempfile::TempDir,
}

const ROLES: [&str; 3] = ["all", "all", "gateway"];
/// By when everything works again after it was mended: a lease that must end first, connections that are found dead.
const MENDED: Duration = Duration::from_secs(30);

impl World {
    /// Nodes of each role that vouch for each other, with clocks that can be set.
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("peer.key");
        std::fs::write(&key, "a key of more than thirty-two characters").expect("writes");
        let config = format!(
            "peer_key_file = \"{}\"\nmax_staleness_seconds = 6\nconfirm_timeout_seconds = 1\n",
            key.display()
        );
        let mut cluster = Cluster::start_as(&ROLES, &config).await;
        let clocks = [Clock::new(), Clock::new(), Clock::new()];
        for (node, clock) in clocks.iter().enumerate().skip(1) {
            let options = std::mem::take(&mut cluster.options[node]);
            cluster.options[node] = clock.options(options);
            let options = &cluster.options[node];
            cluster.nodes[node].kill_and_restart(options);
        }
        let kept = cluster.token_everywhere("kept").await;
        Self { cluster, clocks, kept, copies: Vec::new(), folder }
    }

    /// What is broken stays so until [`World::mend`].
    async fn inject(&mut self, (fault, node): (Fault, usize), dice: &mut Dice) {
        let cluster = &mut self.cluster;
        match fault {
            Fault::Link(mode) => cluster.break_link(node, mode),
            Fault::Stopped => cluster.nodes[node].signal("STOP"),
            Fault::Dead => cluster.nodes[node].signal("KILL"),
            Fault::Clock(days) => self.clocks[node].jump(&format!("{days:+}d")),
            Fault::Journal => damage(&cluster.nodes[node].data().join("revocations.journal"), dice),
            Fault::Durability(setting) => {
                cluster.primary.ask("postgres", &format!("ALTER SYSTEM SET {setting}"));
                cluster.primary.ask("postgres", "SELECT pg_reload_conf()");
            }
            Fault::HeldHead => {
                let held = cluster.primary.hold(&cluster.database, "SELECT 1 FROM head FOR UPDATE");
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_secs(1));
                    drop(held);
                });
            }
            Fault::Copied => self.copy(node, dice),
            Fault::StoppedInAWrite => self.stop_in_a_write(node).await,
        }
    }

    fn copy(&mut self, node: usize, dice: &mut Dice) {
        let cluster = &self.cluster;
        cluster.break_link(node, Mode::Hole);
        let copy = self.folder.path().join(format!("copy-{}", dice.roll(1 << 30)));
        let mut command = std::process::Command::new("cp");
        let status = command.arg("-a").arg(cluster.nodes[node].data()).arg(&copy).status();
        assert!(status.expect("cp starts").success());
        let config = cluster.options[0].config.replace("node-0", "copy");
        // It vouches for nobody, so the others ask it in vain.
        let lines = config.lines().filter(|line| !line.starts_with("peer"));
        let config = lines.collect::<Vec<_>>().join("\n");
        let options = Options { config, data: Some(copy), has_account: true, ..Options::default() };
        self.copies.push(Keydesk::start_with(&options));
    }

    /// A token that ends itself waits for a table that is held here; then its node is stopped.
    async fn stop_in_a_write(&mut self, node: usize) {
        let cluster = &self.cluster;
        let token = cluster.ann.create_token("throwaway", "never").await;
        cluster.until(node, &token, 200, MENDED).await;
        let lock = "LOCK TABLE audit_head IN EXCLUSIVE MODE";
        let held = cluster.primary.hold(&cluster.database, lock);
        tokio::spawn(self.revoke_at(node, token));
        let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        while cluster.primary.ask(&cluster.database, waits) == "f" {}
        cluster.nodes[node].signal("STOP");
        drop(held);
    }

    fn url(&self, node: usize, path: &str) -> String {
        format!("{}{}{path}", self.cluster.nodes[node].gateway, self.cluster.path)
    }

    /// The status and what was answered; 0: nothing was.
    fn revoke_at(
        &self,
        node: usize,
        token: String,
    ) -> impl Future<Output = (u16, serde_json::Value)> + use<> {
        let url = self.url(node, "/keydesk/revoke");
        async move {
            let client = crate::support::client().timeout(Duration::from_secs(15));
            let request = client.build().expect("a client").post(url).bearer_auth(token);
            let Ok(answer) = request.send().await else { return (0, serde_json::Value::Null) };
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        }
    }

    /// Which gateways accept a token now, copies among them.
    async fn accepting(&self, token: &str) -> Vec<String> {
        let urls = (0..ROLES.len()).map(|node| self.url(node, "/api/v1/contacts"));
        let copies = self
            .copies
            .iter()
            .map(|copy| format!("{}{}/api/v1/contacts", copy.gateway, self.cluster.path));
        let client = crate::support::client().timeout(Duration::from_secs(2)).build();
        let client = client.expect("a client");
        let asked = urls.chain(copies).map(async |url| {
            let answer = client.get(&url).bearer_auth(token).send().await;
            answer.is_ok_and(|answer| answer.status() == 200).then_some(url)
        });
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    }

    fn mend(&mut self, broken: &Broken) {
        self.copies.clear();
        for node in 0..ROLES.len() {
            self.cluster.break_link(node, Mode::Pass);
            self.clocks[node].jump("+0");
        }
        for setting in ["synchronous_commit", "synchronous_standby_names"] {
            self.cluster.primary.ask("postgres", &format!("ALTER SYSTEM RESET {setting}"));
        }
        self.cluster.primary.ask("postgres", "SELECT pg_reload_conf()");
        for (fault, node) in broken {
            match fault {
                Fault::Dead => {
                    let options = &self.cluster.options[*node];
                    self.cluster.nodes[*node].kill_and_restart(options);
                }
                Fault::Stopped | Fault::StoppedInAWrite => self.cluster.nodes[*node].signal("CONT"),
                _ => {}
            }
        }
    }

    /// The database forgets that anything has ever ended, as one does that was restored.
    fn forget_endings(&self) {
        let epoch = "UPDATE head SET epoch = md5(random()::text)";
        let secrets =
            "UPDATE secret SET ended_at = NULL, revocation_reason = NULL WHERE version = 1";
        self.cluster.primary.ask(&self.cluster.database, &format!("{secrets}; {epoch}"));
    }
}

/// A byte changed, inserted or cut off, or the whole file gone while it is in use.
fn damage(journal: &Path, dice: &mut Dice) {
    let mut bytes = std::fs::read(journal).unwrap_or_default();
    let at = dice.roll(bytes.len().max(1));
    match dice.roll(4) {
        0 if !bytes.is_empty() => bytes[at] ^= 1,
        1 => bytes.insert(at, 0xff),
        2 => bytes.truncate(bytes.len().saturating_sub(dice.roll(40))),
        _ => {
            let _ = std::fs::remove_file(journal);
            return;
        }
    }
    // In place: it is the same file for a process that has it open.
    let file = std::fs::OpenOptions::new().write(true).truncate(true).open(journal);
    let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, &bytes));
    written.expect("the journal is ours to damage");
}

/// What cycles have shown.
#[derive(Default)]
struct Seen {
    promised: usize,
    complete: usize,
    violations: Vec<String>,
    answered: Vec<Duration>,
}

/// Who is hit by what, and who revokes.
fn choose(number: &str, faults: &[Fault], dice: &mut Dice) -> (Broken, usize) {
    if number == "C2" {
        let (mode, writer) = (dice.pick(faults), 2);
        return (vec![(mode, 0), (mode, 1)], writer);
    }
    let all: Vec<_> = FAULTS.iter().flat_map(|(_, _, faults)| faults.iter().copied()).collect();
    let broken: Broken = if faults.is_empty() {
        // Each hits another node, so that one of each kind is left.
        vec![(dice.pick(&all), 1), (dice.pick(&all), 2)]
    } else {
        vec![(dice.pick(faults), 1 + dice.roll(2))]
    };
    let runs =
        |node: &usize| broken.iter().all(|(fault, at)| at != node || fault.leaves_it_running());
    let writers: Vec<_> = (0..ROLES.len()).filter(runs).collect();
    let writer = dice.pick(&writers);
    (broken, writer)
}

async fn cycle(
    world: &mut World,
    seen: &mut Seen,
    (broken, writer): (Broken, usize),
    dice: &mut Dice,
) {
    let token = world.cluster.token_everywhere("CRM").await;
    for at in &broken {
        world.inject(*at, dice).await;
    }
    let start = Instant::now();
    let answer = loop {
        let (status, answer) = world.revoke_at(writer, token.clone()).await;
        match status {
            200 => break Some(answer),
            // An earlier try went through, but its answer did not come.
            401 => break None,
            503 if start.elapsed() < MENDED => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            _ => {
                seen.violations.push(format!("{broken:?}: revoked at {writer}: {status} {answer}"));
                break None;
            }
        }
    };
    seen.answered.push(start.elapsed());
    let moment = answer.as_ref().and_then(|answer| answer["effective_at"].as_str());
    if let Some(moment) = moment {
        seen.promised += 1;
        let is_complete = answer.as_ref().is_some_and(|answer| answer["complete"] == true);
        seen.complete += usize::from(is_complete);
        let moment: jiff::Timestamp = moment.parse().expect("RFC 3339");
        while !is_complete && jiff::Timestamp::now() < moment {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for (fault, node) in &broken {
            if matches!(fault, Fault::Stopped | Fault::StoppedInAWrite) {
                world.cluster.nodes[*node].signal("CONT");
            }
        }
        for _ in 0..3 {
            let accepting = world.accepting(&token).await;
            if !accepting.is_empty() {
                seen.violations.push(format!("{broken:?}: {answer:?} and still {accepting:?}"));
            }
        }
    }
    world.mend(&broken);
    is_mended(world, seen, &token, &broken).await;
}

/// Every node rejects the token and accepts the other one; and the former though the database forgets.
async fn is_mended(world: &World, seen: &mut Seen, token: &str, broken: &Broken) {
    for node in 0..ROLES.len() {
        world.cluster.until(node, token, 401, MENDED).await;
        world.cluster.until(node, &world.kept, 200, MENDED).await;
    }
    let damaged: Vec<_> = broken
        .iter()
        .filter(|(fault, _)| *fault == Fault::Journal)
        .map(|(_, node)| *node)
        .collect();
    if damaged.is_empty() {
        return;
    }
    world.forget_endings();
    for _ in 0..10 {
        let accepting = world.accepting(token).await;
        let whole = |url: &&String| {
            damaged.iter().all(|node| !url.starts_with(&world.cluster.nodes[*node].gateway))
        };
        if accepting.iter().any(|url| whole(&url)) {
            seen.violations.push(format!("{broken:?}: forgotten and accepted by {accepting:?}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for node in 0..ROLES.len() {
        world.cluster.until(node, token, 401, MENDED).await;
        world.cluster.until(node, &world.kept, 200, MENDED).await;
    }
}

/// How often each fault is tried alone, and how many pairs.
pub async fn all(
    report: &mut Report,
    wants: impl Fn(&str) -> bool,
    (alone, pairs): (usize, usize),
) {
    for (number, name, faults) in FAULTS.iter().filter(|(number, _, _)| wants(number)) {
        let mut world = World::start().await;
        let (mut seen, mut dice) = (Seen::default(), Dice(u64::from(number.as_bytes()[1])));
        let cycles = if faults.is_empty() { pairs } else { alone };
        for _ in 0..cycles {
            let chosen = choose(number, faults, &mut dice);
            cycle(&mut world, &mut seen, chosen, &mut dice).await;
        }
        for violation in &seen.violations {
            println!("{number}: {violation}");
        }
        let message = format!(
            "{name}: {cycles} revocations by nodes of every role, {} promised a moment, {} of them at once; answered after {}",
            seen.promised,
            seen.complete,
            spread(seen.answered)
        );
        report.add(number, seen.violations.len(), &message);
    }
}
