//! Email to users: by SMTP if configured, or else into a mailbox in memory that the console shows on loopback. It is added
//! in the transaction of the change that it is about, and sent when that commits. It is never logged.

mod console;
mod link;
mod mailer;
mod messages;
mod outbox;
mod smtp;

pub(crate) use console::show;
pub(crate) use link::Link;
pub use mailer::{Mail, Mailer};
pub(crate) use messages::{LeakedToken, Message, NextStep};
pub(crate) use outbox::BELONGS_TO;
pub use outbox::{MailQueue, TestMailError, send_test_mail, test_mail_server};
pub use smtp::{MailError, Smtp, SmtpSettings};

use crate::AppState;
use keydesk_model::{AccountId, Email, Role};
use keydesk_store::{Member, Read, StoreError, Write};

impl AppState {
    /// Adds an email to a transaction. It is sent when that commits, in the background: the response time must not reveal
    /// whether the recipient exists.
    pub(crate) async fn add_mail(
        &self,
        write: &mut Write,
        to: &Email,
        message: Message,
    ) -> Result<(), StoreError> {
        match &self.mailer {
            Mailer::Off => {
                tracing::warn!("mail could not be sent: no [mail] is configured");
                Ok(())
            }
            Mailer::Mailbox(_) => {
                let mut mail = Mail::new(to, message, self.now());
                mail.complete(write, &self.entropy).await?;
                self.mailer.keep(mail);
                Ok(())
            }
            Mailer::Smtp(_) => outbox::add(self, write, to, message).await,
        }
    }

    /// Adds an email to each of these members, in their language.
    pub(crate) async fn add_mail_to(
        &self,
        write: &mut Write,
        members: &[Member],
        message: impl Fn() -> Message,
    ) -> Result<(), StoreError> {
        for member in members {
            let message = Message::to(member.language, &message);
            self.add_mail(write, &member.email, message).await?;
        }
        Ok(())
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
