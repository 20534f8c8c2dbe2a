//! How email leaves: by SMTP, into the mailbox in memory, or not at all.

use super::{
    Link, Message,
    link::PLACE,
    smtp::{MailError, Smtp, SmtpSettings},
};
use keydesk_model::{Email, Timestamp};
use keydesk_outbound::Outbound;
use keydesk_store::{StoreError, Write};
use keydesk_token::Entropy;
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// The number of emails that the mailbox keeps.
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
    /// The link in the text whose code is yet to be generated.
    pub(super) link: Option<Link>,
}

impl Mail {
    pub(super) fn new(to: &Email, message: Message, now: Timestamp) -> Self {
        let Message { subject, body, link, .. } = message;
        Self { to: to.to_string(), subject, body, at: now.as_micros(), link }
    }

    /// Generates the code of its link. Returns `false` if the link is no longer open.
    pub(super) async fn complete(
        &mut self,
        write: &mut Write,
        entropy: &Entropy,
    ) -> Result<bool, StoreError> {
        let Some(link) = &mut self.link else { return Ok(true) };
        let Some(code) = link.generate_code(write, entropy).await? else { return Ok(false) };
        self.body = self.body.replace(PLACE, &code);
        Ok(true)
    }
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

    pub(super) fn keep(&self, mail: Mail) {
        if let Self::Mailbox(mails) = self {
            let mut mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
            mails.push_front(mail);
            mails.truncate(KEPT);
        }
    }

    pub(super) fn newest(&self) -> Vec<Mail> {
        match self {
            Self::Mailbox(mails) => {
                mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
            }
            Self::Smtp(_) | Self::Off => Vec::new(),
        }
    }
}
