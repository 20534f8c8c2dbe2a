//! Several nodes on one PostgreSQL, each behind a network of its own that can be broken.

use super::{
    History, Keydesk, Options, User, eventually, free_port,
    history::{Op, Outcome},
    postgres::Postgres,
    proxy::{Mode, Proxy},
    use_token,
};
use std::time::{Duration, Instant};

pub struct Cluster {
    pub primary: Postgres,
    pub database: String,
    /// Between each node and the database.
    pub links: Vec<Proxy>,
    pub nodes: Vec<Keydesk>,
    pub options: Vec<Options>,
    /// Logged in at the first node.
    pub ann: User,
    /// `/385403`
    pub path: String,
}

/// Short, so that tests need not wait for long.
pub const LEASE: Duration = Duration::from_secs(2);

impl Cluster {
    pub async fn start(nodes: usize, cluster_config: &str) -> Self {
        Self::start_on(Postgres::start(""), nodes, cluster_config, &[]).await
    }

    /// A node for each role, of which the first is "all".
    pub async fn start_as(roles: &[&str], cluster_config: &str) -> Self {
        Self::start_from(Postgres::start(""), roles, cluster_config, &[]).await
    }

    /// `others`: further servers that each node may use when the first is gone.
    pub async fn start_on(
        primary: Postgres,
        nodes: usize,
        cluster_config: &str,
        others: &[u16],
    ) -> Self {
        Self::start_from(primary, &vec!["all"; nodes], cluster_config, others).await
    }

    async fn start_from(
        primary: Postgres,
        roles: &[&str],
        cluster_config: &str,
        others: &[u16],
    ) -> Self {
        let database = primary.new_database();
        let target = |port: u16| ([127, 0, 0, 1], port).into();
        let mut links = Vec::new();
        for _ in roles {
            links.push(Proxy::to(target(primary.port)).await);
        }
        let mut options = Vec::new();
        for (at, link) in links.iter().enumerate() {
            let others: Vec<_> = others.iter().map(|port| format!(",127.0.0.1:{port}")).collect();
            let others = others.concat();
            let lease = if cluster_config.contains("lease_seconds") {
                String::new()
            } else {
                format!("lease_seconds = {}\n", LEASE.as_secs())
            };
            let peer = if cluster_config.contains("peer_key_file") {
                format!("peer = \"127.0.0.1:{}\"\n", free_port())
            } else {
                String::new()
            };
            // What belongs above all tables.
            let (top, cluster_config): (Vec<_>, Vec<_>) =
                cluster_config.lines().partition(|line| line.starts_with("upstream"));
            let (top, cluster_config) = (top.join("\n"), cluster_config.join("\n"));
            let config = format!(
                "{top}\nrole = \"{}\"\ndatabase_url = \"postgres://keydesk@{}{others}/{database}\"\n[observe]\nstatus = \"127.0.0.1:0\"\n\
                 [cluster]\nname = \"node-{at}\"\n{lease}{peer}{cluster_config}\n",
                roles[at], link.addr
            );
            options.push(Options { config, ..Options::default() });
        }
        let mut first = Keydesk::start_with(&options[0]);
        let ann = first.with_account().await;
        let path = ann.endpoint_url().await.trim_start_matches(&first.gateway).to_owned();
        let key_file = Some(first.data().join("keydesk.key"));
        let mut started = vec![first];
        for options in &mut options {
            (options.key_file, options.has_account) = (key_file.clone(), true);
        }
        options[0].key_file = None;
        for options in &options[1..] {
            started.push(Keydesk::start_with(options));
        }
        Self { primary, database, links, nodes: started, options, ann, path }
    }

    /// What a node's gateway says to a token.
    pub async fn try_token(&self, node: usize, token: &str) -> (u16, String) {
        use_token(&format!("{}{}", self.nodes[node].gateway, self.path), token).await
    }

