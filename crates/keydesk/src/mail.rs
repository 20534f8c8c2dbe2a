//! `keydesk mail`: tests email delivery.

use crate::{config::Config, data, serve};
use keydesk_control::send_test_mail;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Send a test email with the [mail] settings and print the response of the mail server
    Test {
        /// Recipient
        #[arg(long, value_name = "EMAIL")]
        to: String,
    },
}

pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    anyhow::ensure!(config.mail.is_some(), "no mail server is configured: add a [mail] section");
    let app = data::app_with(&config, serve::mailer(&config)?).await?;
    let Command::Test { to } = command;
    let sent = send_test_mail(&app, &to).await;
    app.store.close().await;
    sent?;
    print_line!("The mail server accepted a test email to {to}.");
    Ok(())
}
