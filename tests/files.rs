//! What Keydesk writes only its owner can read, from the first byte on and in folders that were there before.

use crate::support::{Keydesk, Options, run_in};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Every file and folder below, with its rights.
fn rights(folder: &Path) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("is there").filter_map(Result::ok) {
        let mode = entry.metadata().expect("is there").permissions().mode() & 0o777;
        all.push((entry.path().display().to_string(), mode));
        if entry.path().is_dir() {
            all.extend(rights(&entry.path()));
        }
    }
    all
}

fn are_private(folder: &Path) {
    let all = rights(folder);
    assert!(all.len() > 4, "{all:?}");
    for (path, mode) in all {
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("is ours");
}

#[tokio::test]
async fn in_a_folder_that_was_there_before_everything_is_its_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("state");
    fs::create_dir(&data).expect("is made");
    set(&data, 0o755);
    let options = Options { data: Some(data.clone()), ..Options::default() };
    let mut keydesk = Keydesk::start_with(&options);
    keydesk.with_account().await;
    are_private(&data);
    assert_eq!(fs::metadata(&data).expect("is there").permissions().mode() & 0o777, 0o700);
    // A backup has no moment in which others could read it.
    let backup = folder.path().join("backup.sqlite");
    let written = keydesk.command(&["backup", &backup.display().to_string()]);
    assert!(written.status.success(), "{written:?}");
    assert_eq!(fs::metadata(&backup).expect("is there").permissions().mode() & 0o777, 0o600);
    // What an earlier release has left open is closed.
    keydesk.stop();
    set(&data, 0o777);
    for name in ["keydesk.sqlite", "sample-api.sqlite", "revocations.journal", "nodes"] {
        let path = data.join(name);
        if path.exists() {
            set(&path, if path.is_dir() { 0o755 } else { 0o644 });
        }
    }
    let options = Options { data: Some(data.clone()), has_account: true, ..Options::default() };
    let _keydesk = Keydesk::start_with(&options);
    are_private(&data);
}

/// Where others could write, one of them may have linked a file of ours to one that they cannot write.
#[test]
fn a_link_that_another_user_made_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (link, precious) =
        (folder.path().join("revocations.journal"), folder.path().join("precious"));
    std::fs::write(&precious, "precious").expect("writes");
    std::os::unix::fs::symlink(&precious, &link).expect("links");
    std::os::unix::fs::lchown(&link, Some(65_534), None).expect("is theirs");
    let data = folder.path().display().to_string();
    let output = run_in(folder.path(), &["--data", &data, "key", "list"], "");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("another user created"), "{message}");
    assert_eq!(std::fs::read_to_string(&precious).expect("reads"), "precious");
}

#[test]
fn a_folder_that_others_can_write_to_is_refused_where_it_may_not_be_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    set(folder.path(), 0o777);
    let output = run_in(folder.path(), &["--data", ".", "key", "list"], "");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("chmod 700"), "{message}");
}
