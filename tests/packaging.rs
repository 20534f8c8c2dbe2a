//! The packages, the messages to systemd, and the commands that check an installation.

use crate::{
    documents::repository,
    support::{Keydesk, Options, faults::is_root, free_port, run_in},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

fn text_of(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// Builds the package from the binary under test.
fn build(folder: &Path) -> PathBuf {
    let built = Command::new(repository().join("packaging/debian/build"))
        .arg(env!("CARGO_BIN_EXE_keydesk"))
        .arg(folder)
        .env("COMPRESSION", "gzip -z1")
        .output()
        .expect("starts");
    assert!(built.status.success(), "{}", text_of(&built));
    PathBuf::from(String::from_utf8_lossy(&built.stdout).trim())
}

#[test]
fn the_debian_package_is_the_same_each_time_and_has_what_the_guide_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let package = build(&folder.path().join("first"));
    let again = build(&folder.path().join("second"));
    assert!(fs::read(&package).expect("there") == fs::read(&again).expect("there"));
    let checked = Command::new("lintian")
        .args(["--fail-on", "error,warning", "--allow-root"])
        .arg(&package)
        .output()
        .expect("starts");
    assert!(checked.status.success(), "{}", text_of(&checked));
    let root = folder.path().join("root");
    let unpacked = Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root).output();
    assert!(unpacked.expect("starts").status.success());
    for (path, mode) in [
        ("usr/bin/keydesk", 0o755),
        ("etc/keydesk/keydesk.toml", 0o644),
        ("lib/systemd/system/keydesk.service", 0o644),
        ("lib/systemd/system/keydesk.socket", 0o644),
        ("usr/lib/sysusers.d/keydesk.conf", 0o644),
        ("usr/share/man/man1/keydesk.1.gz", 0o644),
        ("usr/share/bash-completion/completions/keydesk", 0o644),
        ("usr/share/doc/keydesk/configuration-reference.md", 0o644),
        ("usr/share/doc/keydesk/copyright", 0o644),
    ] {
        let found = fs::metadata(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(found.permissions().mode() & 0o777, mode, "{path}");
    }
    let fields = Command::new("dpkg-deb").arg("-I").arg(&package).output().expect("starts");
    let fields = text_of(&fields);
    assert!(fields.contains("libc6 (>=") && fields.contains("conffiles"), "{fields}");
    // The configuration that is installed is valid, and so is each of its examples.
    let config = fs::read_to_string(root.join("etc/keydesk/keydesk.toml")).expect("there");
    let examples = config.replace("\n#", "\n");
    for (name, text) in [("installed", config.clone()), ("examples", uncommented(&examples))] {
        fs::write(folder.path().join("keydesk.toml"), &text).expect("writes");
        let output = run_in(folder.path(), &["config", "check"], "");
        assert!(output.status.success(), "{name}: {}\n{text}", text_of(&output));
    }
}

/// Keeps the lines that are keys and tables: the others explain. What names files that aren't here is left out.
fn uncommented(text: &str) -> String {
    let is_setting = |line: &&str| line.is_empty() || line.starts_with('[') || line.contains(" = ");
    let names_files = |line: &&str| {
        let files = ["[tls]", "certificate", "key =", "user =", "password_file"];
        files.iter().any(|start| line.starts_with(start))
    };
    let lines = text.lines().filter(is_setting).filter(|line| !names_files(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_service_is_confined() {
    let unit = repository().join("packaging/systemd/keydesk.service");
    let judged = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(&unit)
        .output()
        .expect("starts");
    assert!(judged.status.success(), "{}", text_of(&judged));
    assert!(text_of(&judged).contains("Overall exposure level"), "{}", text_of(&judged));
    // With a program that is there, systemd has nothing to say about the units.
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["keydesk.service", "keydesk.socket"] {
        let unit = repository().join("packaging/systemd").join(name);
        let unit =
            fs::read_to_string(unit).expect("there").replace("/usr/bin/keydesk", "/bin/true");
        fs::write(folder.path().join(name), unit).expect("writes");
    }
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(folder.path().join("keydesk.service"))
        .arg(folder.path().join("keydesk.socket"))
        .output()
        .expect("starts");
    assert!(verified.status.success(), "{}", text_of(&verified));
    assert!(!text_of(&verified).contains("keydesk."), "{}", text_of(&verified));
}

fn next(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).expect("a message");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

fn next_but_alive(socket: &UnixDatagram) -> String {
    loop {
        let message = next(socket);
        if message != "WATCHDOG=1" {
            return message;
        }
    }
}

#[test]
fn systemd_learns_what_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_mins(1))).expect("sets");
    let mut keydesk = Keydesk::start_with(&Options {
        environment: vec![
            ("NOTIFY_SOCKET", path.display().to_string()),
            ("WATCHDOG_USEC", "400000".to_owned()),
        ],
        ..Options::default()
    });
    assert_eq!(next_but_alive(&socket), "READY=1");
    assert_eq!(next(&socket), "WATCHDOG=1");
    keydesk.signal("HUP");
    let reloading = next_but_alive(&socket);
    let begun = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("with its time");
    assert!(begun.parse::<u64>().is_ok(), "{reloading}");
    assert_eq!(next_but_alive(&socket), "READY=1");
    keydesk.signal("TERM");
    assert_eq!(next_but_alive(&socket), "STOPPING=1");
    assert!(keydesk.ends());
}

#[test]
fn a_reload_names_what_needs_a_restart() {
    let keydesk = Keydesk::start_with(&Options {
        config: "[limits]\nmax_headers = 100\n".to_owned(),
        ..Options::default()
    });
    let file = keydesk.data().with_file_name("keydesk.toml");
    let reload = |text: &str, said: &str| {
        fs::write(&file, text).expect("writes");
        keydesk.signal("HUP");
        for _ in 0..600 {
            if keydesk.printed().contains(said) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("“{said}” is not in the log: {}", keydesk.printed());
    };
    reload("[limits]\nmax_headers = 100\n", "the configuration hasn't changed");
    reload(
        "sign_up = true\n[limits]\nmax_headers = 90\n",
        "these settings need a restart settings=\"limits.max_headers, sign_up\"",
    );
    reload("sign_up = 7\n", "keydesk.toml:1: sign_up");
    assert!(keydesk.printed().contains("the process keeps the one that it started with"));
}

/// Runs the command with the configuration, and returns its checks by name and level.
fn examine(folder: &Path, config: &str) -> (bool, Vec<(String, String, String)>) {
    fs::write(folder.join("keydesk.toml"), config).expect("writes");
    let output = run_in(folder, &["doctor", "--json"], "");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let field = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = found["checks"].as_array().expect("checks").iter();
    let checks = checks.map(|it| (field(it, "check"), field(it, "level"), field(it, "text")));
    (output.status.success(), checks.collect())
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let (console, gateway, nothing) = (free_port(), free_port(), free_port());
    let base = format!("console = \"127.0.0.1:{console}\"\ngateway = \"127.0.0.1:{gateway}\"\n");
    let (is_well, checks) = examine(folder.path(), &base);
    assert!(is_well, "{checks:?}");
    let level = |checks: &[(String, String, String)], name: &str| {
        let of =
            |level: &str| checks.iter().filter(|check| check.0 == name && check.1 == level).count();
        (of("ok"), of("warning"), of("error"))
    };
    assert_eq!(level(&checks, "ports"), (2, 0, 0), "{checks:?}");
    assert_eq!(level(&checks, "upstream"), (0, 1, 0), "the sample API: {checks:?}");
    // What is broken: a port in use, a name, an upstream, and a mail server that nobody has.
    let taken = std::net::TcpListener::bind(("127.0.0.1", gateway)).expect("binds");
    let broken = format!(
        "{base}upstream = \"http://127.0.0.1:{nothing}\"\npublic_gateway_url = \"https://api.nowhere.invalid\"\n\
         [mail]\nserver = \"smtp://127.0.0.1:{nothing}\"\nfrom = \"a@b.example\"\n"
    );
    let (is_well, checks) = examine(folder.path(), &broken);
    assert!(!is_well);
    for name in ["names", "upstream", "mail"] {
        assert_eq!(level(&checks, name).2, 1, "{name}: {checks:?}");
    }
    assert_eq!(level(&checks, "ports"), (1, 0, 1), "{checks:?}");
    drop(taken);
    let (is_well, checks) = examine(folder.path(), "console = 8080\n");
    assert!(!is_well && checks[0].2.contains("keydesk.toml:1: console"), "{checks:?}");
    // A key file that others can read, and a certificate for another name.
    let data = folder.path().join("keydesk-data");
    fs::create_dir(&data).expect("makes");
    fs::write(data.join("keydesk.key"), "keydesk-key-1 00").expect("writes");
    fs::set_permissions(data.join("keydesk.key"), fs::Permissions::from_mode(0o644)).expect("sets");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "5", "-subj", "/CN=x"])
        .args([
            "-addext",
            "subjectAltName=DNS:*.example.com",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ])
        .current_dir(folder.path())
        .output()
        .expect("starts");
    assert!(made.status.success(), "{}", text_of(&made));
    let tls = format!(
        "{base}public_gateway_url = \"https://localhost\"\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n"
    );
    let (_, checks) = examine(folder.path(), &tls);
    assert_eq!(level(&checks, "key file").2, 1, "{checks:?}");
    assert_eq!(level(&checks, "certificate"), (0, 1, 1), "soon, and not for localhost: {checks:?}");
    assert_eq!(level(&checks, "data folder").1, 1, "others can enter it: {checks:?}");
}

