//! A Keydesk of its own for a test: the binary in a temporary folder, on ports of its own.

use super::{PASSWORD, User};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tempfile::TempDir;

pub struct Keydesk {
    process: Child,
    folder: TempDir,
    data: PathBuf,
    pub console: String,
    pub gateway: String,
    pub setup_link: Option<String>,
    status: Option<String>,
    /// Where the console listens, as far as the test chose it.
    pub listener: String,
    printed: Arc<Mutex<String>>,
}

#[derive(Default)]
pub struct Options {
    /// Lines for the configuration file.
    pub config: String,
    /// Where the console listens, if not on a free port.
    pub console: Option<String>,
    /// Where the gateway listens, if not on a free port.
    pub gateway: Option<String>,
    /// A key file that another node has made.
    pub key_file: Option<PathBuf>,
    /// Whether the database holds an account already, so that no set-up link is printed.
    pub has_account: bool,
    /// Where the data is, if not in the test's own folder.
    pub data: Option<PathBuf>,
    /// The network namespace that it runs in, if not ours.
    pub namespace: Option<String>,
    pub environment: Vec<(&'static str, String)>,
}

fn program(options: &Options) -> Command {
    let mut command = match &options.namespace {
        None => binary(),
        Some(name) => {
            let mut command = Command::new("ip");
            command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command.args(["netns", "exec", name, env!("CARGO_BIN_EXE_keydesk")]);
            command
        }
    };
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
    command
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keydesk"));
    command.env_clear();
    command
}

/// Passes lines on to `printed`, and the first ones to whoever waits for the start.
fn listen(
    from: impl std::io::Read + Send + 'static,
    printed: Arc<Mutex<String>>,
    lines: Option<mpsc::Sender<String>>,
) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut printed = printed.lock().expect("no test panics with the lock held");
            printed.push_str(&line);
            printed.push('\n');
            if let Some(lines) = &lines {
                let _ = lines.send(line);
            }
        }
    });
}

impl Keydesk {
    /// On an empty folder, with defaults but for the ports, everything logged.
    pub fn start() -> Self {
        Self::start_with(&Options::default())
    }

    pub fn start_with(options: &Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_in(folder, options)
    }

