//! `keydesk user`: helps users who can't log in, and erases users.

use crate::{config::Config, data, serve};
use keydesk_control::{MailQueue, erase_user, make_reset_link, reset_two_factor};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Reset two-factor authentication for a user who has lost their authenticator app and recovery codes.
    /// Verify the user's identity first: afterward, their password alone is enough to log in
    ResetTwoFactor {
        /// Email address
        email: String,
    },
    /// Print a password reset link for a user whom email cannot reach. The link works once and expires in one hour.
    /// Verify the user's identity first
    ResetLink {
        /// Email address
        email: String,
    },
    /// Erase a user: end all memberships and delete all personal data except audit log entries
    Erase {
        /// Email address
        email: String,
        /// Confirm the erasure, which cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let app = data::app_with(&config, serve::mailer(&config)?).await?;
    match command {
        Command::ResetTwoFactor { email } => {
            reset_two_factor(&app, &email).await?;
            print_line!(
                "Two-factor authentication of {email} was reset: the password alone is enough to log in."
            );
            if config.mail.is_none() {
                print_line!("No [mail] is configured, so no email was sent.");
            }
        }
        Command::ResetLink { email } => {
            let link = make_reset_link(&app, &email).await?;
            print_line!(
                "Give this link to {email}. It works once and expires in one hour:\n{link}"
            );
        }
        Command::Erase { email, yes } => {
            anyhow::ensure!(yes, "this cannot be undone: confirm with --yes");
            let id = erase_user(&app, &email).await?;
            print_line!(
                "{email} is erased: memberships, bearer tokens, sessions, passkeys and invitations are gone. \
                 The audit log cannot be changed. It keeps the id {id}, and the addresses that entries name."
            );
        }
    }
    if let Some(mut queue) = MailQueue::new(app.clone()) {
        queue.finish().await?;
    }
    app.store.close().await;
    Ok(())
}
