//! Who is measured, each a process of its own on a core of its own: Keydesk, nginx, HAProxy, Caddy.

use crate::{cpu, load::Target, seed};
use anyhow::{Context, bail};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A process in front of the upstream. It is asked to end when dropped.
pub struct Peer {
    child: Child,
    pub addr: SocketAddr,
    _folder: TempDir,
}

/// A certificate for localhost, and who trusts it.
pub struct Certificate {
    folder: TempDir,
    pub client: Arc<rustls::ClientConfig>,
}

impl Certificate {
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        std::fs::write(folder.path().join("cert.pem"), &certificate)?;
        std::fs::write(folder.path().join("key.pem"), &key)?;
        std::fs::write(folder.path().join("both.pem"), certificate + &key)?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { folder, client: Arc::new(client) })
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Debian keeps servers where ordinary paths do not lead.
pub fn find(program: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .into_iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.exists())
}

/// On the first core; upstream and load generator are on the others.
fn on_first_core(program: &Path) -> Command {
    on_cores("0", program)
}

fn on_cores(cores: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(program).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Peer {
    fn start(mut command: Command, port: u16, folder: TempDir) -> anyhow::Result<Self> {
        let child = command.spawn().context("a peer cannot be started")?;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let peer = Self { child, addr, _folder: folder };
        let started = Instant::now();
        while TcpStream::connect(addr).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                bail!("a peer does not start: {command:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    pub fn target(
        &self,
        prefix: &str,
        tokens: &Arc<Vec<String>>,
        certificate: &Certificate,
    ) -> anyhow::Result<Target> {
        Ok(Target {
            addr: self.addr,
            prefix: prefix.to_owned(),
            tokens: Arc::clone(tokens),
            processes: cpu::family(self.child.id())?,
            tls: Some(Arc::clone(&certificate.client)),
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // nginx's master takes its workers with it when it is asked, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        for _ in 0..20 {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts values in the places of `@NAME@`.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

pub struct NginxKind {
    /// `plain`, `map` or `auth_request`.
    pub kind: &'static str,
    /// ` ssl` or ` http2`, or nothing.
    pub listen: &'static str,
}

pub fn nginx(
    binary: &Path,
    kind: &NginxKind,
    upstream: SocketAddr,
    tokens: &[String],
    certificate: &Certificate,
) -> anyhow::Result<Peer> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let server = match kind.kind {
        "map" => include_str!("../configs/nginx-map.conf"),
        "auth_request" => include_str!("../configs/nginx-auth_request.conf"),
        _ => include_str!("../configs/nginx-plain.conf"),
    };
    let mut map = String::new();
    if kind.kind == "map" {
        map.push_str("map_hash_bucket_size 256; map_hash_max_size 8192; map $http_authorization $account { default \"\";\n");
        for token in tokens {
            writeln!(map, "\"Bearer {token}\" 385403;")?;
        }
        map.push('}');
    }
    let tls = if kind.listen == "ssl" {
        format!(
            "ssl_certificate {}; ssl_certificate_key {};",
            certificate.path("cert.pem"),
            certificate.path("key.pem")
        )
    } else {
        String::new()
    };
    let config = fill(
        include_str!("../configs/nginx.conf"),
        &[
            ("SERVER", server),
            ("MAP", &map),
            ("TLS", &tls),
            ("LISTEN", kind.listen),
            ("DIR", &folder.path().display().to_string()),
            ("PORT", &port.to_string()),
            ("UPSTREAM", &upstream.to_string()),
        ],
    );
    let path = folder.path().join("nginx.conf");
    std::fs::write(&path, config)?;
    let mut command = on_first_core(binary);
    command.arg("-c").arg(&path);
    Peer::start(command, port, folder)
}

pub fn haproxy(
    binary: &Path,
    checks: Option<&[String]>,
    bind: &str,
    upstream: SocketAddr,
) -> anyhow::Result<Peer> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let check = if checks.is_some() { include_str!("../configs/haproxy-check.cfg") } else { "" };
    let mut map = String::new();
    for token in checks.unwrap_or_default() {
        writeln!(map, "{} 385403", hex::encode_upper(Sha256::digest(token.as_bytes())))?;
    }
    std::fs::write(folder.path().join("tokens.map"), map)?;
    let values = [
        ("CHECK", check),
        ("BIND", bind),
        ("DIR", &folder.path().display().to_string()),
        ("PORT", &port.to_string()),
        ("UPSTREAM", &upstream.to_string()),
    ];
    let path = folder.path().join("haproxy.cfg");
    std::fs::write(&path, fill(include_str!("../configs/haproxy.cfg"), &values))?;
    let mut command = on_first_core(binary);
    command.arg("-db").arg("-f").arg(&path);
    Peer::start(command, port, folder)
}

pub fn caddy(binary: &Path, checks: bool, upstream: SocketAddr) -> anyhow::Result<Peer> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let check = if checks { include_str!("../configs/caddy-forward_auth.conf") } else { "" };
    let values =
        [("CHECK", check), ("PORT", &port.to_string()), ("UPSTREAM", &upstream.to_string())];
    let path = folder.path().join("Caddyfile");
    std::fs::write(&path, fill(include_str!("../configs/Caddyfile"), &values))?;
    let mut command = on_first_core(binary);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&path);
    command.env("GOMAXPROCS", "1").env("HOME", folder.path());
    Peer::start(command, port, folder)
}

/// Keydesk on its defaults, with one account and many tokens.
pub struct Keydesk {
    pub peer: Peer,
    pub prefix: String,
    /// From the start of the process until it serves.
    pub ready_after: Duration,
}

/// A data folder with an account and its tokens.
pub struct Data {
    pub folder: TempDir,
    pub prefix: String,
    pub tokens: Vec<String>,
}

const PASSWORD: &str = "a bench in the park at dusk";

impl Data {
    pub async fn make(binary: &Path, count: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut setup = Command::new(binary)
            .args([
                "setup",
                "--account",
                "Bench",
                "--email",
                "bench@keydesk.example",
                "--password-stdin",
                "--data",
            ])
            .arg(folder.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("keydesk cannot be started")?;
        setup.stdin.take().context("piped")?.write_all(PASSWORD.as_bytes())?;
        if !setup.wait_with_output()?.status.success() {
            bail!("keydesk setup failed");
        }
        let tokens = seed::tokens(&folder.path().join("data"), count).await?;
        let prefix = format!("/{}", seed::account_number(&folder.path().join("data")).await?);
        Ok(Self { folder, prefix, tokens })
    }
}

impl Keydesk {
    pub fn start(
        binary: &Path,
        data: &Data,
        upstream: SocketAddr,
        more: &str,
    ) -> anyhow::Result<Self> {
        Self::start_on("0", binary, data, upstream, more)
    }

    pub fn start_on(
        cores: &str,
        binary: &Path,
        data: &Data,
        upstream: SocketAddr,
        more: &str,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("keydesk.toml");
        std::fs::write(&config, format!("upstream = \"http://{upstream}\"\n{more}"))?;
        let started = Instant::now();
        let mut command = on_cores(cores, binary);
        command
            .args([
                "--console",
                "127.0.0.1:0",
                "--gateway",
                "127.0.0.1:0",
                "--log",
                "error",
                "--data",
            ])
            .arg(data.folder.path().join("data"))
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let addr = loop {
            let line = lines.next().context("keydesk does not start")??;
            let mut words = line.split_whitespace();
            if let (Some("Gateway"), Some(url)) = (words.next(), words.next()) {
                let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next());
                break host.context("no host")?.parse()?;
            }
        };
        let ready_after = started.elapsed();
        std::thread::spawn(move || lines.for_each(drop));
        let peer = Peer { child, addr, _folder: folder };
        Ok(Self { peer, prefix: data.prefix.clone(), ready_after })
    }
}
