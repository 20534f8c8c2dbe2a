//! Email to users: by SMTP if configured, or else into a mailbox in memory that the console shows on loopback. Email
//! contains one-time links, so it is never logged and is sealed in the database.

mod console;
mod mailer;
mod messages;
mod outbox;
mod smtp;

pub(crate) use console::show;
pub use mailer::{Mail, Mailer};
pub(crate) use messages::{LeakedToken, Message, NextStep};
pub(crate) use outbox::BELONGS_TO;
pub use outbox::{MailQueue, TestMailError, send_test_mail};
pub use smtp::{MailError, Smtp, SmtpSettings};

use crate::AppState;
use keydesk_model::{AccountId, Email, Role};
use keydesk_store::{Member, Read, StoreError};
use std::sync::Arc;

impl AppState {
    /// Waits until all email has been sent or stored, for a command before it exits.
    pub async fn finish_mail(&self) {
        self.mails.close();
        self.mails.wait().await;
    }

    /// Sends in the background, because the response time must not reveal whether the recipient exists.
    pub(crate) fn send_mail(&self, to: &Email, message: Message) {
        let Message { subject, body, invitation } = message;
        let mail = Mail { to: to.to_string(), subject, body, at: self.now().as_micros() };
        match &self.mailer {
            Mailer::Off => tracing::warn!("mail could not be sent: no [mail] is configured"),
            Mailer::Mailbox(_) => self.mailer.keep(mail),
            Mailer::Smtp(smtp) => {
                let sending = outbox::send(self.clone(), Arc::clone(smtp), mail, invitation);
                self.mails.spawn(async move {
                    if let Err(error) = sending.await {
                        tracing::error!(%error, "failed to store an email or its delivery result");
                    }
                });
            }
        }
    }

    /// Sends an email to each of these members, in their language.
    pub(crate) fn send_mail_to(&self, members: &[Member], message: impl Fn() -> Message) {
        for member in members {
            self.send_mail(&member.email, Message::to(member.language, &message));
        }
    }
}

/// Returns the members of an account with one of the wanted roles.
pub(crate) async fn members_with(
    read: &mut Read,
    account: AccountId,
    is_wanted: impl Fn(Role) -> bool,
) -> Result<Vec<Member>, StoreError> {
    let members = read.list_members(account).await?.into_iter();
    Ok(members.filter(|member| is_wanted(member.role)).collect())
}
