//! Mail to people: by SMTP where configured, else into a mailbox in memory that the console shows
//! on loopback. Mail holds one-time links, so it is never written to the database or a log.

mod console;
mod messages;

pub(crate) use console::show;
pub(crate) use messages::Message;

use keydesk_model::{Email, Timestamp};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{Mailbox as Address, header::ContentType},
    transport::smtp::authentication::Credentials,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

const KEPT: usize = 100;

#[derive(Clone, Debug)]
pub enum Mailer {
    Smtp(Arc<Smtp>),
    /// For trying Keydesk out on one machine.
    Mailbox(Arc<Mutex<VecDeque<Mail>>>),
    /// Neither SMTP nor loopback: nothing can be sent, and whoever asks is told so.
    Off,
}

#[derive(Debug)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

/// Where mail is handed in.
#[derive(Clone)]
pub struct SmtpSettings {
    /// `smtps://host:465`, `smtp://host:587?tls=required`, or plain `smtp://127.0.0.1:25`.
    pub server: String,
    pub user: Option<String>,
    pub password: Option<String>,
    /// Such as `Acme API <api@acme.example>`.
    pub from: String,
}

impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmtpSettings({})", self.server)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("mail.from is not an address such as \"Acme API <api@acme.example>\"")]
    From,
    #[error("mail.server is not a URL such as \"smtps://mail.example.com:465\"")]
    Server,
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) at: Timestamp,
}

impl Mailer {
    pub fn mailbox() -> Self {
        Self::Mailbox(Arc::default())
    }

    pub fn smtp(settings: SmtpSettings) -> Result<Self, MailError> {
        let from = settings.from.parse().map_err(|_| MailError::From)?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.server)
            .map_err(|_| MailError::Server)?;
        if let (Some(user), Some(password)) = (settings.user, settings.password) {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self::Smtp(Arc::new(Smtp { transport: builder.build(), from })))
    }

    pub fn can_send(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Sends in the background: how long it takes must not tell whether there was anyone to tell.
    pub(crate) fn send(&self, to: &Email, message: Message, at: Timestamp) {
        let mail = Mail { to: to.to_string(), subject: message.subject, body: message.body, at };
        match self {
            Self::Off => tracing::warn!("mail could not be sent: no [mail] is configured"),
            Self::Mailbox(mails) => {
                let mut mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
                mails.push_front(mail);
                mails.truncate(KEPT);
            }
            Self::Smtp(smtp) => {
                let smtp = Arc::clone(smtp);
                tokio::spawn(async move { smtp.deliver(mail).await });
            }
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

impl Smtp {
    /// Three tries, then it is said in the log. What is lost can be asked for again in the console.
    async fn deliver(&self, mail: Mail) {
        let Ok(to) = mail.to.parse() else {
            tracing::warn!("mail could not be sent: the address is not one that SMTP takes");
            return;
        };
        let message = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body);
        let Ok(message) = message else { return };
        for pause in [1, 10, 60] {
            match self.transport.send(message.clone()).await {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "mail could not be handed in; trying again");
                }
            }
            tokio::time::sleep(std::time::Duration::from_secs(pause)).await;
        }
        tracing::error!("mail was given up after three tries");
    }
}
