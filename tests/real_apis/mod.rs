//! In front of servers and behind clients and balancers that nobody here wrote, with their default settings.

mod answers;
mod containers;
mod framing;
mod observed;
mod paths;
mod redirects;
mod time;
mod tokens;

use crate::{
    documents::repository,
    support::{Keydesk, Options, PATIENCE, eventually, free_port},
};
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A server that ends with the test.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// `arguments` may hold `PORT`.
    async fn start(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let port = free_port();
        let arguments = arguments.iter().map(|word| word.replace("PORT", &port.to_string()));
        let process = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(repository())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}, which ./test installs: {error}"));
        eventually("the server listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self { process, port }
    }

    async fn python(script: &str) -> Self {
        Self::start("python3", &[script, "PORT"], &[("PYTHONPATH", &packages("apis"))]).await
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn packages(name: &str) -> String {
    repository().join("target/clients").join(name).display().to_string()
}

fn client_script(name: &str) -> PathBuf {
    repository().join("tests/clients").join(name)
}

/// A Keydesk in front of an API, Ann's endpoint URL and her token.
struct InFront {
    keydesk: Keydesk,
    endpoint: String,
    token: String,
}

impl InFront {
    async fn of(upstream: &str, config: &str) -> Self {
        Self::with(&format!("upstream = \"{upstream}\"\n{config}")).await
    }

    async fn with(config: &str) -> Self {
        let options = Options { config: config.to_owned(), ..Options::default() };
        let mut keydesk = Keydesk::start_with(&options);
        let ann = keydesk.with_account().await;
        let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
        Self { keydesk, endpoint, token }
    }

    /// `/385403`
    fn prefix(&self) -> &str {
        self.endpoint.strip_prefix(&self.keydesk.gateway).expect("is below it")
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.request(reqwest::Method::GET, path).send().await.expect("answers")
    }

    /// Follows no redirect.
    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let client = crate::support::client().redirect(reqwest::redirect::Policy::none());
        let client = client.build().expect("a client");
        let url = format!("{}{path}", self.endpoint);
        client.request(method, url).bearer_auth(&self.token).timeout(PATIENCE)
    }
}

fn header(response: &reqwest::Response, name: &str) -> String {
    let all = response.headers().get_all(name).iter();
    all.map(|value| value.to_str().expect("ASCII")).collect::<Vec<_>>().join(" | ")
}