#[tokio::test]
async fn health_and_the_doctor_know_a_running_keydesk() {
    let mut keydesk = Keydesk::start_with(&Options {
        config: format!(
            "upstream = \"http://127.0.0.1:{}\"\n[observe]\nstatus = \"127.0.0.1:{}\"\n",
            free_port(),
            free_port()
        ),
        ..Options::default()
    });
    keydesk.with_account().await;
    let healthy = keydesk.command(&["health"]);
    assert!(
        healthy.status.success() && text_of(&healthy).contains("ready"),
        "{}",
        text_of(&healthy)
    );
    let found = keydesk.command(&["doctor"]);
    let said = text_of(&found);
    assert!(said.contains("Keydesk is running with this data folder"), "{said}");
    assert!(!found.status.success() && said.contains("→ Start the API"), "{said}");
    keydesk.stop();
    let gone = keydesk.command(&["health"]);
    assert!(
        !gone.status.success() && text_of(&gone).contains("/readyz can’t be reached"),
        "{}",
        text_of(&gone)
    );
}

/// The settings of a compose file are valid, and its proxy's configuration is, too.
#[test]
fn the_compose_files_are_valid() {
    let compose = repository().join("packaging/compose");
    for (file, count) in [("compose.yaml", 6), ("compose.cluster.yaml", 10)] {
        let text = fs::read_to_string(compose.join(file)).expect("there");
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        fs::write(&secret, "0123456789abcdef0123456789abcdef0123456789abcdef").expect("writes");
        let settings: Vec<_> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("KEYDESK_")?.split_once(": "))
            .filter(|(name, _)| !name.starts_with("ROLE") && !name.starts_with("CLUSTER_NAME"))
            .map(|(name, value)| {
                let value = match value.trim_matches('"') {
                    "*console" => "https://console.example.com",
                    "*gateway" => "https://api.example.com",
                    value => value,
                };
                let value = if value.starts_with("/run/secrets/") {
                    secret.display().to_string()
                } else {
                    value.to_owned()
                };
                (format!("KEYDESK_{name}"), value)
            })
            .collect();
        assert!(settings.len() >= count, "{settings:?}");
        let checked = Command::new(env!("CARGO_BIN_EXE_keydesk"))
            .env_clear()
            .envs(settings)
            .args(["config", "check"])
            .current_dir(folder.path())
            .output()
            .expect("starts");
        assert!(checked.status.success(), "{file}: {}", text_of(&checked));
        assert!(!text_of(&checked).contains("misspelled"), "{file}: {}", text_of(&checked));
    }
    let valid = Command::new("caddy")
        .args(["validate", "--adapter", "caddyfile", "--config"])
        .arg(compose.join("Caddyfile"))
        .envs([("CONSOLE", "http://localhost:1"), ("GATEWAY", "http://localhost:2")])
        .env("GATEWAYS_AT", "a:8081 b:8081")
        .env("HOME", tempfile::tempdir().expect("a folder").path())
        .output()
        .expect("starts");
    assert!(valid.status.success(), "{}", text_of(&valid));
}

