//! Who is measured: the upstream alone, nginx in front of it, Keydesk in front of it.

use crate::cpu;
use anyhow::{Context, bail};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A static answer of 200 bytes, on a thread of its own.
pub struct Upstream {
    pub addr: SocketAddr,
}

impl Upstream {
    pub fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || runtime.block_on(serve(listener)));
        Ok(Self { addr })
    }
}

async fn serve(listener: TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let _ = answer(&mut stream).await;
        });
    }
}

/// Requests of the benchmark have no body and are not pipelined.
async fn answer(stream: &mut tokio::net::TcpStream) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n\r\n";
    let answer = format!("{head}{}", "x".repeat(200));
    let mut buffer = vec![0; 16 * 1024];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// nginx as a plain reverse proxy with keep-alive on both sides and no log.
pub struct Nginx {
    pub addr: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// None where nginx is not installed.
    pub async fn start(upstream: SocketAddr) -> anyhow::Result<Option<Self>> {
        let Some(binary) =
            ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists())
        else {
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let at = folder.path().display();
        let port = free_port()?;
        let config = format!(
            "daemon off; worker_processes auto; pid {at}/pid; error_log {at}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 1000000000;\n\
             client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;\n\
             uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;\n\
             upstream api {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}\n\
             server {{ listen 127.0.0.1:{port} reuseport;\n\
             location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }} }}\n"
        );
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, config)?;
        let child = Command::new(binary).arg("-c").arg(&path).stderr(Stdio::null()).spawn()?;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        for _ in 0..100 {
            if TcpStream::connect(addr).is_ok() {
                return Ok(Some(Self { addr, child, _folder: folder }));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("nginx does not start")
    }

    pub fn processes(&self) -> anyhow::Result<Vec<u32>> {
        cpu::family(self.child.id())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master takes its workers with it when it is asked, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Keydesk on its defaults, with one account and its owner's bearer token.
pub struct Keydesk {
    pub gateway: SocketAddr,
    child: Child,
    path: String,
    token: String,
    _folder: TempDir,
}

const PASSWORD: &str = "a bench in the park at dusk";

impl Keydesk {
    pub fn start(binary: &Path, upstream: SocketAddr) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
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
            .arg(&data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("keydesk cannot be started")?;
        setup.stdin.take().context("piped")?.write_all(PASSWORD.as_bytes())?;
        if !setup.wait()?.success() {
            bail!("keydesk setup failed");
        }
        let mut child = Command::new(binary)
            .args([
                "--console",
                "127.0.0.1:0",
                "--gateway",
                "127.0.0.1:0",
                "--log",
                "warn",
                "--upstream",
            ])
            .arg(format!("http://{upstream}"))
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let mut listed = |name: &str| -> anyhow::Result<SocketAddr> {
            for line in lines.by_ref() {
                let line = line?;
                let mut words = line.split_whitespace();
                if let (Some(word), Some(url)) = (words.next(), words.next())
                    && word == name
                {
                    let host =
                        url.trim_start_matches("http://").split('/').next().unwrap_or_default();
                    return Ok(host.parse()?);
                }
            }
            bail!("keydesk says nothing of {name}")
        };
        let (console, gateway) = (listed("Console")?, listed("Gateway")?);
        std::thread::spawn(move || lines.for_each(drop));
        let (endpoint, token) = credentials(console)?;
        let path = endpoint.trim_start_matches(&format!("http://{gateway}")).to_owned();
        Ok(Self { gateway, child, path, token, _folder: folder })
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn request(&self, path: &str) -> Vec<u8> {
        let Self { path: account, token, .. } = self;
        format!(
            "GET {account}{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        .into_bytes()
    }
}

impl Drop for Keydesk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Logs in as a person would and reads both values off the API Docs page.
fn credentials(console: SocketAddr) -> anyhow::Result<(String, String)> {
    let form = format!("email=bench@keydesk.example&password={}", PASSWORD.replace(' ', "+"));
    let head = "Content-Type: application/x-www-form-urlencoded\r\n";
    let answer = exchange(
        console,
        &format!("POST /login HTTP/1.1\r\n{head}Content-Length: {}\r\n", form.len()),
        &form,
    )?;
    let cookie = answer.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next());
    let cookie = cookie.context("the log-in sets a cookie")?;
    let page = exchange(console, &format!("GET /api-docs HTTP/1.1\r\nCookie: {cookie}\r\n"), "")?;
    let value = |id: &str| {
        let tag = page.split(&format!("id=\"{id}\"")).nth(1)?;
        tag.split("value=\"").nth(1)?.split('"').next().map(str::to_owned)
    };
    value("endpoint-url").zip(value("bearer-token")).context("API Docs shows both values")
}

fn exchange(addr: SocketAddr, head: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    write!(stream, "{head}Host: {addr}\r\nConnection: close\r\n\r\n{body}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
