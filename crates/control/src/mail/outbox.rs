//! The outbox. An email is stored in the transaction of the change that it is about, sealed, until the mail server accepts
//! it: across restarts, and for a day if the server responds with a temporary error, as with greylisting. Permanently
//! rejected email isn't retried, and *Members* shows it.

use super::{Mail, Message, Smtp, smtp::NotTaken};
use crate::AppState;
use keydesk_model::{Email, MailId, Timestamp};
use keydesk_store::{NewMail, StoreError, WaitingMail, Write};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// The context to which an email is sealed.
pub(crate) const BELONGS_TO: &str = "outbox";
/// The time for which a node claims an email.
const CLAIMED: Duration = Duration::from_mins(2);
/// The timeout of the mail server, which is shorter than the claim, so that no other node tries meanwhile.
const PATIENCE: Duration = Duration::from_secs(100);
/// The time for which an email is retried. Most links have expired by then.
const TRIED: Duration = Duration::from_hours(24);
/// The time for which a failed email is kept.
const KNOWN: Duration = Duration::from_hours(24 * 7);
/// The time between deletions of failed email.
const FORGET: Duration = Duration::from_hours(1);
/// The number of emails that one process sends concurrently, so that a slow server doesn't delay the others.
const AT_ONCE: usize = 16;

/// Returns the delay after this number of attempts.
fn pause(tries: i64) -> Duration {
    let minutes = match tries {
        0 => return Duration::from_secs(10),
        1 => 1,
        2 => 5,
        3 => 15,
        4 => 30,
        _ => 60,
    };
    Duration::from_mins(minutes)
}

/// Adds an email to a transaction.
pub(super) async fn add(
    app: &AppState,
    write: &mut Write,
    to: &Email,
    message: Message,
) -> Result<(), StoreError> {
    let (now, invitation) = (write.now(), message.invitation);
    let at = message.not_before.unwrap_or(now);
    let mail = Mail::new(to, message, at);
    let code_hash = mail.link.map(|link| link.code_hash);
    let text = serde_json::to_vec(&mail).expect("it has string keys only");
    let sealed = app.keyring.seal_secret(write, &text, BELONGS_TO, &app.entropy).await?;
    let id = MailId::generate(now, &app.entropy);
    write.add_mail(&NewMail { id, sealed, code_hash, invitation, at }).await
}

/// Tries to send an email once and records the result.
async fn send(app: AppState, smtp: Arc<Smtp>, mail: Mail, waiting: WaitingMail) {
    if let Err(error) = hand_over(&app, &smtp, &mail, &waiting).await {
        tracing::error!(%error, "failed to store the delivery result of an email");
    }
}

async fn hand_over(
    app: &AppState,
    smtp: &Smtp,
    mail: &Mail,
    waiting: &WaitingMail,
) -> Result<(), StoreError> {
    let &WaitingMail { id, created_at, tries, .. } = waiting;
    let id_text = id.to_string();
    let taken = tokio::time::timeout(PATIENCE, smtp.hand_over(mail, &id_text)).await;
    let late = || NotTaken { why: "the mail server is too slow".to_owned(), is_final: false };
    let taken = taken.unwrap_or_else(|_| Err(late()));
    let now = app.now();
    let next_at = now.plus(pause(tries));
    let mut write = app.store.write(now).await?;
    match taken {
        Ok(()) => write.note_mail_sent(id).await?,
        Err(NotTaken { why, is_final }) if is_final || next_at.since(created_at) > TRIED => {
            tracing::error!(mail = %id, tries = tries + 1, error = why, "an email was not delivered");
            write.note_mail_failed(id, &short(&why)).await?;
        }
        Err(NotTaken { why, .. }) => {
            tracing::warn!(mail = %id, tries = tries + 1, error = why, "an email was not accepted; trying again later");
            write.note_mail_delayed(id, &short(&why), next_at).await?;
        }
    }
    write.keep().await
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The job that sends waiting email. Safe on many nodes concurrently, because one of them claims each email.
#[derive(Debug)]
pub struct MailQueue {
    app: AppState,
    smtp: Arc<Smtp>,
    sending: JoinSet<()>,
    next_forget: Option<Timestamp>,
}

impl MailQueue {
    /// Returns `None` if no mail server is configured.
    pub fn new(app: AppState) -> Option<Self> {
        let super::Mailer::Smtp(smtp) = &app.mailer else { return None };
        let smtp = Arc::clone(smtp);
        Some(Self { app, smtp, sending: JoinSet::new(), next_forget: None })
    }

    /// Starts sending the email that is due.
    ///
    /// # Errors
    ///
    /// If the database cannot be used.
    pub async fn send_due(&mut self) -> Result<(), StoreError> {
        while self.sending.try_join_next().is_some() {}
        let now = self.app.now();
        if self.next_forget.is_none_or(|at| at <= now) {
            forget(&self.app).await?;
            self.next_forget = Some(now.plus(FORGET));
        }
        let free = AT_ONCE - self.sending.len();
        let due = self.app.store.read().await?.list_due_mail(now, free).await?;
        for waiting in due {
            if let Some(mail) = claim(&self.app, &waiting).await? {
                self.sending.spawn(send(self.app.clone(), Arc::clone(&self.smtp), mail, waiting));
            }
        }
        Ok(())
    }

    /// Waits until there may be more to send: email was added here, or an attempt has finished.
    pub async fn woken(&mut self) {
        tokio::select! {
            () = self.app.store.mail_added() => {}
            Some(_) = self.sending.join_next() => {}
        }
    }

    /// Sends the email that is due, and waits until each attempt has finished, for a command before it exits.
    ///
    /// # Errors
    ///
    /// If the database cannot be used.
    pub async fn finish(&mut self) -> Result<(), StoreError> {
        loop {
            self.send_due().await?;
            if self.sending.join_next().await.is_none() {
                return Ok(());
            }
        }
    }
}

async fn forget(app: &AppState) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    write.forget_failed_mail(KNOWN).await?;
    write.keep().await
}

