//! `keydesk operator`: manages the operators of the instance.

use crate::{config::Config, data};
use anyhow::Context;
use keydesk_control::{IsNew, create_operator, remove_operator};
use std::io::Read;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a user an operator, and create the user if needed
    Create(CreateArgs),
    /// List operators
    List,
    /// Revoke operator permissions; the user can still log in
    Remove {
        /// Email address
        email: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// Email address
    #[arg(long, value_name = "EMAIL")]
    email: String,
    /// Name [default: the part of the address before the @]
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Read the password of a new user from standard input
    #[arg(long)]
    password_stdin: bool,
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let app = data::app(&config).await?;
    match command {
        Command::Create(args) => {
            let password = args.password_stdin.then(read_password).transpose()?;
            let is_new =
                create_operator(&app, &args.email, &args.name, password.as_deref()).await?;
            let url = &app.settings.console_url;
            if is_new == IsNew::No && args.password_stdin {
                print_line!(
                    "{} already has a login: the given password was not used, and the existing one still applies.",
                    args.email
                );
            }
            print_line!("{} is an operator. Log in at {url}, then see {url}/operator", args.email);
        }
        Command::List => {
            for operator in app.store.read().await?.list_operators().await? {
                print_line!("{:<40}{}", operator.email.to_string(), operator.name.escape_debug());
            }
        }
        Command::Remove { email } => {
            remove_operator(&app, &email).await?;
            print_line!("{email} is no longer an operator.");
        }
    }
    app.store.close().await;
    Ok(())
}

/// Reads a password from the first line of standard input, because other users can see command-line arguments.
pub fn read_password() -> anyhow::Result<String> {
    let mut password = String::new();
    std::io::stdin()
        .read_to_string(&mut password)
        .context("the password cannot be read from standard input")?;
    Ok(password.trim_end_matches(['\r', '\n']).to_owned())
}