/// Runs in a mount namespace of its own, in which everything but the data is read-only.
const IN_THE_IMAGE: &str = r#"
        set -e
        root=$0 user=$2
        mount --bind "$root" "$root"; mount --bind "$1" "$root/data"
        mount -o remount,ro,bind "$root"
        keydesk() { chroot --userspec="$user" "$root" /usr/bin/keydesk "$@"; }
        chroot --userspec="$user" "$root" /usr/bin/keydesk serve & server=$!
        for _ in $(seq 600); do keydesk health >/dev/null 2>&1 && break; sleep 0.1; done
        keydesk health
        kill $server; wait $server
    "#;

/// Builds the image, and runs what is in it as its user does: without a writable path but the data folder.
#[test]
fn the_image_runs_as_its_own_user_on_a_root_that_nobody_can_write_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let build = |name: &str| {
        let archive = folder.path().join(name);
        let built = Command::new(repository().join("packaging/oci/build"))
            .arg(env!("CARGO_BIN_EXE_keydesk"))
            .arg(&archive)
            .output()
            .expect("starts");
        assert!(built.status.success(), "{}", text_of(&built));
        archive
    };
    let archive = build("image.tar");
    assert!(fs::read(&archive).expect("there") == fs::read(build("again.tar")).expect("there"));
    let unpack = |archive: &Path, to: &Path| {
        fs::create_dir_all(to).expect("makes");
        let done = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(to).output();
        assert!(done.expect("starts").status.success());
    };
    let parts = folder.path().join("parts");
    unpack(&archive, &parts);
    let read = |path: &Path| -> Value {
        serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON")
    };
    let manifest = read(&parts.join("manifest.json"));
    let part = |name: &Value| parts.join(name.as_str().expect("a name"));
    let config = read(&part(&manifest[0]["Config"]));
    assert_eq!(config["config"]["User"], "65532:65532");
    let health = config["config"]["Healthcheck"]["Test"].as_array().expect("a command");
    assert_eq!(health[1..], ["/usr/bin/keydesk", "health"]);
    let root = folder.path().join("root");
    unpack(&part(&manifest[0]["Layers"][0]), &root);
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("makes");
    let mut ran = Command::new("unshare");
    // Who isn't root is root of a namespace, which has no other users.
    let user = if is_root() {
        std::os::unix::fs::chown(&data, Some(65532), Some(65532)).expect("is root's to give");
        "65532:65532"
    } else {
        ran.arg("--map-root-user");
        "0:0"
    };
    ran.args(["--mount", "--propagation", "private", "sh", "-c", IN_THE_IMAGE]);
    ran.arg(&root).arg(&data).arg(user);
    ran.env("KEYDESK_DATA", "/data").env("KEYDESK_CONSOLE", format!("127.0.0.1:{}", free_port()));
    ran.env("KEYDESK_GATEWAY", format!("127.0.0.1:{}", free_port()));
    ran.env("KEYDESK_OBSERVE_STATUS", format!("127.0.0.1:{}", free_port()));
    let ran = ran.output().expect("starts");
    assert!(ran.status.success(), "{}", text_of(&ran));
    assert!(text_of(&ran).contains("ready"), "{}", text_of(&ran));
    assert!(data.join("keydesk.sqlite").is_file(), "{}", text_of(&ran));
}
