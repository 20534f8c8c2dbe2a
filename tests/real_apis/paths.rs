//! Paths as APIs have them: kept byte for byte where the upstream is configured for them, one segment for the rules.

use super::InFront;
use crate::support::raw::{Behind, RawUpstream, outcome};

const PATHS: [(&str, &str); 5] = [
    ("/api/v4/projects/group%2Fproject/issues", "encoded_slash"),
    ("/@scope%2fname", "encoded_slash"),
    ("/web/2024/https://example.com/", "empty_segments"),
    ("/objects/a%252Fb", "double_encoding"),
    ("/files/M%E4rz.pdf", "non_utf8"),
];

#[tokio::test]
async fn t31_odd_paths_reach_an_upstream_that_keeps_them_and_no_other() {
    let (keeping, strict) = (RawUpstream::start().await, RawUpstream::start().await);
    let keep = PATHS.map(|(_, key)| key);
    let keep: std::collections::BTreeSet<_> = keep.into_iter().collect();
    let keep: Vec<_> = keep.into_iter().map(|key| format!("{key} = \"keep\"\n")).collect();
    let keep = keep.concat();
    let config = format!(
        "[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\"]\n{keep}[[upstreams]]\nprefix = \"/strict\"\nurls = [\"{}\"]\n",
        keeping.url, strict.url
    );
    let api = InFront::with(&config).await;
    let send = async |path: &str| {
        let request = format!(
            "GET {}{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            api.prefix(),
            api.token
        );
        let addr = api.keydesk.gateway.trim_start_matches("http://");
        crate::support::raw::converse_until_closed(addr, request.as_bytes()).await
    };
    for (path, key) in PATHS {
        let answer = send(path).await;
        assert_eq!(outcome(&answer).0, 200, "{path}: {answer}");
        let got = keeping.take().join("");
        assert!(got.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{got}");
        let answer = send(&format!("/strict{path}")).await;
        assert_eq!(outcome(&answer).0, 400, "{path}: {answer}");
        assert!(
            answer.contains("ambiguous_path") && answer.contains(&format!("{key} = \\\"keep\\\"")),
            "{answer}"
        );
    }
    for path in ["/a/%2e%2e/b", "/a%2F..%2Fb", "/a%5Cb", "/a/./b", "/a%00"] {
        assert_eq!(outcome(&send(path).await).0, 400, "{path}: no upstream gets that");
    }
    assert_eq!(strict.take().len() + keeping.take().len(), 0);
}

/// A slash in disguise is one segment, and a doubled one is judged as both readings.
#[tokio::test]
async fn t31_kept_bytes_fool_no_scope_rule() {
    let upstream = RawUpstream::start().await;
    let config = format!(
        "[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\"]\nencoded_slash = \"keep\"\nempty_segments = \"keep\"\nnon_utf8 = \"keep\"\n\
         [[operation]]\nmethod = \"GET\"\npath = \"/projects/{{id}}\"\nscopes = [\"projects:read\"]\n\
         [[operation]]\nmethod = \"GET\"\npath = \"/projects/{{id}}/secrets\"\nscopes = [\"secrets:read\"]\n",
        upstream.url
    );
    let options = crate::support::Options { config, ..Default::default() };
    let mut keydesk = crate::support::Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    keydesk.command(&["operations", "enforce"]);
    let endpoint = ann.endpoint_url().await;
    let token = crate::limits::token_with(&ann, "CI", &["projects:read"]).await;
    let status = async |path: &str| {
        let client = crate::support::client().build().expect("a client");
        let url = format!("{endpoint}{path}");
        client.get(url).bearer_auth(&token).send().await.expect("answers").status().as_u16()
    };
    crate::support::eventually("rules are enforced", async || {
        status("/projects/1/secrets").await == 403
    })
    .await;
    assert_eq!(status("/projects/1").await, 200);
    assert_eq!(status("/projects/a%2Fb").await, 200, "one segment");
    assert_eq!(status("/projects/M%E4rz").await, 200);
    for path in [
        "/projects//1/secrets",
        "/projects/1//secrets",
        "/projects/a%2Fb/secrets",
        "/projects/1/secrets//",
    ] {
        assert_eq!(status(path).await, 403, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_url_is_told_what_is_wrong_with_it() {
    let behind = Behind::start("").await;
    for (target, message) in [
        ("PATH/a?q=München", "Percent-encode them as UTF-8"),
        ("PATH/ä", "Percent-encode them as UTF-8"),
        ("PATH/a#b", "Leave the fragment out"),
    ] {
        let answer = behind.send(&format!("GET {target} HTTP/1.1\r\nAUTH\r\n\r\n")).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("malformed_target"),
            "{answer}"
        );
        assert!(answer.contains(message), "{answer}");
    }
    let answer = behind.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 204 ") && answer.contains("allow: GET, HEAD, POST"),
        "{answer}"
    );
    let answer = behind.send("GET * HTTP/1.1\r\nAUTH\r\n\r\n").await;
    assert!(answer.contains("allowed for OPTIONS only"), "{answer}");
    assert!(behind.upstream.requests().is_empty());
}