/// Claims an email, and completes it. Returns `None` if another node has claimed it, or it can't be sent anymore.
async fn claim(app: &AppState, waiting: &WaitingMail) -> Result<Option<Mail>, StoreError> {
    let mut write = app.store.write(app.now()).await?;
    let now = write.now();
    if !write.claim_mail(waiting, now.plus(CLAIMED)).await? {
        return Ok(None);
    }
    let is_old = now.since(waiting.created_at) > TRIED;
    let Some(mut mail) = open(app, waiting).filter(|_| !is_old) else {
        // Old email is from before a restore of the database.
        let why = if is_old { "it is too old" } else { "the key file does not open it" };
        tracing::error!(mail = %waiting.id, why, "a waiting email was given up");
        write.note_mail_failed(waiting.id, why).await?;
        write.keep().await?;
        return Ok(None);
    };
    let is_wanted = mail.complete(&mut write, &app.entropy).await?;
    if !is_wanted {
        // Its link was closed meanwhile, as by the revocation of an invitation.
        write.note_mail_sent(waiting.id).await?;
    } else if let Some(link) = &mail.link {
        write.set_mail_code(waiting.id, link.code_hash).await?;
    }
    write.keep().await?;
    Ok(is_wanted.then_some(mail))
}

fn open(app: &AppState, waiting: &WaitingMail) -> Option<Mail> {
    let text = app.keyring.open_secret(&waiting.sealed, BELONGS_TO).ok()?;
    let mut mail: Mail = serde_json::from_slice(&text).ok()?;
    if let Some((link, code_hash)) = mail.link.as_mut().zip(waiting.code_hash) {
        link.code_hash = code_hash;
    }
    Some(mail)
}

/// Connects to the mail server and logs in.
///
/// # Errors
///
/// If the server can't be reached, or doesn't accept the login.
pub async fn test_mail_server(mailer: &super::Mailer) -> Result<(), TestMailError> {
    match mailer {
        super::Mailer::Off => Err(TestMailError::Off),
        super::Mailer::Mailbox(_) => Ok(()),
        super::Mailer::Smtp(smtp) => smtp.connect().await.map_err(TestMailError::Unavailable),
    }
}

/// Sends a test email without queueing it, and returns the mail server's error if it fails.
pub async fn send_test_mail(app: &AppState, to: &str) -> Result<(), TestMailError> {
    let email: Email = to.parse().map_err(|_| TestMailError::Address)?;
    let mail = Mail::new(&email, Message::test(&app.settings.console_url), app.now());
    match &app.mailer {
        super::Mailer::Off => Err(TestMailError::Off),
        super::Mailer::Mailbox(_) => {
            app.mailer.keep(mail);
            Ok(())
        }
        super::Mailer::Smtp(smtp) => {
            let id = MailId::generate(app.now(), &app.entropy);
            let taken = smtp.hand_over(&mail, &id.to_string()).await;
            taken.map_err(|not| TestMailError::NotTaken(not.why))
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TestMailError {
    #[error("an email address looks like ann@example.com")]
    Address,
    #[error("no mail server is configured: add a [mail] section to the configuration")]
    Off,
    #[error("the mail server can’t be used: {0}")]
    Unavailable(String),
    #[error("the mail server did not take it: {0}")]
    NotTaken(String),
}
