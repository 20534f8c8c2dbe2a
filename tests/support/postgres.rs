//! A real PostgreSQL in a folder of its own: started from Debian's binaries, with a standby if asked,
//! gone when the test process is.

use super::ports::free_port;
use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// PostgreSQL rejects to run as root; anyone else will do.
const NOBODY: u32 = 65_534;

pub struct Postgres {
    folder: PathBuf,
    pub port: u16,
    /// Lets the server live as long as its standard input is open.
    keeper: Option<Child>,
}

fn binary(name: &str) -> Command {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed (./test does)")
        .map(|entry| entry.expect("readable").path())
        .collect();
    versions.sort();
    let path = versions.pop().expect("a version").join("bin").join(name);
    let mut command = Command::new(path);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.stdin(Stdio::null()).env("PGUSER", "keydesk").current_dir("/tmp");
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn own_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("keydesk-pg").tempdir().expect("a folder").keep();
    if is_root() {
        chown(&folder, Some(NOBODY), Some(NOBODY)).expect("is root's to give");
    }
    folder
}

impl Postgres {
    /// A server of one's own with these lines in its configuration.
    pub fn start(configuration: &str) -> Self {
        let folder = own_folder();
        let data = folder.join("data");
        run(binary("initdb")
            .args([
                "-A",
                "trust",
                "-U",
                "keydesk",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-D",
            ])
            .arg(&data));
        let usual = "wal_level = replica\nmax_wal_senders = 8\nhot_standby = on\nmax_connections = 200\n\
            wal_keep_size = 64MB\nlog_min_messages = fatal\n";
        let mut text = fs::read_to_string(data.join("postgresql.conf")).expect("there");
        text.push_str(usual);
        text.push_str(configuration);
        fs::write(data.join("postgresql.conf"), text).expect("writes");
        let mut server = Self { folder, port: free_port(), keeper: None };
        server.run();
        server
    }

