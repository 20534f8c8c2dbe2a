//! The outbox. An email is stored, sealed, until the mail server accepts it: across restarts, and for a day if the
//! server responds with a temporary error, as with greylisting. Permanently rejected email isn't retried, and *Members*
//! shows it.

use super::{Mail, Message, Smtp, smtp::NotTaken};
use crate::AppState;
use keydesk_model::{Email, InvitationId, MailId, Timestamp};
use keydesk_store::{NewMail, StoreError, WaitingMail};
use std::{sync::Arc, time::Duration};

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
/// The number of runs between deletions of failed email: about an hour.
const FORGET: u64 = 720;

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

/// Stores an email and sends it.
pub(super) async fn send(
    app: AppState,
    smtp: Arc<Smtp>,
    mail: Mail,
    invitation: Option<InvitationId>,
) -> Result<(), StoreError> {
    let now = app.now();
    let id = MailId::generate(now, &app.entropy);
    let text = serde_json::to_vec(&mail).expect("it has string keys only");
    let mut write = app.store.write(now).await?;
    let keyring = &app.keyring;
    let sealed = keyring.seal_secret(&mut write, &text, BELONGS_TO, &app.entropy).await?;
    write.add_mail(&NewMail { id, sealed, invitation, next_at: now.plus(CLAIMED) }).await?;
    write.keep().await?;
    hand_over(&app, &smtp, &mail, (id, now, 0)).await
}

/// Tries to send an email once and records the result.
async fn hand_over(
    app: &AppState,
    smtp: &Smtp,
    mail: &Mail,
    (id, created_at, tries): (MailId, Timestamp, i64),
) -> Result<(), StoreError> {
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

/// The job that retries waiting email. Safe on many nodes concurrently, because one of them claims each email.
#[derive(Debug)]
pub struct MailQueue {
    app: AppState,
    smtp: Arc<Smtp>,
    runs: u64,
}

impl MailQueue {
    /// Returns `None` if no mail server is configured.
    pub fn new(app: AppState) -> Option<Self> {
        let super::Mailer::Smtp(smtp) = &app.mailer else { return None };
        let smtp = Arc::clone(smtp);
        Some(Self { app, smtp, runs: 0 })
    }

    /// Retries the email that is due.
    ///
    /// # Errors
    ///
    /// If the database cannot be used.
    pub async fn retry_due(&mut self) -> Result<(), StoreError> {
        if self.runs.is_multiple_of(FORGET) {
            forget(&self.app).await?;
        }
        self.runs += 1;
        try_due(&self.app, &self.smtp).await
    }
}

async fn forget(app: &AppState) -> Result<(), StoreError> {
    let mut write = app.store.write(app.now()).await?;
    write.forget_failed_mail(KNOWN).await?;
    write.keep().await
}

async fn try_due(app: &AppState, smtp: &Smtp) -> Result<(), StoreError> {
    let due = app.store.read().await?.list_due_mail(app.now()).await?;
    for waiting in due {
        let mut write = app.store.write(app.now()).await?;
        let is_ours = write.claim_mail(&waiting, app.now().plus(CLAIMED)).await?;
        write.keep().await?;
        if !is_ours {
            continue;
        }
        let is_old = app.now().since(waiting.created_at) > TRIED;
        match open(app, &waiting).filter(|_| !is_old) {
            Some(mail) => {
                let WaitingMail { id, created_at, tries, .. } = waiting;
                hand_over(app, smtp, &mail, (id, created_at, tries + 1)).await?;
            }
            None => give_up(app, &waiting, is_old).await?,
        }
    }
    Ok(())
}

/// Marks an email as failed if its links have expired, as after a database restore, or if the key file can't open it.
async fn give_up(app: &AppState, waiting: &WaitingMail, is_old: bool) -> Result<(), StoreError> {
    let why = if is_old { "it is too old" } else { "the key file does not open it" };
    tracing::error!(mail = %waiting.id, why, "a waiting email was given up");
    let mut write = app.store.write(app.now()).await?;
    write.note_mail_failed(waiting.id, why).await?;
    write.keep().await
}

fn open(app: &AppState, waiting: &WaitingMail) -> Option<Mail> {
    let text = app.keyring.open_secret(&waiting.sealed, BELONGS_TO).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Sends a test email without queueing it, and returns the mail server's error if it fails.
pub async fn send_test_mail(app: &AppState, to: &str) -> Result<(), TestMailError> {
    let email: Email = to.parse().map_err(|_| TestMailError::Address)?;
    let Message { subject, body, .. } = Message::test(&app.settings.console_url);
    let mail = Mail { to: email.to_string(), subject, body, at: app.now().as_micros() };
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
    #[error("the mail server did not take it: {0}")]
    NotTaken(String),
}
