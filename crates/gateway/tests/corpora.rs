//! Plays every file of the fuzz targets' corpora, so that what was once found stays found.

use keydesk_gateway::probe;
use std::path::Path;

fn replay(target: &str, probe: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
        let bytes = std::fs::read(entry.expect("lists").path()).expect("reads");
        probe(&bytes);
        count += 1;
    }
    assert!(count >= 10, "{target} has {count} files");
}

#[test]
fn t07_authorization() {
    replay("authorization", probe::authorization);
}

#[test]
fn token() {
    replay("token", probe::token);
}

#[test]
fn t31_t42_path() {
    replay("path", probe::path);
}

#[test]
fn t11_forwarded() {
    replay("forwarded", probe::forwarded);
}

#[test]
fn t22_http1() {
    replay("http1", probe::http1);
}
