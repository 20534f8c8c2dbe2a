//! Secrets on this machine: alone on standard output, or in a file that only its owner can read.

use anyhow::{Context, bail};
use keydesk_node::system;
use keydesk_token::{Kind, PlainToken};
use serde_json::{Value, json};
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Generate a secret that no one else has seen, and print its digest and the masked secret for the management API
    Make(MakeArgs),
}

#[derive(Debug, clap::Args)]
pub struct MakeArgs {
    /// File for the secret; it must not exist
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// Token prefix of the Keydesk instance
    #[arg(long, value_name = "PREFIX", default_value = "kd")]
    prefix: keydesk_token::Prefix,
}

/// Where a secret goes.
#[derive(Clone, Debug, clap::Args)]
pub struct SecretOutput {
    /// Write the secret to a file that only you can read; it must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretOutput {
    /// Fails if the secret couldn’t be written, before it is made.
    pub fn check(&self, prints_json: bool) -> anyhow::Result<()> {
        match &self.secret_file {
            None if prints_json => {
                bail!("name a --secret-file: secrets are not printed together with JSON")
            }
            Some(path) if path.exists() => bail!("{} exists", path.display()),
            _ => Ok(()),
        }
    }

    /// Writes the secret, and returns the object without it.
    pub fn write(&self, mut object: Value) -> anyhow::Result<Value> {
        let secret = object.as_object_mut().and_then(|object| object.remove("secret"));
        match (secret.as_ref().and_then(Value::as_str), &self.secret_file) {
            (Some(secret), Some(path)) => write_file(path, secret)?,
            (Some(secret), None) => print_line!("{secret}"),
            (None, _) => {
                eprintln!("The secret isn’t shown again. If it got lost, rotate the token.");
            }
        }
        Ok(object)
    }
}

fn write_file(path: &Path, secret: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{secret}"))
        .with_context(|| format!("{} can’t be written", path.display()))
}

pub fn run(command: Command) -> anyhow::Result<()> {
    let Command::Make(MakeArgs { secret_file, prefix }) = command;
    let plain = PlainToken::generate(&prefix, Kind::Account, &system::entropy());
    write_file(&secret_file, plain.expose())?;
    let made =
        json!({ "secret_sha256": hex::encode(plain.hash().as_bytes()), "masked": plain.masked() });
    print_line!("{made}");
    Ok(())
}
