//! Email to users: by SMTP if configured, or else into a mailbox in memory that the console shows on loopback. Email
//! contains one-time links, so it is never logged and is sealed in the database.

mod console;
mod messages;
mod outbox;
mod smtp;

pub(crate) use console::show;
pub(crate) use messages::Message;
pub(crate) use outbox::BELONGS_TO;
pub use outbox::{MailQueue, TestMailError, send_test_mail};
pub use smtp::{MailError, Smtp, SmtpSettings};

use crate::AppState;
use keydesk_model::Email;
use keydesk_outbound::Outbound;
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

const KEPT: usize = 100;

#[derive(Clone, Debug)]
pub enum Mailer {
    Smtp(Arc<Smtp>),
    /// The mailbox for trying out Keydesk on one machine.
    Mailbox(Arc<Mutex<VecDeque<Mail>>>),
    /// Neither SMTP nor loopback: nothing can be sent, and requests that need email return an error.
    Off,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    /// Microseconds since 1970.
    pub(crate) at: i64,
}

impl Mailer {
    pub fn mailbox() -> Self {
        Self::Mailbox(Arc::default())
    }

    pub fn smtp(settings: &SmtpSettings, outbound: &Outbound) -> Result<Self, MailError> {
        Ok(Self::Smtp(Arc::new(Smtp::new(settings, outbound)?)))
    }

    pub fn can_send(&self) -> bool {
        !matches!(self, Self::Off)
    }

    fn keep(&self, mail: Mail) {
        if let Self::Mailbox(mails) = self {
            let mut mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
            mails.push_front(mail);
            mails.truncate(KEPT);
        }
    }

    fn newest(&self) -> Vec<Mail> {
        match self {
            Self::Mailbox(mails) => {
                mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
            }
            Self::Smtp(_) | Self::Off => Vec::new(),
        }
    }
}

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
}
