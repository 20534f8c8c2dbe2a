//! Leaked tokens: a report revokes one at every gateway at once, and `keydesk scan` and other scanners find them in files
//! and in the history of real repositories.

use crate::support::{Keydesk, cluster::Cluster};
use keydesk_token::{Entropy, Kind, PlainToken, Prefix};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

pub fn token(seed: u64) -> String {
    let kind =
        [Kind::User, Kind::Account, Kind::Management][usize::try_from(seed % 3).expect("small")];
    PlainToken::generate(&Prefix::default(), kind, &Entropy::seeded(seed)).expose().to_owned()
}

/// A folder on a machine with its own home, in which commands run.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// The folder around the project.
    pub fn home(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("project")
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
        fs::write(path, content).expect("writes");
    }

    pub fn command(&self, program: &str) -> Command {
        fs::create_dir_all(self.path()).expect("makes");
        let mut command = Command::new(program);
        let binary = Path::new(env!("CARGO_BIN_EXE_keydesk")).parent().expect("a folder");
        command.env_clear().env("HOME", self.0.path()).current_dir(self.path());
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()));
        command.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
        command
    }

    pub fn scan(&self, args: &[&str]) -> Output {
        let program = env!("CARGO_BIN_EXE_keydesk");
        let output = self.command(program).arg("scan").args(args).output().expect("starts");
        let printed = [&output.stdout[..], &output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let shown = keydesk_token::find_tokens(printed.as_bytes()).next();
        assert_eq!(shown, None, "a token is printed: {printed}");
        output
    }

    /// The places that a scan prints, and its exit status.
    pub fn finds(&self, args: &[&str]) -> (Vec<String>, i32) {
        let output = self.scan(args);
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        let place = |line: &str| line.split(": ").next().expect("a place").to_owned();
        let mut found: Vec<_> = lines.lines().map(place).collect();
        found.sort();
        (found, output.status.code().expect("ends"))
    }

    fn git(&self, args: &[&str]) -> Output {
        let user = ["-c", "user.name=Ann", "-c", "user.email=ann@acme.example"];
        self.command("git").args(user).args(args).output().expect("git starts")
    }

    /// Commits everything, and returns the ID.
    fn commit(&self, text: &str) -> String {
        assert!(self.git(&["add", "--all", "--force"]).status.success());
        let done = self.git(&["commit", "--quiet", "--no-verify", "--message", text]);
        assert!(done.status.success(), "{done:?}");
        let id = self.git(&["rev-parse", "HEAD"]).stdout;
        String::from_utf8(id).expect("ASCII").trim().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_a_reported_token_is_rejected_by_every_gateway_when_the_report_is_answered() {
    let cluster = Cluster::start(3, "").await;
    let secret = cluster.token_everywhere("CRM").await;
    let reported = cluster.ann.post("/report-leak", &[("secret", &secret)]).await;
    assert_eq!(reported.status, 200, "{}", reported.text);
    for node in 0..3 {
        let said = cluster.try_token(node, &secret).await;
        assert_eq!(said, (401, "token_leaked".to_owned()), "node {node}");
    }
    let receipts = cluster.ann.get("/receipts").await.text;
    assert!(receipts.contains("Leaked token revoked"), "{receipts}");
    for node in &cluster.nodes {
        assert!(!node.printed().contains(&secret), "the token is in the log");
    }
}

#[test]
fn f13_scan_finds_tokens_in_files_of_all_kinds() {
    let folder = Folder::new();
    let (a, b) = (token(1), token(2));
    folder.write("src/config.py", format!("# ü\nTOKEN = '{a}'\n"));
    folder.write("Notizen für Zoë.txt", format!("{b} und {a}"));
    folder.write("binary.bin", [b"\0\xff\xfe", a.as_bytes(), b"\0"].concat());
    let wide: Vec<u8> =
        format!("\u{feff}export\r\nT={a}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    folder.write("windows.ps1", wide);
    folder.write("wrong.txt", format!("{}x {}", &a[..42], &b[1..]));
    folder.write(".env", format!("T={a}"));
    folder.write("build/out.txt", &a);
    folder.write("fixtures/sample.txt", &a);
    folder.write(".gitignore", "build/\n.env\n");
    folder.write(".keydeskignore", "fixtures/\n");
    let found = [
        "Notizen für Zoë.txt:1:1",
        "Notizen für Zoë.txt:1:49",
        "binary.bin:1:4",
        "src/config.py:2:10",
        "windows.ps1:2:3",
    ];
    // Outside of a repository, a `.gitignore` means nothing.
    let (all, status) = folder.finds(&[]);
    assert!(all.contains(&".env:1:3".to_owned()) && status == 1, "{all:?}");
    assert!(folder.git(&["init", "--quiet"]).status.success());
    assert_eq!(folder.finds(&[]), (found.map(str::to_owned).to_vec(), 1));
    let (all, _) = folder.finds(&["--no-ignore"]);
    assert_eq!(all.len(), 7, "{all:?}");
    assert_eq!(folder.finds(&["wrong.txt"]), (Vec::new(), 0));
    assert_eq!(folder.finds(&[".env"]), (vec![".env:1:3".to_owned()], 1));
    assert_eq!(folder.finds(&["nothing-here"]), (Vec::new(), 2));
    assert_eq!(folder.finds(&["--git", "wrong.txt"]).1, 2);

    // A folder that is named is scanned, and a file that is in the repository is never ignored.
    assert_eq!(folder.finds(&["build"]), (vec!["build/out.txt:1:1".to_owned()], 1));
    assert!(folder.git(&["add", "--force", ".env"]).status.success());
    assert!(folder.finds(&[]).0.contains(&".env:1:3".to_owned()));
    let mut piped = folder.command("bash");
    let line = format!("keydesk scan <(echo {a}); test $? = 1 && keydesk scan /dev/stdin <<< x");
    assert!(piped.args(["-c", &line]).status().expect("bash starts").success());

    let json: Value =
        serde_json::from_slice(&folder.scan(&["--format", "json", ".env"]).stdout).expect("JSON");
    assert_eq!(
        (&json[0]["path"], &json[0]["kind"]),
        (&".env".into(), &"API token".into()),
        "{json}"
    );
    let sarif: Value =
        serde_json::from_slice(&folder.scan(&["--format", "sarif"]).stdout).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    let uris: Vec<_> = results
        .iter()
        .map(|one| {
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                .as_str()
                .expect("a URI")
        })
        .collect();
    assert!(uris.contains(&"Notizen%20f%C3%BCr%20Zo%C3%AB.txt"), "{uris:?}");
}

#[test]
fn f13_scan_reads_standard_input() {
    let folder = Folder::new();
    for (input, status, found) in
        [(format!("x\n  {}", token(4)), 1, "-:2:3"), ("nothing".to_owned(), 0, "")]
    {
        let mut command = folder.command(env!("CARGO_BIN_EXE_keydesk"));
        let command = command.args(["scan", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("starts");
        let mut stdin = child.stdin.take().expect("piped");
        std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("writes");
        drop(stdin);
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(status));
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(found), "{output:?}");
    }
}

#[test]
fn f13_scan_finds_tokens_in_the_whole_history_with_the_commit_that_added_them() {
    let folder = Folder::new();
    assert!(folder.git(&["init", "--quiet", "--initial-branch=main"]).status.success());
    folder.write("old ü.env", format!("A={}", token(1)));
    folder.write("fixtures/x", token(9));
    folder.write(".keydeskignore", "fixtures/\n");
    let first = folder.commit("Add the configuration");
    fs::remove_file(folder.path().join("old ü.env")).expect("removes");
    folder.commit("Remove it");
    assert!(folder.git(&["checkout", "--quiet", "-b", "side"]).status.success());
    folder.write("side.txt", token(2));
    let side = folder.commit("On a branch");
    assert!(folder.git(&["checkout", "--quiet", "main"]).status.success());
    let told = folder.commit_empty(&format!("Use {}", token(3)));
    folder.write("stashed.txt", token(4));
    assert!(folder.git(&["add", "--all"]).status.success());
    assert!(folder.git(&["stash", "--quiet"]).status.success());
    let (found, status) = folder.finds(&["--git"]);
    let short = |id: &str| id[..12].to_owned();
    for expected in [
        format!("{} old ü.env:1:3", short(&first)),
        format!("{} side.txt:1:1", short(&side)),
        format!("{} commit:", short(&told)),
    ] {
        assert!(found.iter().any(|line| line.starts_with(&expected)), "{expected}: {found:?}");
    }
    assert!(found.iter().any(|line| line.contains("stashed.txt:1:1")), "{found:?}");
    assert!(status == 1 && !found.iter().any(|line| line.contains("fixtures")), "{found:?}");
    assert_eq!(folder.finds(&["."]), (Vec::new(), 0));
    let empty = Folder::new();
    assert!(empty.git(&["init", "--quiet"]).status.success());
    assert_eq!(empty.finds(&["--git"]), (Vec::new(), 0));
    assert_eq!(Folder::new().finds(&["--git"]).1, 2);
    folder.write("sub/x.txt", "nothing");
    assert_eq!(folder.finds(&["--git", "sub"]), (Vec::new(), 2));
}

impl Folder {
    fn commit_empty(&self, text: &str) -> String {
        assert!(self.git(&["commit", "--quiet", "--allow-empty", "-m", text]).status.success());
        let id = self.git(&["rev-parse", "HEAD"]).stdout;
        String::from_utf8(id).expect("ASCII").trim().to_owned()
    }
}

/// What looks complete and is not ends with an error, and odd names don't hide or show a token.
#[test]
fn f13_scan_takes_no_incomplete_or_crafted_repository_for_a_clean_one() {
    let folder = Folder::new();
    assert!(folder.git(&["init", "--quiet", "--initial-branch=main"]).status.success());
    folder.write("a.txt", token(1));
    folder.commit("one");
    fs::remove_file(folder.path().join("a.txt")).expect("removes");
    folder.write("b.txt", "nothing");
    folder.commit("two");
    // A shallow clone, as in most CI systems.
    let source = format!("file://{}", folder.path().display());
    let cloned = folder.git(&["clone", "--quiet", "--depth", "1", &source, "clone"]);
    assert!(cloned.status.success(), "{cloned:?}");
    let output = folder.scan(&["--git", "clone"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("git fetch --unshallow"), "{said}");
    // Stashes, a replaced object, and the same content at an excluded path.
    for number in [2, 3] {
        folder.write("b.txt", token(number));
        assert!(folder.git(&["stash", "--quiet"]).status.success());
    }
    folder.write("fixtures/x", token(4));
    folder.write("src/x", token(4));
    folder.write("fixtures/y", token(5));
    folder.write(".keydeskignore", "fixtures/\n");
    folder.commit("three");
    let blob = folder.git(&["rev-parse", "HEAD:src/x"]).stdout;
    let other = folder.git(&["rev-parse", "HEAD:.keydeskignore"]).stdout;
    let [blob, other] =
        [blob, other].map(|id| String::from_utf8(id).expect("ASCII").trim().to_owned());
    assert!(folder.git(&["replace", &blob, &other]).status.success());
    let masked = |seed: u64| PlainToken::parse(&token(seed)).expect("a token").masked();
    let output = folder.scan(&["--git"]);
    let text = String::from_utf8_lossy(&output.stdout);
    for seed in 1..=4 {
        assert!(text.contains(&masked(seed)), "{seed}: {text}");
    }
    assert!(!text.contains(&masked(5)), "{text}");
    // A file whose name is a token.
    let named = Folder::new();
    named.write(&format!("x/{}.txt", token(6)), "nothing");
    assert_eq!(named.finds(&[]), (vec!["x/[token].txt:1:1".to_owned()], 1));
    named.write("bidi\u{202e}.txt", token(7));
    assert!(named.finds(&[]).0.contains(&"bidi\u{fffd}.txt:1:1".to_owned()));
}

#[test]
fn f13_the_hook_stops_a_commit_that_adds_a_token_and_no_other() {
    let folder = Folder::new();
    assert!(folder.git(&["init", "--quiet"]).status.success());
    folder.write("known.txt", format!("T={}\n", token(1)));
    folder.commit("With a token, before there was a hook");
    assert!(folder.scan(&["--install-hook"]).status.success());
    assert!(folder.scan(&["--install-hook"]).status.success(), "a second time changes nothing");
    let commit = || {
        assert!(folder.git(&["add", "--all"]).status.success());
        folder.git(&["commit", "--message", "change"])
    };
    // A file that has a token already can change.
    folder.write("known.txt", format!("# moved\nT={}\n", token(1)));
    folder.write("sub/new.txt", "nothing");
    let done = commit();
    assert!(done.status.success(), "{done:?}");
    folder.write("sub/new.txt", format!("x {}", token(2)));
    let stopped = commit();
    let said = [&stopped.stderr[..], &stopped.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!stopped.status.success() && said.contains("sub/new.txt:1:3"), "{said}");
    assert!(said.contains("The commit was stopped."), "{said}");
    // From a folder of the project, too.
    let inside = folder
        .command("git")
        .args(["commit", "-m", "x"])
        .current_dir(folder.path().join("sub"))
        .output();
    assert!(!inside.expect("git starts").status.success());
    folder.write(".keydeskignore", "/sub/new.txt\n");
    let done = commit();
    assert!(done.status.success(), "{done:?}");

    // A hook of the project's own is never replaced, also where the project keeps it elsewhere.
    let other = Folder::new();
    assert!(other.git(&["init", "--quiet"]).status.success());
    assert!(other.git(&["config", "core.hooksPath", "hooks"]).status.success());
    other.write("hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    let refused = other.scan(&["--install-hook"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said.contains("hooks/pre-commit exists already; add this line to it"), "{said}");
    let kept = fs::read_to_string(other.path().join("hooks/pre-commit")).expect("there");
    assert_eq!(kept, "#!/bin/sh\nexit 0\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_a_check_tells_which_tokens_work_and_sends_digests_only() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (live, dead) =
        (ann.create_token("live", "never").await, ann.create_token("dead", "never").await);
    let reported = ann.post("/report-leak", &[("secret", &dead)]).await;
    assert_eq!(reported.status, 200, "{}", reported.text);
    let folder = Folder::new();
    folder.write("a.txt", format!("{live}\n{dead}\n{}\n{live}", token(5)));
    let check = ["--check", "--url", &keydesk.console];
    let (found, status) = folder.finds(&check);
    assert_eq!((found.len(), status), (4, 1));
    let output = folder.scan(&check);
    let text = String::from_utf8_lossy(&output.stdout);
    for (line, state) in text.lines().zip(["active", "revoked", "unknown", "active"]) {
        assert!(line.ends_with(&format!(", {state}")), "{text}");
    }
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("found 2 tokens that work or can be restored in 1 file")
    );
    folder.write("a.txt", &dead);
    assert_eq!(folder.finds(&check).1, 0);
    let nowhere = folder.scan(&["--check", "--url", "http://127.0.0.1:9"]);
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert!(nowhere.status.code() == Some(2) && said.contains("can’t be reached"), "{said}");
    let unset = folder.scan(&["--check"]);
    assert_eq!(unset.status.code(), Some(2), "{unset:?}");
    assert!(!keydesk.printed().contains(&live));
}
