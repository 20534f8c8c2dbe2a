//! The console and the gateway behind the proxies of the guide, set up as it says, and as they come.

use crate::{
    documents::repository,
    support::{Keydesk, Options, PASSWORD, PATIENCE, eventually, free_port},
};
use std::process::{Child, Command, Stdio};

struct Proxy {
    process: Child,
    port: u16,
    certificate: String,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// The first block of a language in the guide.
fn block(language: &str) -> String {
    let path = repository().join("docs/guide/configuration.md");
    let text = std::fs::read_to_string(path).expect("reads");
    let rest = text.split_once(&format!("```{language}\n")).expect("there is one").1;
    rest.split("```").next().expect("ends").to_owned()
}

/// A Keydesk whose public URLs have this port, and whose own listeners are `console` and `gateway`.
fn keydesk(port: u16) -> (Keydesk, u16, u16) {
    let (console, gateway) = (free_port(), free_port());
    let config = format!(
        "public_console_url = \"https://console.example.com:{port}\"\npublic_gateway_url = \"https://api.example.com:{port}\"\n\
         trusted_proxies = [\"127.0.0.1\"]\n"
    );
    let options = Options {
        config,
        console: Some(format!("127.0.0.1:{console}")),
        gateway: Some(format!("127.0.0.1:{gateway}")),
        ..Options::default()
    };
    (Keydesk::start_with(&options), console, gateway)
}

impl Proxy {
    /// `config` makes the file of the block, the folder, and the port; `arguments` name it as `FILE`.
    async fn start(
        program: &str,
        arguments: &[&str],
        port: u16,
        config: impl Fn(&str) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["console.example.com", "api.example.com"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).expect("made");
        std::fs::write(folder.path().join("fullchain.pem"), made.cert.pem()).expect("writes");
        std::fs::write(folder.path().join("privkey.pem"), made.signing_key.serialize_pem())
            .expect("writes");
        let path = folder.path().display().to_string();
        let file = format!("{path}/config");
        std::fs::write(&file, config(&path)).expect("writes");
        let arguments = arguments.iter().map(|word| word.replace("FILE", &file));
        let process = Command::new(program)
            .args(arguments)
            .env("HOME", &path)
            .env("XDG_DATA_HOME", &path)
            .stdout(Stdio::null())
            .spawn()
            .expect("./test installs it");
        eventually("the proxy listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self { process, port, certificate: made.cert.pem(), _folder: folder }
    }

    async fn nginx(port: u16, console: u16, gateway: u16, passes_host: bool) -> Self {
        let config = |folder: &str| {
            let servers = adapted(&block("nginx"), folder, port, console, gateway)
                .replace(&format!("listen {port} ssl"), &format!("listen 127.0.0.1:{port} ssl"));
            let servers = if passes_host {
                servers
            } else {
                servers.replace("proxy_set_header Host $http_host;", "")
            };
            format!(
                "daemon off; pid {folder}/pid; error_log {folder}/log;\nevents {{}}\nhttp {{ access_log off; client_body_temp_path {folder}/a;\n\
                 proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n{servers} }}"
            )
        };
        Self::start("/usr/sbin/nginx", &["-e", "/dev/null", "-c", "FILE"], port, config).await
    }

    async fn caddy(port: u16, console: u16, gateway: u16) -> Self {
        let config = |folder: &str| {
            let tls = format!("{{\n    tls {folder}/fullchain.pem {folder}/privkey.pem\n");
            let sites = adapted(&block("caddyfile"), folder, port, console, gateway)
                .replace(
                    "console.example.com {\n",
                    &format!("https://console.example.com:{port} {tls}"),
                )
                .replace("api.example.com {\n", &format!("https://api.example.com:{port} {tls}"));
            format!("{{\n    admin off\n    auto_https disable_redirects\n}}\n{sites}")
        };
        let arguments = ["run", "--adapter", "caddyfile", "--config", "FILE"];
        Self::start("caddy", &arguments, port, config).await
    }

    async fn apache(port: u16, console: u16, gateway: u16) -> Self {
        let config = |folder: &str| {
            let modules = [
                "mpm_event",
                "authz_core",
                "ssl",
                "headers",
                "proxy",
                "proxy_http",
                "socache_shmcb",
            ];
            let load: Vec<_> = modules
                .iter()
                .map(|name| {
                    format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
                })
                .collect();
            let sites = adapted(&block("apache"), folder, port, console, gateway);
            format!(
                "ServerRoot {folder}\nServerName localhost\nPidFile {folder}/pid\nErrorLog {folder}/log\nListen 127.0.0.1:{port}\n{}{sites}",
                load.concat()
            )
        };
        Self::start("/usr/sbin/apache2", &["-D", "FOREGROUND", "-f", "FILE"], port, config).await
    }

    /// A browser that knows the names.
    fn client(&self) -> reqwest::Client {
        let addr = std::net::SocketAddr::from(([127, 0, 0, 1], self.port));
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).expect("PEM");
        crate::support::client()
            .add_root_certificate(root)
            .resolve("console.example.com", addr)
            .resolve("api.example.com", addr)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .expect("a client")
    }
}

fn adapted(text: &str, folder: &str, port: u16, console: u16, gateway: u16) -> String {
    text.replace("127.0.0.1:8080", &format!("127.0.0.1:{console}"))
        .replace("127.0.0.1:8081", &format!("127.0.0.1:{gateway}"))
        .replace("listen 443", &format!("listen {port}"))
        .replace("*:443", &format!("*:{port}"))
        .replace("/etc/ssl/", &format!("{folder}/"))
}

/// The first account is opened, and its token used, all through the proxy.
async fn works(proxy: &Proxy, keydesk: &Keydesk, fields: &[(&'static str, &str)]) {
    let client = proxy.client();
    let port = proxy.port;
    let console = format!("https://console.example.com:{port}");
    let link = keydesk.setup_link.clone().expect("a link");
    assert!(link.starts_with(&console), "{link}");
    let form = [
        ("account", "Acme"),
        ("name", "Ann Chen"),
        ("email", "ann@acme.example"),
        ("password", PASSWORD),
    ];
    let mut request = client.post(&link).form(&form).header("origin", &console);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let opened = request.send().await.expect("answers");
    let (status, cookie) = (opened.status().as_u16(), opened.headers().get("set-cookie").cloned());
    assert_eq!(status, 303, "{}", opened.text().await.expect("a page"));
    let cookie = cookie
        .expect("a session")
        .to_str()
        .expect("ASCII")
        .split(';')
        .next()
        .expect("a pair")
        .to_owned();
    // A browser sends other programs' cookies along, whatever bytes they hold.
    let other = [b"city=S\xe3o Paulo; ".as_slice(), cookie.as_bytes()].concat();
    let request = client.get(format!("{console}/api-docs")).header("cookie", &other[..]);
    let page =
        request.header("authorization", "Basic YWxpY2U6c2VjcmV0").send().await.expect("answers");
    assert_eq!(page.status(), 200, "{}", page.text().await.expect("a page"));
    let text = page.text().await.expect("a page");
    let endpoint = crate::support::User::value_in(&text, "endpoint-url").expect("an endpoint URL");
    let token = crate::support::User::value_in(&text, "bearer-token").expect("a token");
    let answer = client.get(format!("{endpoint}/api/v1/contacts")).bearer_auth(token).send().await;
    let answer = answer.expect("answers");
    assert_eq!(answer.status(), 200, "{}", answer.text().await.expect("a body"));
}

#[tokio::test]
async fn nginx_as_the_guide_says_and_as_it_comes() {
    for passes_host in [true, false] {
        let port = free_port();
        let (keydesk, console, gateway) = keydesk(port);
        let proxy = Proxy::nginx(port, console, gateway, passes_host).await;
        works(&proxy, &keydesk, &[]).await;
    }
}

#[tokio::test]
async fn caddy_as_the_guide_says() {
    let port = free_port();
    let (keydesk, console, gateway) = keydesk(port);
    let proxy = Proxy::caddy(port, console, gateway).await;
    works(&proxy, &keydesk, &[]).await;
}

#[tokio::test]
async fn apache_as_the_guide_says() {
    let port = free_port();
    let (keydesk, console, gateway) = keydesk(port);
    let proxy = Proxy::apache(port, console, gateway).await;
    works(&proxy, &keydesk, &[]).await;
}

/// The login page, as a proxy with these headers would ask for it.
async fn page(console: u16, fields: &[(&'static str, String)]) -> (u16, String) {
    let client = crate::support::client().build().expect("a client");
    let mut request = client.get(format!("http://127.0.0.1:{console}/login"));
    for (name, value) in fields {
        request = request.header(*name, value);
    }
    let answer = request.send().await.expect("answers");
    (answer.status().as_u16(), answer.text().await.expect("a page"))
}

/// What Traefik and load balancers send, straight to the console.
#[tokio::test]
async fn hosts_ports_and_schemes_as_other_proxies_write_them() {
    let port = free_port();
    let (_keydesk, console, _) = keydesk(port);
    let own = format!("console.example.com:{port}");
    let https = ("x-forwarded-proto", "https".to_owned());
    for fields in [
        // Traefik
        vec![
            ("host", own.clone()),
            ("x-forwarded-host", own.clone()),
            ("x-forwarded-port", port.to_string()),
            ("x-forwarded-server", "edge".to_owned()),
            ("x-real-ip", "203.0.113.7".to_owned()),
            https.clone(),
        ],
        // `Host $host` leaves the port out.
        vec![("host", "console.example.com".to_owned()), https.clone()],
        // `Host $proxy_host`
        vec![("host", format!("127.0.0.1:{console}")), https.clone()],
        vec![("host", "keydesk:8080".to_owned()), ("x-forwarded-host", own.clone()), https.clone()],
        vec![("host", own.to_uppercase()), ("x-forwarded-proto", "https,https".to_owned())],
        vec![
            ("host", own.clone()),
            ("x-forwarded-proto", "HTTPS".to_owned()),
            ("x-forwarded-for", "203.0.113.7:51234".to_owned()),
        ],
    ] {
        let (status, text) = page(console, &fields).await;
        assert_eq!(status, 200, "{fields:?}: {text}");
    }
}

#[tokio::test]
async fn other_hosts_and_schemes_are_told_what_arrived() {
    let port = free_port();
    let (_keydesk, console, _) = keydesk(port);
    let own = format!("console.example.com:{port}");
    let https = ("x-forwarded-proto", "https".to_owned());
    for (fields, status, message) in [
        (
            vec![("host", "evil.example".to_owned()), https.clone()],
            421,
            "The request is for evil.example",
        ),
        (
            vec![("host", own.clone()), ("x-forwarded-proto", "https,http".to_owned())],
            403,
            "X-Forwarded-Proto",
        ),
        (
            vec![
                ("host", format!("127.0.0.1:{console}")),
                ("x-forwarded-host", "evil.example".to_owned()),
                https.clone(),
            ],
            421,
            "",
        ),
    ] {
        let (found, text) = page(console, &fields).await;
        assert!(found == status && text.contains(message), "{fields:?}: {found} {text}");
    }
}

#[tokio::test]
async fn the_port_that_goes_without_saying_can_be_said() {
    let config = "public_console_url = \"https://console.example.com:443\"\ntrusted_proxies = [\"127.0.0.1\"]\n".to_owned();
    let keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    assert_eq!(keydesk.console, "https://console.example.com");
}

/// Two on one host, told apart by their ports alone.
#[tokio::test]
async fn two_consoles_on_one_host_do_not_share_a_session() {
    let (mut first, mut second) = (Keydesk::start(), Keydesk::start());
    let (ann, _) = (first.with_account().await, second.with_account().await);
    let page = ann.log_in("ann@acme.example", PASSWORD).await;
    let cookie = page.header("set-cookie").split('=').next().expect("a name").to_owned();
    let port = first.console.rsplit(':').next().expect("a port");
    assert_eq!(cookie, format!("keydesk-{port}"));
}

#[tokio::test]
async fn a_log_in_leads_back_to_path_and_query() {
    let mut keydesk = Keydesk::start();
    keydesk.with_account().await;
    let visitor = crate::support::User::visiting(&keydesk.console);
    let asked = visitor.get("/audit?text=M%C3%BCller&page=2").await;
    let login = asked.location.expect("a redirect");
    assert_eq!(login, "/login?next=/audit%3Ftext%3DM%25C3%25BCller%26page%3D2");
    let form = visitor.get(&login).await.text;
    assert!(
        form.contains("/audit?text=M%C3%BCller&amp;page=2")
            || form.contains("/audit?text=M%C3%BCller&#38;page=2"),
        "{form}"
    );
    let change = visitor.get("/.well-known/change-password").await;
    assert_eq!((change.status, change.location.as_deref()), (303, Some("/profile#password")));
}

/// nginx asks Keydesk in a request of its own, which has the limits of where it goes.
#[tokio::test]
async fn nginx_that_asks_lets_a_large_upload_through() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let api = listener.local_addr().expect("an address").port();
    let router =
        axum::Router::new().fallback(async |body: axum::body::Bytes| body.len().to_string());
    let router = router.layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = "[forward_auth]\ntrusted_proxies = [\"127.0.0.1\"]\n".to_owned();
    let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
    let ann = keydesk.with_account().await;
    let (endpoint, token) = (ann.endpoint_url().await, ann.bearer_token().await);
    let account = endpoint.rsplit('/').next().expect("a number");
    let proxy = crate::integrations::start_proxy("nginx", &keydesk.gateway, api, 0).await;
    let url = format!("http://127.0.0.1:{}/{account}/upload", proxy.port);
    let client = crate::support::client().build().expect("a client");
    let body = vec![0; 3 * 1024 * 1024];
    let answer = client.post(url).bearer_auth(token).body(body).timeout(PATIENCE).send().await;
    let answer = answer.expect("answers");
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.expect("a body").as_str()),
        (200, "3145728")
    );
}