    fn start_in(folder: TempDir, options: &Options) -> Self {
        let config = folder.path().join("keydesk.toml");
        std::fs::write(&config, &options.config).expect("writes");
        let data = options.data.clone().unwrap_or_else(|| folder.path().join("keydesk-data"));
        if let Some(key) = &options.key_file {
            std::fs::create_dir_all(&data).expect("makes");
            std::fs::copy(key, data.join("keydesk.key")).expect("copies");
        }
        if options.has_account {
            std::fs::write(folder.path().join("has-account"), "").expect("writes");
        }
        let mut process = program(options)
            .current_dir(folder.path())
            .args(["--console", options.console.as_deref().unwrap_or("127.0.0.1:0")])
            .args(["--gateway", options.gateway.as_deref().unwrap_or("127.0.0.1:0")])
            .args(["--log", "trace", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let printed = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = mpsc::channel();
        listen(process.stdout.take().expect("piped"), Arc::clone(&printed), Some(sender));
        listen(process.stderr.take().expect("piped"), Arc::clone(&printed), None);
        let mut keydesk = Self {
            process,
            folder,
            data,
            console: String::new(),
            gateway: String::new(),
            setup_link: None,
            status: None,
            listener: options.console.clone().unwrap_or_default(),
            printed,
        };
        keydesk.read_announcement(&lines);
        keydesk
    }

    fn read_announcement(&mut self, lines: &mpsc::Receiver<String>) {
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(20)) {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("Console"), Some(url)) => url.clone_into(&mut self.console),
                (Some("Gateway"), Some(url)) => {
                    url.split("/{").next().unwrap_or(url).clone_into(&mut self.gateway);
                }
                (Some("Status"), Some(url)) => {
                    self.status = url.strip_suffix("/readyz").map(str::to_owned);
                }
                (Some("Data"), _) if self.has_account() => return,
                (Some(link), None) if link.contains("/setup/") => {
                    self.setup_link = Some(link.to_owned());
                    return;
                }
                _ => {}
            }
        }
        panic!("Keydesk did not start: {}", self.printed());
    }

    fn has_account(&self) -> bool {
        self.folder.path().join("has-account").exists()
    }

    /// Opens the first account as Ann and logs her in.
    pub async fn with_account(&mut self) -> User {
        let ann = User::visiting(&self.console);
        let link = self.setup_link.clone().expect("there is no account yet");
        let form = [
            ("account", "Acme"),
            ("name", "Ann Chen"),
            ("email", "ann@acme.example"),
            ("password", PASSWORD),
        ];
        let page = ann.post(&link, &form).await;
        assert_eq!(
            (page.status, page.location.as_deref()),
            (303, Some("/api-docs?done=account_opened")),
            "{}{}",
            page.text,
            self.printed()
        );
        std::fs::write(self.folder.path().join("has-account"), "").expect("writes");
        ann
    }

    /// Stops in good order and starts again on the same folder.
    pub fn restart(mut self, options: &Options) -> Self {
        self.stop();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        drop(self);
        Self::start_in(folder, options)
    }

    /// As an operator does it, with SIGTERM.
    pub fn stop(&mut self) {
        self.ask_to_stop();
        let _ = self.process.wait();
    }

    /// Waits until it has ended by itself; whether it says that all is well.
    pub fn ends(&mut self) -> bool {
        for _ in 0..1_200 {
            if let Some(status) = self.process.try_wait().expect("is our child") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("it goes on: {}", self.printed());
    }

    fn ask_to_stop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        }
    }

    /// What the status listener answers.
    pub async fn status(&self, path: &str) -> (u16, String) {
        let url = self.status.as_deref().expect("observe.status is configured");
        let answer = super::call(&format!("{url}{path}"), None).await;
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.expect("kill starts").success());
    }

    /// Ends at once, as if the power had gone, and starts again on the same folder.
    pub fn kill_and_restart(&mut self, options: &Options) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        *self = Self::start_in(folder, options);
    }

    /// A statement on the node's own SQLite file, beside the process.
    pub async fn sql(&self, statement: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.data.join("keydesk.sqlite"));
        let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
        sqlx::query(statement).execute(&mut connection).await.expect("writes");
    }

    /// What a statement counts in the node's own SQLite file.
    pub async fn count(&self, statement: &'static str) -> i64 {
        let options = SqliteConnectOptions::new().filename(self.data.join("keydesk.sqlite"));
        let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
        sqlx::query_scalar(statement).fetch_one(&mut connection).await.expect("reads")
    }

    /// All that the process has written to its standard output and error.
    pub fn printed(&self) -> String {
        self.printed.lock().expect("no test panics with the lock held").clone()
    }

    /// The name of the session's cookie on plain http.
    pub fn cookie_name(&self) -> String {
        format!("keydesk-{}", self.console.rsplit(':').next().expect("a port"))
    }

    /// Another command on the same folder.
    pub fn run(&self, args: &[&str], input: &str) -> Output {
        run_in(self.folder.path(), args, input)
    }

    /// Another command with the configuration of this node.
    pub fn command(&self, args: &[&str]) -> Output {
        self.command_with(args, "")
    }

    /// The same with something on its standard input.
    pub fn command_with(&self, args: &[&str], input: &str) -> Output {
        let data = self.data.to_string_lossy().into_owned();
        run_in(
            self.folder.path(),
            &[&["--config", "keydesk.toml", "--data", &data], args].concat(),
            input,
        )
    }
}

impl Drop for Keydesk {
    fn drop(&mut self) {
        // A test that has failed tells what the process had to say.
        if std::thread::panicking() {
            println!("{}\n{}", self.gateway, self.printed());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command of the binary to its end.
pub fn run_in(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = binary()
        .current_dir(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that rejects at once does not read its input.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("the command ends")
}
