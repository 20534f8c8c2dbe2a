//! `keydesk user`: what the operator can do for somebody who cannot get in, or who wants to be forgotten.

use crate::{config::Config, data, serve};
use keydesk_control::{erase_user, make_reset_link, reset_two_factor};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Take somebody's second factor away, who has lost authenticator and recovery codes. Make sure that it is
    /// them who asks: from then on their password alone lets them in
    ResetSecondFactor {
        /// Their email address
        email: String,
    },
    /// Print a link with which a user whom email does not reach can set a new password. It works once, within an
    /// hour. Verify the user's identity first
    ResetLink {
        /// Their email address
        email: String,
    },
    /// Erase a user: end all their memberships, and delete all data about them except audit log entries
    Erase {
        /// Their email address
        email: String,
        /// Confirm the erasure, which cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let app = data::app_with(&config, serve::mailer(&config)?).await?;
    match command {
        Command::ResetSecondFactor { email } => {
            reset_two_factor(&app, &email).await?;
            print_line!("{email} logs in with the password alone now, and can set up another one.");
            if config.mail.is_none() {
                print_line!("No [mail] is configured, so no email was sent.");
            }
        }
        Command::ResetLink { email } => {
            let link = make_reset_link(&app, &email).await?;
            print_line!("Give this link to {email}. It is good once, within an hour:\n{link}");
        }
        Command::Erase { email, yes } => {
            anyhow::ensure!(yes, "this cannot be undone: confirm it with --yes");
            let id = erase_user(&app, &email).await?;
            print_line!(
                "{email} is erased: memberships, bearer tokens, sessions, passkeys and invitations are gone. \
                 The audit log cannot be changed. It keeps the id {id}, and the addresses that entries name."
            );
        }
    }
    app.finish_mail().await;
    app.store.close().await;
    Ok(())
}
