//! Redirects, links, and cookies of real frameworks lead back through the endpoint.

use super::{InFront, Server, header, packages};
use reqwest::Method;
use std::process::Command;

/// What curl gets when it follows redirects with the token: status and number of redirects.
fn follow(api: &InFront, path: &str) -> String {
    let output = Command::new("curl")
        .args(["-sS", "-L", "-o", "/dev/null", "-w", "%{http_code} %{num_redirects}"])
        .args(["-H", &format!("Authorization: Bearer {}", api.token)])
        .arg(format!("{}{path}", api.endpoint))
        .output();
    String::from_utf8(output.expect("curl runs").stdout).expect("is text")
}

#[tokio::test]
async fn fastapi_redirects_to_a_slash_through_the_endpoint() {
    let server = Server::python("tests/clients/orders_fastapi.py").await;
    let api = InFront::of(&server.url(), "").await;
    let prefix = api.prefix();
    let moved = api.get("/v1/orders?page=2").await;
    assert_eq!(moved.status(), 307);
    assert_eq!(header(&moved, "location"), format!("{prefix}/v1/orders/?page=2"));
    assert_eq!(follow(&api, "/v1/orders"), "200 1");
    let made = api.request(Method::POST, "/v1/orders/").send().await.expect("answers");
    assert_eq!(
        (made.status().as_u16(), header(&made, "location")),
        (201, format!("{prefix}/v1/orders/7"))
    );
    let pages = api.get("/v1/pages").await;
    assert_eq!(header(&pages, "link"), format!("<{}/v1/pages?page=2>; rel=\"next\"", api.endpoint));
    assert_eq!(header(&pages, "content-location"), format!("{prefix}/v1/pages?page=1"));
    let login = api.get("/v1/login").await;
    assert_eq!(header(&login, "location"), format!("{prefix}/v1/orders/"));
    assert_eq!(header(&login, "set-cookie"), format!("session=a; Path={prefix}/v1; SameSite=lax"));
    let away = api.get("/v1/away").await;
    assert_eq!(header(&away, "location"), "https://example.org/terms", "addresses of others stay");
}

#[tokio::test]
async fn django_redirects_to_a_slash_whatever_host_it_goes_by() {
    for (host, by_forwarded) in
        [("", "no"), ("", "yes"), ("host = \"client\"", "no"), ("host = \"api.internal\"", "no")]
    {
        let gunicorn = [
            "-m",
            "gunicorn",
            "--bind",
            "127.0.0.1:PORT",
            "--chdir",
            "tests/clients",
            "orders_django:application",
        ];
        let path = format!("{}:{}", packages("apis"), packages("python"));
        let environment = [
            ("PYTHONPATH", path.as_str()),
            ("HOSTS", "127.0.0.1 api.internal"),
            ("BY_FORWARDED", by_forwarded),
        ];
        let server = Server::start("python3", &gunicorn, &environment).await;
        let config =
            format!("[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\"]\n{host}\n", server.url());
        let api = InFront::with(&config).await;
        let prefix = api.prefix();
        let case = format!("{host} {by_forwarded}");
        let moved = api.get("/v1/orders").await;
        assert_eq!(
            (moved.status().as_u16(), header(&moved, "location")),
            (301, format!("{prefix}/v1/orders/")),
            "{case}"
        );
        assert_eq!(follow(&api, "/v1/orders"), "200 1", "{case}");
        let absolute = api.get("/v1/absolute").await;
        assert_eq!(header(&absolute, "location"), format!("{prefix}/v1/orders/"), "{case}");
        let orders = api.get("/v1/orders/").await;
        assert!(header(&orders, "set-cookie").contains(&format!("Path={prefix}")), "{case}");
        let message: serde_json::Value = orders.json().await.expect("JSON");
        let own = match (host, by_forwarded) {
            ("", "no") => server.url(),
            ("host = \"api.internal\"", _) => "http://api.internal".to_owned(),
            _ => api.keydesk.gateway.clone(),
        };
        assert_eq!(message["url"], format!("{own}/v1/orders/"), "{case}");
    }
}

#[tokio::test]
async fn express_redirects_and_sets_cookies_for_the_endpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("docs")).expect("makes");
    let files = folder.path().display().to_string();
    let modules = packages("node_modules");
    let arguments = ["tests/clients/orders_express.mjs", "PORT", &files];
    let server = Server::start("node", &arguments, &[("MODULES", &modules)]).await;
    let api = InFront::of(&server.url(), "").await;
    let prefix = api.prefix();
    assert_eq!(header(&api.get("/v1/orders").await, "location"), format!("{prefix}/v1/orders/"));
    assert_eq!(
        header(&api.get("/v1/files/docs").await, "location"),
        format!("{prefix}/v1/files/docs/")
    );
    assert_eq!(
        header(&api.get("/v1/back").await, "location"),
        "../v1/orders/",
        "what is relative stays right"
    );
    let cookie = api.get("/v1/cookie").await;
    assert_eq!(
        header(&cookie, "set-cookie"),
        format!("session=a; Path={prefix}; HttpOnly | __Host-strict=b; Path=/; Secure"),
    );
    assert_eq!(
        header(&cookie, "link"),
        format!("<{}/v1/cookie?page=2>; rel=\"next\"", api.endpoint)
    );
}

#[tokio::test]
async fn php_redirects_through_the_endpoint_also_below_a_base() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("index.php");
    std::fs::write(
        &script,
        "<?php setcookie('a', 'b', 0, '/base/v1'); header('Location: http://' . $_SERVER['HTTP_HOST'] . '/base/v1/orders/'); \
         header('X-Prefix: ' . $_SERVER['HTTP_X_FORWARDED_PREFIX']);",
    )
    .expect("writes");
    let script = script.display().to_string();
    let server = Server::start("php", &["-S", "127.0.0.1:PORT", &script], &[]).await;
    let api = InFront::of(&format!("{}/base", server.url()), "").await;
    let moved = api.get("/v1/orders").await;
    assert_eq!(header(&moved, "location"), format!("{}/v1/orders/", api.prefix()));
    assert!(
        header(&moved, "set-cookie").contains(&format!("Path={}/v1", api.prefix())),
        "{}",
        header(&moved, "set-cookie")
    );
    assert_eq!(header(&moved, "x-prefix"), api.prefix());
}

#[tokio::test]
async fn an_upstream_that_names_another_one_leads_to_its_prefix() {
    let orders = crate::support::raw::RawUpstream::start().await;
    let billing = crate::support::raw::RawUpstream::start().await;
    let config = format!(
        "[[upstreams]]\nprefix = \"/\"\nurls = [\"{}\"]\n[[upstreams]]\nprefix = \"/billing\"\nurls = [\"{}/v2\"]\n",
        orders.url, billing.url
    );
    let api = InFront::with(&config).await;
    let location = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}/v2/billing/7?a=b\r\ncontent-length: 0\r\n\r\n",
        billing.url
    );
    orders.answers(location.as_bytes());
    billing.answers(location.as_bytes());
    for path in ["/v1/orders", "/billing/6"] {
        assert_eq!(
            header(&api.get(path).await, "location"),
            format!("{}/billing/7?a=b", api.prefix()),
            "{path}"
        );
    }
}
