//! `keydesk person`: what the operator can do for somebody who cannot get in.

use crate::{config::Config, data};
use keydesk_control::reset_second_factor;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Take somebody's second factor away, who has lost authenticator and recovery codes. Make sure that it is
    /// them who asks: from then on their password alone lets them in
    ResetSecondFactor {
        /// Their e-mail address
        email: String,
    },
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let desk = data::desk(&config).await?;
    match command {
        Command::ResetSecondFactor { email } => {
            reset_second_factor(&desk, &email).await?;
            say!("{email} logs in with the password alone now, and can set up another one.");
        }
    }
    desk.store.close().await;
    Ok(())
}
