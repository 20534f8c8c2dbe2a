//! `keydesk login`: a key for this machine, which the user confirms in the console (RFC 8628).

use super::{
    connection::{Connection, unexpected},
    output::{Column, Format, print_list, shown},
    profiles::{Profile, Profiles},
};
use anyhow::{Context, bail};
use http::Method;
use serde_json::{Value, json};
use std::{io::Read, time::Duration};
use zeroize::Zeroizing;

const CLIENT_ID: &str = "keydesk-cli";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[derive(Debug, clap::Args)]
pub struct LoginArgs {
    /// Console URL
    url: String,
    /// Scope to request; repeat for several. You select the final scopes in the console
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Name of the profile [default: the host and port of the URL]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Read a management key from standard input instead
    #[arg(long)]
    key_stdin: bool,
}

#[derive(Debug, clap::Args)]
pub struct LogoutArgs {
    /// Profile [default: that of the last login]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

pub async fn log_in(args: LoginArgs) -> anyhow::Result<()> {
    let uri: http::Uri = args.url.parse().context("the console URL isn’t valid")?;
    let host = uri.authority().map(|authority| authority.as_str().to_owned());
    let name = args.profile.clone().or(host).unwrap_or_default();
    let mut profiles = Profiles::read()?;
    if profiles.profiles.contains_key(&name) {
        bail!(
            "there is a profile “{name}”: run “keydesk logout --profile {name}” first, or name another --profile"
        );
    }
    let key = if args.key_stdin { read_key()? } else { ask_in_console(&args).await? };
    // It works before it is kept.
    let connection = Connection::to(&args.url, Some(key.clone()))?;
    let own = connection.get("/key").await?;
    profiles.add(&name, connection.url(), &key);
    profiles.write()?;
    let acts_as = own["acts_as"].as_str().unwrap_or_default();
    eprintln!("Logged in to {} as {acts_as}, profile “{name}”.", connection.url());
    Ok(())
}

fn read_key() -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().read_to_string(&mut text)?;
    if text.trim().is_empty() {
        bail!("standard input has no management key");
    }
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// Shows the user where to confirm the login, and waits for the key.
async fn ask_in_console(args: &LoginArgs) -> anyhow::Result<Zeroizing<String>> {
    let connection = Connection::to(&args.url, None)?;
    let scope = args.scopes.join(" ");
    let form = [("client_id", CLIENT_ID), ("scope", scope.as_str())];
    let (status, started) = connection.post_form("/oauth/device_authorization", &form).await?;
    let text = |name: &str| started[name].as_str().unwrap_or_default();
    if status != 200 {
        bail!("{}", oauth_error(&connection, status, &started));
    }
    let device_code = Zeroizing::new(text("device_code").to_owned());
    eprintln!("Open {}", shown(text("verification_uri_complete")));
    eprintln!("and check that it shows the code {}.", shown(text("user_code")));
    let mut interval = Duration::from_secs(started["interval"].as_u64().unwrap_or(5));
    loop {
        tokio::time::sleep(interval).await;
        let form = [("client_id", CLIENT_ID), ("grant_type", GRANT), ("device_code", &device_code)];
        let (status, answer) = connection.post_form("/oauth/token", &form).await?;
        match (status, answer["error"].as_str()) {
            (200, _) => {
                let key = answer["access_token"].as_str().unwrap_or_default();
                return Ok(Zeroizing::new(key.to_owned()));
            }
            (_, Some("authorization_pending")) => {}
            (_, Some("slow_down")) => interval += Duration::from_secs(5),
            (_, Some("access_denied")) => bail!("the login was denied in the console"),
            (_, Some("expired_token")) => bail!("the login wasn’t confirmed in time; start over"),
            _ => bail!("{}", oauth_error(&connection, status, &answer)),
        }
    }
}

fn oauth_error(connection: &Connection, status: u16, body: &Value) -> anyhow::Error {
    match body["error_description"].as_str().or(body["error"].as_str()) {
        Some(error) => unexpected(&shown(error)).into(),
        None => unexpected(&format!(
            "{} answered with status {status}. Is it the console URL?",
            connection.url()
        ))
        .into(),
    }
}

pub async fn log_out(args: LogoutArgs) -> anyhow::Result<()> {
    let mut profiles = Profiles::read()?;
    let name = args.profile.or(profiles.default.clone()).context("no one is logged in")?;
    let Profile { url, key } = profiles.find(Some(&name))?;
    let connection = Connection::to(&url, Some(key))?;
    let revoked = connection.change(Method::DELETE, "/key", None).await;
    profiles.remove(&name);
    profiles.write()?;
    match revoked {
        Ok(_) => eprintln!("The key is revoked, and the profile “{name}” is removed."),
        Err(error) => {
            eprintln!("The profile “{name}” is removed. Its key wasn’t revoked: {error}");
        }
    }
    Ok(())
}

const PROFILE: [Column; 3] = [("Profile", "/name"), ("URL", "/url"), ("Default", "/default")];

#[derive(Debug, clap::Args)]
pub struct ProfilesArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn list(args: &ProfilesArgs) -> anyhow::Result<()> {
    let profiles = Profiles::read()?;
    let default = profiles.default.as_deref();
    let rows: Vec<_> = profiles
        .profiles
        .iter()
        .map(|(name, stored)| {
            json!({ "name": name, "url": stored.url, "default": default == Some(name) })
        })
        .collect();
    let format = if args.json { Format::Json } else { Format::Table };
    print_list(format, &PROFILE, &rows);
    Ok(())
}
