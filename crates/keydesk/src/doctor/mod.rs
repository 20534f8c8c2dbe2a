//! `keydesk doctor`: checks what Keydesk depends on outside of itself, and says what to do about each problem.

mod files;
mod network;
mod services;

use crate::config::{Config, Options};
use anyhow::bail;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Send a test email to this address
    #[arg(long, value_name = "EMAIL")]
    mail_to: Option<String>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// How good a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    /// It works, but may not be intended.
    Warning,
    /// Something doesn't work.
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The result of a check.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    level: Level,
    text: String,
    /// What to do about it.
    remedy: String,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, text: text.into(), remedy: String::new() }
    }

    fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, text: text.into(), remedy: remedy.into() }
    }

    fn error(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Error, text: text.into(), remedy: remedy.into() }
    }
}

pub async fn run(options: &Options, args: Args) -> anyhow::Result<()> {
    let findings = match Config::read(options) {
        Ok(config) => examine(&config, options, args.mail_to.as_deref()).await,
        Err(error) => vec![Finding::error(
            "configuration",
            format!("{error:#}"),
            "Correct this setting, then run the command again.",
        )],
    };
    if args.json {
        print_json(&findings);
    } else {
        findings.iter().for_each(print);
    }
    match findings.iter().filter(|finding| finding.level == Level::Error).count() {
        0 => Ok(()),
        1 => bail!("1 check failed"),
        count => bail!("{count} checks failed"),
    }
}

async fn examine(config: &Config, options: &Options, mail_to: Option<&str>) -> Vec<Finding> {
    let file = Config::file(options);
    let source = file.map_or_else(
        || "no configuration file; the defaults and the environment apply".to_owned(),
        |file| file.display().to_string(),
    );
    let mut findings = vec![Finding::ok("configuration", source)];
    findings.extend(files::check(config));
    let (database, issuers) = services::check_database(config).await;
    findings.extend(database);
    findings.extend(network::check_ports(config).await);
    findings.extend(network::check_names(config).await);
    findings.extend(network::check_certificate(config));
    findings.extend(network::check_public_urls(config).await);
    findings.extend(services::check_upstreams(config).await);
    findings.extend(services::check_mail(config, mail_to).await);
    findings.extend(services::check_providers(config, &issuers).await);
    findings
}

fn print(finding: &Finding) {
    let Finding { check, level, text, remedy } = finding;
    print_line!("{:<8} {check:<14} {text}", level.as_str());
    if !remedy.is_empty() {
        print_line!("{:<23} → {remedy}", "");
    }
}

fn print_json(findings: &[Finding]) {
    let all: Vec<_> = findings
        .iter()
        .map(|Finding { check, level, text, remedy }| {
            let remedy = (!remedy.is_empty()).then_some(remedy);
            json!({ "check": check, "level": level.as_str(), "text": text, "remedy": remedy })
        })
        .collect();
    print_line!("{}", json!({ "checks": all }));
}
