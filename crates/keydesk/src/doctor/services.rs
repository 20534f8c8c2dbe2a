//! What Keydesk uses: the database, the upstreams and their document, the mail server, and identity providers.

use super::{
    Finding,
    network::{BOUNDS, clock},
};
use crate::{config::Config, data, documents, serve};
use http::{Request, Uri};
use keydesk_control::{send_test_mail, test_mail_server};
use keydesk_outbound::Reach;
use keydesk_store::DatabaseUrl;

/// Returns the issuers of single sign-on as well, which are in the database.
pub async fn check_database(config: &Config) -> (Vec<Finding>, Vec<String>) {
    if let DatabaseUrl::Sqlite(file) = &config.store
        && !file.is_file()
    {
        let text = format!("{} will be created when Keydesk starts", file.display());
        return (vec![Finding::ok("database", text)], Vec::new());
    }
    let store = match data::open(config).await {
        Ok((store, _)) => store,
        Err(error) => {
            let remedy = match &config.store {
                DatabaseUrl::Sqlite(_) => "Correct this, or restore a backup.",
                DatabaseUrl::Postgres(_) => {
                    "Check that the server runs, and that database_url names it, the user, and the password."
                }
            };
            return (vec![Finding::error("database", format!("{error:#}"), remedy)], Vec::new());
        }
    };
    let mut findings = Vec::new();
    match store.checked().await {
        Ok(()) => findings.push(Finding::ok("database", config.store.to_string())),
        Err(error) => findings.push(Finding::error(
            "database",
            error.to_string(),
            "Repair the database, or restore a backup.",
        )),
    }
    let own = keydesk_node::system::clock().now();
    if let Ok(theirs) = store.now(own).await {
        let apart = theirs.since(own).max(own.since(theirs));
        if apart.as_secs() >= 2 {
            findings.push(Finding::error(
                "clock",
                format!("this machine’s clock and the database’s differ by {} s", apart.as_secs()),
                "Synchronize both clocks with NTP: a gateway whose clock is wrong rejects all tokens.",
            ));
        }
    }
    let issuers = match store.read().await {
        Ok(mut read) => read.list_sso_issuers().await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    store.close().await;
    (findings, issuers)
}

pub async fn check_upstreams(config: &Config) -> Vec<Finding> {
    let mut servers: Vec<Uri> = config.upstream.iter().cloned().collect();
    servers.extend(config.upstreams.iter().flat_map(|upstream| upstream.servers.iter().cloned()));
    if servers.is_empty() {
        let remedy = "Set the URL of your API as upstream.";
        let text = "the built-in sample API is behind the gateway";
        return vec![Finding::warning("upstream", text, remedy)];
    }
    let mut findings = Vec::new();
    for server in &servers {
        let Ok(request) = Request::get(server.clone()).body(Vec::new()) else { continue };
        // Any response says that the API is there.
        match config.outbound.notify(request, BOUNDS, Reach::Anywhere).await {
            Ok(answer) => {
                let text = format!("{server} responds ({})", answer.status());
                findings.push(Finding::ok("upstream", text));
                findings.extend(clock(answer.headers(), &server.to_string()));
            }
            Err(error) => findings.push(Finding::error(
                "upstream",
                format!("{server} doesn’t respond: {error}"),
                "Start the API, or correct the URL. For a certificate of your own authority, set ca_file.",
            )),
        }
    }
    findings.extend(check_document(config, &servers[0]).await);
    findings
}

async fn check_document(config: &Config, upstream: &Uri) -> Option<Finding> {
    let source = match documents::openapi(config, upstream) {
        Ok(source) => source,
        Err(error) => {
            let remedy = "Correct openapi.";
            return Some(Finding::error("OpenAPI", format!("{error:#}"), remedy));
        }
    };
    Some(match source.rules().await {
        Some(Ok(rules)) => Finding::ok("OpenAPI", format!("{} operations", rules.len())),
        Some(Err(error)) => Finding::error("OpenAPI", error.to_string(), "Correct the document."),
        None => Finding::warning(
            "OpenAPI",
            "there is no document",
            "Set the document’s file or URL as openapi. Without it, API Docs shows no reference.",
        ),
    })
}

pub async fn check_mail(config: &Config, to: Option<&str>) -> Vec<Finding> {
    if !config.role.has_console() {
        return Vec::new();
    }
    if config.mail.is_none() {
        return vec![if config.is_local() {
            Finding::ok("mail", "no mail server; the console shows the mail of this machine")
        } else {
            let text = "no mail server: invitations and password resets can’t be sent";
            Finding::error("mail", text, "Add a [mail] section.")
        }];
    }
    let remedy = "Check server, user, and password_file under [mail].";
    let mailer = match serve::mailer(config) {
        Ok(mailer) => mailer,
        Err(error) => return vec![Finding::error("mail", format!("{error:#}"), remedy)],
    };
    if let Err(error) = test_mail_server(&mailer).await {
        return vec![Finding::error("mail", error.to_string(), remedy)];
    }
    let Some(to) = to else {
        return vec![Finding::ok("mail", "the mail server accepts the login; try --mail-to")];
    };
    let app = match data::app_with(config, mailer).await {
        Ok(app) => app,
        Err(error) => return vec![Finding::error("mail", format!("{error:#}"), "See above.")],
    };
    let sent = send_test_mail(&app, to).await;
    app.store.close().await;
    vec![match sent {
        Ok(()) => Finding::ok("mail", format!("the mail server accepted a test email to {to}")),
        Err(error) => Finding::error("mail", error.to_string(), remedy),
    }]
}

/// Reads the discovery documents of the identity providers, and the keys of the services that report leaks.
pub async fn check_providers(config: &Config, issuers: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let scanning = &config.secret_scanning;
    for source in scanning.github.iter().chain(&scanning.gitlab) {
        let remedy = "Let this machine reach it, or turn the service off under [secret_scanning].";
        findings.push(fetch(config, ("leak reports", &source.url), remedy).await);
    }
    for issuer in issuers {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let remedy = "Members with single sign-on can’t log in. Check the provider and the issuer.";
        findings.push(fetch(config, ("single sign-on", &url), remedy).await);
    }
    findings
}

async fn fetch(
    config: &Config,
    (check, url): (&'static str, &str),
    remedy: &'static str,
) -> Finding {
    let Ok(request) = Request::get(url).header("user-agent", "Keydesk").body(Vec::new()) else {
        return Finding::error(check, format!("{url} is no URL"), remedy);
    };
    match config.outbound.send(request, BOUNDS, Reach::Anywhere).await {
        Ok(answer) if answer.status().is_success() => Finding::ok(check, url),
        Ok(answer) => Finding::error(check, format!("{url} returns {}", answer.status()), remedy),
        Err(error) => Finding::error(check, format!("{url}: {error}"), remedy),
    }
}