    /// Waits until a node's gateway says so.
    pub async fn until(&self, node: usize, token: &str, status: u16, within: Duration) {
        let start = Instant::now();
        loop {
            let said = self.try_token(node, token).await;
            if said.0 == status {
                return;
            }
            assert!(start.elapsed() < within, "node {node} still says {said:?}, not {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until no background job has anything to write that a broken link could interrupt: the first use of a token
    /// is recorded, and all events are passed on.
    pub async fn settled(&self) {
        eventually("nothing is left to write", async || {
            let is_done = "SELECT count(*) FILTER (WHERE event = 'token.first_used') > 0 \
                AND max(seq) = (SELECT max(reader.seq) FROM reader) FROM audit";
            self.primary.ask(&self.database, is_done) == "t"
        })
        .await;
    }

    /// A new API token that every gateway knows.
    pub async fn token_everywhere(&self, name: &str) -> String {
        let nodes: Vec<_> = (0..self.nodes.len()).collect();
        self.token_everywhere_of(&nodes, name).await
    }

    /// A new API token that the gateways of these nodes know.
    pub async fn token_everywhere_of(&self, nodes: &[usize], name: &str) -> String {
        let token = self.ann.create_token(name, "never").await;
        for node in nodes {
            self.until(*node, &token, 200, Duration::from_mins(1)).await;
        }
        token
    }

    /// Revokes the newest API token; where the answer leads.
    pub async fn revoke_newest(&self) -> String {
        revoke_newest(&self.ann).await
    }

    /// The receipt with this number, as its page shows it.
    pub async fn receipt(&self, location: &str) -> serde_json::Value {
        let number = location.rsplit_once('=').expect("it names a receipt").1;
        let page = self.ann.get(&format!("/receipts/{number}")).await;
        let jws = page.value("jws");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("receipt.txt"), jws).expect("writes");
        let keys = self.ann.get("/.well-known/keydesk-receipt-keys").await.text;
        std::fs::write(folder.path().join("keys.json"), keys).expect("writes");
        let args = ["receipt", "verify", "--json", "--keys", "keys.json", "receipt.txt"];
        let output = super::run_in(folder.path(), &args, "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    pub fn break_link(&self, node: usize, mode: Mode) {
        self.links[node].set(mode);
    }
}

pub async fn revoke_newest(user: &User) -> String {
    let page = user.get("/tokens").await.text;
    let start = page.find("/tokens/tok_").expect("a live token is listed");
    let id = &page[start + 8..start + 8 + 36];
    let page = user.post_patiently(&format!("/tokens/{id}/revoke"), &[]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    page.location.expect("it leads somewhere")
}

/// An API that streams events without end; where it is.
pub async fn start_events() -> String {
    let answer = async || {
        let events = futures_util::stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Some((Ok::<_, std::convert::Infallible>("data: more\n\n"), ()))
        });
        axum::body::Body::from_stream(events)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router =
        axum::Router::new().route("/events", axum::routing::get(answer)).fallback(async || "ok");
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Keeps an event stream open at one gateway, over HTTP/1.1 or HTTP/2, and notes whether it still flows at the end of
/// each `window`: an open exchange that outlives the revocation by more than that has been accepted after it. Returns
/// when the stream last flowed.
pub async fn stream_and_note(
    cluster: std::sync::Arc<Cluster>,
    client: usize,
    token: String,
    history: History,
    window: Duration,
) -> Instant {
    let http = if client.is_multiple_of(2) {
        super::client().http1_only()
    } else {
        super::client().http2_prior_knowledge()
    };
    let url = format!("{}{}/events", cluster.nodes[client % 3].gateway, cluster.path);
    let http = http.build().expect("a client");
    history.begins(client, Op::Use);
    let mut answer = loop {
        let answer = http.get(&url).bearer_auth(&token).send().await.expect("answers");
        // That says nothing of the token.
        if answer.status() != 503 {
            break answer;
        }
        // The links of the nodes need this runtime, too.
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let (mut began, mut flowed, mut windows) = (Instant::now(), Instant::now(), 0);
    loop {
        let is_over = answer.status() != 200 || !matches!(answer.chunk().await, Ok(Some(_)));
        if is_over {
            // Cut off: by the token's end, or because its gateway is isolated.
            history.ends(client, outcome(&cluster, client % 3, &token).await);
            return flowed;
        }
        flowed = Instant::now();
        if began.elapsed() >= window {
            history.ends(client, Outcome::Accepted);
            windows += 1;
            if windows == 3 {
                return flowed;
            }
            began = Instant::now();
            history.begins(client, Op::Use);
        }
    }
}

/// What a gateway says of a token. 503 says nothing of it: it is asked again.
async fn outcome(cluster: &Cluster, node: usize, token: &str) -> Outcome {
    loop {
        match cluster.try_token(node, token).await.0 {
            200 => return Outcome::Accepted,
            401 => return Outcome::Refused,
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Uses a token at one gateway and notes what was said.
pub async fn use_and_note(
    cluster: std::sync::Arc<Cluster>,
    client: usize,
    token: String,
    history: History,
) {
    for _ in 0..20 {
        history.begins(client, Op::Use);
        history.ends(client, outcome(&cluster, client % 3, &token).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
