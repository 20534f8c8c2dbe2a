//! `keydesk person`: what the operator can do for somebody who cannot get in, or who wants to be forgotten.

use crate::{config::Config, data};
use keydesk_control::{erase_person, make_reset_link, reset_second_factor};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Take somebody's second factor away, who has lost authenticator and recovery codes. Make sure that it is
    /// them who asks: from then on their password alone lets them in
    ResetSecondFactor {
        /// Their email address
        email: String,
    },
    /// Print a link with which somebody sets a new password, good once and for an hour, where mail does not reach
    /// them. Make sure that it is them who asks
    ResetLink {
        /// Their email address
        email: String,
    },
    /// End all memberships of a person, and forget everything about them but what the audit log holds
    Erase {
        /// Their email address
        email: String,
        /// Confirm that it cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let desk = data::desk(&config).await?;
    match command {
        Command::ResetSecondFactor { email } => {
            reset_second_factor(&desk, &email).await?;
            say!("{email} logs in with the password alone now, and can set up another one.");
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
    desk.store.close().await;
    Ok(())
}
