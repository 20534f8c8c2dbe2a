//! What breaks for real: a machine's own network, a disk that is full, a clock that jumps. Most of it
//! is root's to do; whoever is not is told that it was left out.

use super::Options;
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU8, Ordering},
};

pub fn is_root() -> bool {
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        println!("left out: namespaces and mounts are root's to make");
    }
    is_root
}

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).output().expect("starts")
}

fn must(program: &str, args: &[&str]) {
    let output = run(program, args);
    assert!(
        output.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A machine of its own as far as the network goes, with one cable to ours.
pub struct Namespace {
    pub name: String,
    cable: String,
    /// Our end of it.
    pub host: Ipv4Addr,
}

impl Namespace {
    pub fn new() -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        let (name, cable) = (format!("kd{pid}-{number}"), format!("kd{}h{number}", pid % 10_000));
        let inside = format!("kd{}n{number}", pid % 10_000);
        let third = u8::try_from(pid % 200).expect("small");
        let host = Ipv4Addr::new(10, 231, third, number * 4 + 1);
        must("ip", &["netns", "add", &name]);
        must(
            "ip",
            &["link", "add", &cable, "type", "veth", "peer", "name", &inside, "netns", &name],
        );
        must("ip", &["addr", "add", &format!("{host}/30"), "dev", &cable]);
        must("ip", &["link", "set", &cable, "up"]);
        let other = Ipv4Addr::new(10, 231, third, number * 4 + 2);
        for args in [
            vec!["addr", "add", &format!("{other}/30"), "dev", &inside],
            vec!["link", "set", &inside, "up"],
            vec!["link", "set", "lo", "up"],
        ] {
            must("ip", &[&["-n", &name], &args[..]].concat());
        }
        Self { name, cable, host }
    }

    /// Pulls the cable, or plugs it in.
    pub fn connect(&self, is_connected: bool) {
        must("ip", &["link", "set", &self.cable, if is_connected { "up" } else { "down" }]);
    }

    /// What a program on that machine is answered: the status.
    pub fn try_token(&self, url: &str, token: &str) -> String {
        let header = format!("authorization: Bearer {token}");
        let curl =
            ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "-H", &header, url];
        let output = run("ip", &[&["netns", "exec", &self.name], &curl[..]].concat());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run("ip", &["link", "del", &self.cable]);
        run("ip", &["netns", "del", &self.name]);
    }
}

/// A disk of two megabytes.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_string_lossy().into_owned();
        must("mount", &["-t", "tmpfs", "-o", "size=2m", "tmpfs", &path]);
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn fill(&self) {
        let filler = self.path().join("filler");
        let _ = std::fs::write(&filler, vec![0; 4 * 1024 * 1024]);
    }

    pub fn clear(&self) {
        let _ = std::fs::remove_file(self.path().join("filler"));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l", &self.path().to_string_lossy()]);
    }
}

/// A process whose wall clock is set from a file; its monotonic clocks go on as they do.
pub struct Clock {
    file: tempfile::NamedTempFile,
}

impl Clock {
    pub fn new() -> Self {
        let clock = Self { file: tempfile::NamedTempFile::new().expect("a file") };
        clock.jump("+0");
        clock
    }

    /// `+1h`, `-1y`: from the real time.
    pub fn jump(&self, offset: &str) {
        std::fs::write(self.file.path(), offset).expect("writes");
    }

    pub fn options(&self, options: Options) -> Options {
        let environment = vec![
            ("LD_PRELOAD", libfaketime().to_string_lossy().into_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.path().to_string_lossy().into_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
        ];
        Options { environment, ..options }
    }
}

/// What a process is started with to see another time.
pub fn libfaketime() -> PathBuf {
    ["x86_64", "aarch64"]
        .map(|machine| {
            PathBuf::from(format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1"))
        })
        .into_iter()
        .find(|path| path.exists())
        .expect("./test installs it")
}
