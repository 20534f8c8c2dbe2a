//! The rules that `keydesk scan rules` prints, in the scanners that they are for.

use crate::{
    integrations::clients,
    leaks::{Folder, token},
    support::{Keydesk, Options, call, eventually},
};
use serde_json::Value;
use std::fs;

/// A tree of 10,000 files: tokens in some, and what looks like tokens in others.
fn plant(folder: &Folder) -> Vec<String> {
    let mut planted = Vec::new();
    for number in 0..10_000_u64 {
        let (area, kind) = (number % 100, number % 7);
        let name = format!(
            "area-{area}/file-{number}.{}",
            ["js", "py", "env", "md", "yml", "txt", "log"][usize::try_from(kind).expect("small")]
        );
        let secret = token(number);
        let content = match number % 200 {
            7 => format!("API_TOKEN={secret}\n"),
            107 => format!("line one\n  \"authorization\": \"Bearer {secret}\",\n"),
            20 => format!("too short: {}\n", &secret[..40]),
            30 => format!("other kind: kd_x_{}\n", &secret[5..]),
            40 => format!("masked: kd_a_••••••••{}\n", &secret[39..]),
            50 => format!("longer: {secret}more\n"),
            _ => format!("const id = {number}; // kd_ and nothing else\n"),
        };
        if matches!(number % 200, 7 | 107) {
            planted.push(name.clone());
        }
        folder.write(&name, content);
    }
    planted.sort();
    planted
}

fn rules(folder: &Folder, scanner: &str, endpoint: &str) -> String {
    let output = folder.scan(&["rules", "--for", scanner, "--endpoint", endpoint]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a scanner, and returns the paths of its findings, each with the result of its check.
fn run_scanner(
    folder: &Folder,
    scanner: &str,
    (tree, endpoint): (&str, &str),
    checks: bool,
) -> Vec<(String, String)> {
    let program = clients().join("scanners").join(match scanner {
        "kingfisher" => "kingfisher/bin/kingfisher",
        _ => "betterleaks/bin/betterleaks",
    });
    let config = folder.home().join(format!("{scanner}.rules"));
    let config = config.with_extension(if scanner == "kingfisher" { "yml" } else { "toml" });
    fs::write(&config, rules(folder, scanner, endpoint)).expect("writes");
    let report = folder.home().join(format!("{scanner}.json"));
    let mut command = folder.command(program.to_str().expect("UTF-8"));
    if scanner == "kingfisher" {
        command.args(["scan", tree, "--load-builtins=false", "--format", "json", "--no-dedup"]);
        command.arg("--rules-path").arg(&config).arg("--output").arg(&report);
        command.args(if checks { &["--allow-internal-ips"][..] } else { &["--no-validate"] });
    } else {
        command
            .arg(tree)
            .arg("--config")
            .arg(&config)
            .arg("--output")
            .arg(&report)
            .arg("--no-banner");
        command.args(if checks { &["--validate"][..] } else { &[] });
    }
    let output = command.output().expect("starts");
    let text = fs::read_to_string(&report).unwrap_or_else(|_| panic!("{output:?}"));
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {output:?}"));
    let findings = report["findings"].as_array().unwrap_or_else(|| panic!("{report}"));
    let mut found: Vec<_> = findings
        .iter()
        .map(|finding| {
            let text = finding.to_string();
            let path = ["/finding/path", "/location/path"]
                .iter()
                .find_map(|at| finding.pointer(at)?.as_str());
            (path.unwrap_or_else(|| panic!("{finding}")).to_owned(), text)
        })
        .collect();
    found.sort();
    found
}

/// The generated rules find every planted token in 10,000 files and nothing else.
#[test]
fn f13_other_scanners_find_every_token_with_the_generated_rules() {
    let folder = Folder::new();
    let planted = plant(&folder);
    let of_ours = folder.finds(&[]).0;
    let mut ours: Vec<_> =
        of_ours.iter().map(|place| place.split(':').next().expect("a path").to_owned()).collect();
    ours.sort();
    // Our own scanner also finds a token in the middle of a longer word.
    ours.retain(|path| planted.contains(path));
    assert_eq!(ours, planted);
    for scanner in ["kingfisher", "betterleaks"] {
        let found = run_scanner(&folder, scanner, (".", "https://api.example.com"), false);
        let paths: Vec<_> =
            found.into_iter().map(|(path, _)| path.trim_start_matches("./").to_owned()).collect();
        assert_eq!(paths, planted, "{scanner}");
    }
    assert!(planted.len() == 100 && folder.path().is_dir());
    // Nothing is made up: what goes to a service names the operator's own console.
    for (args, status) in [
        (&["rules", "--for", "github"][..], 2),
        (&["rules", "--for", "gitlab", "--console", "htp:/x"], 2),
        (&["rules", "--for", "kingfisher", "--endpoint", "foo"], 2),
        (&["rules", "--for", "gitlab", "--console", "https://console.acme.example/"], 0),
        (&["rules", "--for", "kingfisher"], 0),
    ] {
        let output = folder.scan(args);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {output:?}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("example.com"), "{output:?}");
    }
}

/// The check of a scanner is a request to the gateway, which tells active tokens from others, and raises the alarm of a
/// canary token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_the_check_of_another_scanner_trips_a_canary_token() {
    let mut keydesk = Keydesk::start_with(&Options::default());
    let ann = keydesk.with_account().await;
    let live = ann.create_token("live", "never").await;
    let endpoint = ann.endpoint_url().await;
    for scanner in ["kingfisher", "betterleaks"] {
        let name = format!("bait for {scanner}");
        let bait = ann.post("/canaries", &[("name", &name)]).await.value("canary-bait-token");
        let folder = Folder::new();
        folder.write("tree/live.env", format!("T={live}\n"));
        folder.write("tree/bait.env", format!("T={bait}\n"));
        let found = tokio::task::block_in_place(|| {
            run_scanner(&folder, scanner, ("tree", &endpoint), true)
        });
        let of = |part: &str| &found.iter().find(|(path, _)| path.contains(part)).expect("found").1;
        let words = if scanner == "kingfisher" {
            ["Active Credential", "Inactive Credential"]
        } else {
            ["\"valid\"", "\"invalid\""]
        };
        assert!(of("live").contains(words[0]), "{}", of("live"));
        assert!(of("bait").contains(words[1]), "{}", of("bait"));
        eventually("the alarm", async || {
            ann.get("/mail").await.text.contains(&format!("Alert: canary token “{name}” was used"))
        })
        .await;
        let said =
            call(&format!("{endpoint}/keydesk/whoami"), Some(&format!("Bearer {bait}"))).await;
        assert_eq!(said.status(), 401);
    }
}
