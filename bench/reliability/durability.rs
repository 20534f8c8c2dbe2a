//! R5, R7, R27, R28: kill -9, failover, a rotation that is killed, a backup that is restored.

use crate::{
    figures::{Report, spread},
    support::{
        Keydesk, Options, PASSWORD, User,
        cluster::{Cluster, revoke_newest},
        postgres::Postgres,
        use_token,
    },
};
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Acknowledged: names of tokens that were made, and tokens that were revoked.
#[derive(Default)]
struct Acknowledged {
    made: Vec<String>,
    revoked: Vec<String>,
}

/// What was acknowledged and is not there.
async fn lost(ann: &User, endpoint: &str, acknowledged: &Acknowledged) -> usize {
    let page = ann.get("/tokens").await.text;
    let made = acknowledged.made.iter().filter(|name| !page.contains(name.as_str())).count();
    let mut revived = 0;
    for token in acknowledged.revoked.iter().rev().take(10) {
        revived += usize::from(use_token(endpoint, token).await.0 != 401);
    }
    made + revived
}

pub async fn kills(report: &mut Report, kind: &str, cycles: usize) {
    let server = (kind == "PostgreSQL").then(|| Postgres::start(""));
    let config = server.as_ref().map_or_else(String::new, |server| {
        format!("database_url = \"{}\"", server.url(&server.new_database()))
    });
    let mut options = Options { config, ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    keydesk.with_account().await;
    options.has_account = true;
    let (mut writes, mut gone, mut starts) = (0, 0, Vec::new());
    for cycle in 0..cycles {
        let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
        let endpoint = ann.endpoint_url().await;
        let mut acknowledged = Acknowledged::default();
        // Someone writes until the process is gone; what was answered counts.
        let until = Instant::now() + Duration::from_millis(20 + (cycle * 37 % 180) as u64);
        let writing = async {
            for at in 0.. {
                let name = format!("c{cycle}-{at}");
                let form = [("name", name.as_str()), ("expires", "never"), ("scope", "*")];
                let Some(page) = ann.try_post("/tokens", &form).await else { return };
                let Some(token) = page.find_value("new-token") else { return };
                acknowledged.made.push(name);
                if at % 2 == 1
                    && ann
                        .try_post(&format!("{}/revoke", newest(&ann).await), &[])
                        .await
                        .is_some_and(|page| page.status == 303)
                {
                    acknowledged.revoked.push(token);
                }
                if Instant::now() > until {
                    return;
                }
            }
        };
        writing.await;
        writes += acknowledged.made.len() + acknowledged.revoked.len();
        let start = Instant::now();
        keydesk.kill_and_restart(&options);
        starts.push(start.elapsed());
        let ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
        let path = endpoint.rsplit_once('/').expect("an account").1;
        gone += lost(&ann, &format!("{}/{path}", keydesk.gateway), &acknowledged).await;
        // Room for the next: an account has a thousand live tokens at most.
        if cycle % 40 == 39 {
            while ann.get("/tokens").await.text.contains("/revoke") {
                revoke_newest(&ann).await;
            }
        }
    }
    let message = format!(
        "{cycles} kill -9 on {kind} while writing, {writes} acknowledged writes, lost {gone}; serving again {}",
        spread(starts)
    );
    report.add("R5", gone, &message);
}

async fn newest(ann: &User) -> String {
    let page = ann.get("/tokens").await.text;
    let start = page.find("/tokens/tok_").unwrap_or(0);
    page[start..].chars().take(44).collect()
}

/// Failovers that lose a revocation, while another revocation or a pause is open: what is lost is revoked again, and what is
/// open can still be restored.
pub async fn failovers(report: &mut Report, cycles: usize) {
    let primary = Postgres::start("");
    let mut standby = primary.standby();
    // After a failover no receipt is complete before a lease is over.
    let mut cluster =
        Cluster::start_on(primary, 2, "confirm_timeout_seconds = 8", &[standby.port]).await;
    let (mut revived, mut lost, mut back) = (0, 0, Vec::new());
    let kept = cluster.token_everywhere("kept").await;
    for cycle in 0..cycles {
        let name = format!("held {cycle}");
        let on_hold = cluster.token_everywhere(&name).await;
        let id = cluster.ann.token_id(&name).await;
        let how = if cycle % 2 == 0 { "" } else { "pause" };
        let done = cluster.ann.post(&format!("/tokens/{id}/revoke"), &[("how", how)]).await;
        assert_eq!(done.status, 303, "{}", done.text);
        let token = cluster.token_everywhere(&format!("CRM {cycle}")).await;
        let head = cluster.primary.ask(&cluster.database, HEAD);
        while standby.ask(&cluster.database, HEAD) != head {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The standby is away when the revocation is committed, and never hears of it.
        standby.kill();
        let location = cluster.revoke_newest().await;
        assert!(location.contains("&receipt="), "{location}");
        cluster.primary.kill();
        let lost_at = Instant::now();
        standby.run();
        standby.promote();
        // The links of the nodes lead to the new primary from now on.
        let target = ([127, 0, 0, 1], standby.port).into();
        cluster.links.iter().for_each(|link| link.lead_to(target));
        let mut accepted = 0;
        for node in 0..2 {
            loop {
                accepted += accepted_by(&cluster, node, [&token, &on_hold]).await;
                if cluster.try_token(node, &kept).await.0 == 200 {
                    break;
                }
            }
            for _ in 0..20 {
                accepted += accepted_by(&cluster, node, [&token, &on_hold]).await;
            }
        }
        revived += accepted;
        back.push(lost_at.elapsed());
        std::mem::swap(&mut cluster.primary, &mut standby);
        let restored = cluster.ann.post(&format!("/tokens/{id}/restore"), &[]).await;
        let is_restored = restored.status == 303;
        for node in 0..2 {
            lost += usize::from(!is_restored || !accepts_soon(&cluster, node, &on_hold).await);
        }
        standby.become_standby_of(&cluster.primary);
    }
    let message = format!(
        "{cycles} failovers that lost a revocation, with another or a pause open, served again {} after the loss, \
         revived tokens accepted {revived}, restorations that failed {lost}",
        spread(back)
    );
    report.add("R7", revived + lost, &message);
}

const HEAD: &str = "SELECT seq FROM head";

async fn accepted_by(cluster: &Cluster, node: usize, tokens: [&str; 2]) -> usize {
    let mut accepted = 0;
    for token in tokens {
        accepted += usize::from(cluster.try_token(node, token).await.0 == 200);
    }
    accepted
}

async fn accepts_soon(cluster: &Cluster, node: usize, token: &str) -> bool {
    for _ in 0..400 {
        if cluster.try_token(node, token).await.0 == 200 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    false
}

pub async fn killed_rotations(report: &mut Report, cycles: usize) {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let endpoint = ann.endpoint_url().await;
    let token = ann.bearer_token().await;
    let mut wrong = 0;
    for cycle in 0..cycles {
        let mut rotation = Command::new(env!("CARGO_BIN_EXE_keydesk"))
            .env_clear()
            .args(["--data", &keydesk.data().to_string_lossy(), "key", "rotate"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        tokio::time::sleep(Duration::from_millis((cycle * 7 % 80) as u64)).await;
        let _ = rotation.kill();
        let _ = rotation.wait();
        wrong += usize::from(ann.bearer_token().await != token);
        wrong += usize::from(use_token(&endpoint, &token).await.0 != 200);
    }
    let finished = keydesk.command(&["key", "rotate"]).status.success();
    wrong += usize::from(!finished || ann.bearer_token().await != token);
    report.add("R27", wrong, &format!("{cycles} key rotations killed, then finished; tokens that could not be shown or used {wrong}"));
}

pub async fn restores(report: &mut Report, cycles: usize) {
    let mut keydesk = Keydesk::start();
    let mut ann = keydesk.with_account().await;
    let mut revived = 0;
    for cycle in 0..cycles {
        let token = ann.create_token(&format!("CRM {cycle}"), "never").await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("backup.sqlite").to_string_lossy().into_owned();
        assert!(keydesk.command(&["backup", &file]).status.success());
        revoke_newest(&ann).await;
        keydesk.stop();
        assert!(keydesk.command(&["restore", &file]).status.success());
        keydesk = keydesk.restart(&Options { has_account: true, ..Options::default() });
        ann = User::logged_in(&keydesk.console, "ann@acme.example", PASSWORD).await;
        revived += usize::from(use_token(&ann.endpoint_url().await, &token).await.0 != 401);
    }
    report.add(
        "R28",
        revived,
        &format!("{cycles} backups restored after a revocation, revived tokens accepted {revived}"),
    );
}