    /// With a certificate for these names, by an authority in `ca.pem`.
    pub fn start_with_tls(names: &[&str]) -> Self {
        let server = Self::start("ssl = off\n");
        let made = rcgen::generate_simple_self_signed(
            names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        )
        .expect("made");
        let write = |name: &str, text: String| {
            let path = server.folder.join(name);
            fs::write(&path, text).expect("writes");
            if is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).expect("is root's to give");
            }
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(&path, private).expect("is ours");
            path
        };
        let key = write("key.pem", made.signing_key.serialize_pem());
        let certificate = write("ca.pem", made.cert.pem());
        // Whoever comes over the network without TLS is not let in as a user of the tests.
        for (setting, value) in [("ssl_key_file", key), ("ssl_cert_file", certificate)] {
            server.ask("postgres", &format!("ALTER SYSTEM SET {setting} = '{}'", value.display()));
        }
        server.ask("postgres", "ALTER SYSTEM SET ssl = on");
        server.ask("postgres", "SELECT pg_reload_conf()");
        server
    }

    /// The one server of this test process; each test takes a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// A copy that follows this server.
    pub fn standby(&self) -> Self {
        let folder = own_folder();
        run(binary("pg_basebackup")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
            ])
            .arg("--no-sync")
            .arg("-D")
            .arg(folder.join("data")));
        let mut server = Self { folder, port: free_port(), keeper: None };
        server.run();
        server
    }

    /// A transaction that has run these statements and stays open until it is dropped.
    pub fn hold(&self, database: &str, sql: &str) -> Held {
        let mut psql = binary("psql");
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-d", database, "-At"]);
        let mut process =
            psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql starts");
        let mut input = process.stdin.take().expect("piped");
        let text = format!("BEGIN; {sql}; SELECT 'held';\n");
        std::io::Write::write_all(&mut input, text.as_bytes()).expect("writes");
        let message = std::io::BufReader::new(process.stdout.take().expect("piped"));
        let held =
            std::io::BufRead::lines(message).any(|line| line.is_ok_and(|line| line == "held"));
        assert!(held, "{sql}");
        Held { process, input: Some(input) }
    }

    /// From now on the user `app` needs a password.
    pub fn ask_for_passwords(&self) {
        let rules = "host all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n";
        fs::write(self.data().join("pg_hba.conf"), rules).expect("writes");
        self.ask("postgres", "SELECT pg_reload_conf()");
    }

    /// The most connections that Keydesk holds at any time of this span.
    pub async fn most_connections(&self, database: &str, span: Duration) -> usize {
        let start = std::time::Instant::now();
        let count = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'keydesk'"
        );
        let mut most = 0;
        while start.elapsed() < span {
            most = most.max(self.ask("postgres", &count).parse().expect("a number"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        most
    }

    /// A program that only collects the server's log, and confirms what it has.
    pub fn collect_log(&self) -> Collector {
        let folder = own_folder();
        let mut collector = binary("pg_receivewal");
        collector.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "--synchronous", "-D"]);
        let process = collector.arg(&folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let collector = Collector { process: process.expect("pg_receivewal starts"), folder };
        for _ in 0..400 {
            let names =
                "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_receivewal'";
            if self.ask("postgres", names) == "1" {
                return collector;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("pg_receivewal does not connect");
    }

    /// Starts the server, again if it was killed.
    pub fn run(&mut self) {
        let data = self.data();
        let _ = fs::remove_file(data.join("postmaster.pid"));
        let postgres = binary("postgres");
        let script = "\"$0\" -D \"$1\" -p \"$2\" -c listen_addresses=127.0.0.1 -c unix_socket_directories=\"$3\" \
            >>\"$3/log\" 2>&1 & read word; kill -QUIT $! 2>/dev/null; wait; [ \"$word\" = stay ] || rm -rf \"$3\"";
        let mut keeper = Command::new("sh");
        if is_root() {
            keeper.uid(NOBODY).gid(NOBODY);
        }
        keeper.arg("-c").arg(script);
        keeper.arg(postgres.get_program()).arg(&data).arg(self.port.to_string()).arg(&self.folder);
        keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/tmp");
        self.keeper = Some(keeper.spawn().expect("sh starts"));
        for _ in 0..600 {
            let mut ready = binary("pg_isready");
            ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if ready.status().expect("starts").success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL did not start: {}", self.log());
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://keydesk@127.0.0.1:{}/{database}", self.port)
    }

    /// An empty database with a name of its own.
    pub fn new_database(&self) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        run(binary("createdb").args(["-h", "127.0.0.1", "-p", &self.port.to_string(), &name]));
        name
    }

    /// What a statement answers, unaligned.
    pub fn ask(&self, database: &str, sql: &str) -> String {
        let mut psql = binary("psql");
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-d", database, "-Atc", sql]);
        String::from_utf8(run(&mut psql).stdout).expect("UTF-8").trim().to_owned()
    }

    /// The same as another user; what went wrong.
    pub fn try_ask(&self, database: &str, user: &str, sql: &str) -> Result<String, String> {
        let mut psql = binary("psql");
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", user, "-d", database]);
        let output = psql.args(["-Atc", sql]).output().expect("psql starts");
        let message = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(message(&output.stdout))
        } else {
            Err(message(&output.stderr))
        }
    }

    pub fn dump(&self, database: &str) -> String {
        let mut dump = binary("pg_dump");
        dump.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), database]);
        String::from_utf8_lossy(&run(&mut dump).stdout).into_owned()
    }

    fn pid(&self) -> String {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        text.lines().next().expect("a pid").to_owned()
    }

    /// Sends a signal to the server and all its processes: `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.pid();
        let children = Command::new("pgrep").args(["-P", &pid]).output().expect("pgrep starts");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let pids = std::iter::once(pid.as_str()).chain(children.split_whitespace());
        let _ = Command::new("kill").arg(format!("-{name}")).args(pids).status();
    }

    /// As if the power had gone.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.end_keeper(b"stay\n");
    }

    fn end_keeper(&mut self, word: &[u8]) {
        if let Some(mut keeper) = self.keeper.take() {
            if let Some(mut input) = keeper.stdin.take() {
                let _ = std::io::Write::write_all(&mut input, word);
            }
            let _ = keeper.wait();
        }
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        run(binary("pg_ctl").arg("promote").arg("-w").arg("-D").arg(self.data()));
    }

    /// Throws a server's data away and makes it a standby of another.
    pub fn become_standby_of(&mut self, primary: &Self) {
        self.kill();
        let data = self.data();
        let _ = fs::remove_dir_all(&data);
        run(binary("pg_basebackup")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &primary.port.to_string(),
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
            ])
            .arg("--no-sync")
            .arg("-D")
            .arg(&data));
        self.run();
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

pub struct Held {
    process: Child,
    input: Option<std::process::ChildStdin>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.process.wait();
    }
}

pub struct Collector {
    process: Child,
    folder: PathBuf,
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.signal_if_there("CONT");
        self.end_keeper(b"");
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Postgres {
    fn signal_if_there(&self, name: &str) {
        if self.data().join("postmaster.pid").exists() {
            self.signal(name);
        }
    }
}
