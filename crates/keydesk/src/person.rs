//! `keydesk person`: what the operator can do for somebody who cannot get in, or who wants to be forgotten.

use crate::{config::Config, data, serve};
use keydesk_control::{erase_person, make_reset_link, reset_second_factor};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Take somebody's second factor away, who has lost authenticator and recovery codes. Make sure that it is
    /// them who asks: from then on their password alone lets them in
    ResetSecondFactor {
        /// Their email address
        email: String,
    },
    /// Print a link with which a person whom email does not reach can set a new password. It works once, within an
    /// hour. Verify the person's identity first
    ResetLink {
        /// Their email address
        email: String,
    },
    /// Erase a person: end all their memberships, and delete all data about them except audit log entries
    Erase {
        /// Their email address
        email: String,
        /// Confirm the erasure, which cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let desk = data::desk_with(&config, serve::mailer(&config)?).await?;
    match command {
        Command::ResetSecondFactor { email } => {
            reset_second_factor(&desk, &email).await?;
            say!("{email} logs in with the password alone now, and can set up another one.");
            if config.mail.is_none() {
                say!("No [mail] is configured, so nobody has told them.");
            }
        }
        Command::ResetLink { email } => {
            let link = make_reset_link(&desk, &email).await?;
            say!("Give this link to {email}. It is good once, within an hour:\n{link}");
        }
        Command::Erase { email, yes } => {
            anyhow::ensure!(yes, "this cannot be undone: confirm it with --yes");
            let id = erase_person(&desk, &email).await?;
            say!(
                "{email} is erased: memberships, bearer tokens, sessions, passkeys and invitations are gone. \
                 The audit log cannot be changed. It keeps the id {id}, and the addresses that entries name."
            );
        }
    }
    desk.finish_mail().await;
    desk.store.close().await;
    Ok(())
}
