//! Rotation and revocation by the token itself, and the scheduled work on tokens, accounts, and mail.

use crate::background::Work;
use keydesk_control::{
    AlertWatch, AppState, AuditForwarder, Code, ExpiringSoon, MailQueue, Notices, SelfServiceError,
    UsageRollup, WebhookDispatcher, close_due_secrets, forget_closed_accounts,
    forget_finished_requests, raise_canary_alarms, record_api_version, revoke_own_token,
    rotate_own_token, send_reminders,
};
use keydesk_gateway::{
    Question, Rejection, SelfServiceAction, SelfServiceResponse, TokenService, token_service,
};
use keydesk_model::Origin;
use keydesk_node::ClusterClock;
use keydesk_store::{Store, StoreError};
use std::sync::{Arc, Mutex, PoisonError};

/// Returns a service for the gateway, and a function that starts to answer its requests.
pub fn start() -> (TokenService, impl FnOnce(AppState) -> tokio::task::JoinHandle<()>) {
    let (gateway, mut questions) = token_service();
    let answer_all = move |app: AppState| {
        tokio::spawn(async move {
            while let Some((question, reply)) = questions.recv().await {
                let app = app.clone();
                tokio::spawn(async move {
                    let _ = reply.send(answer(&app, question).await);
                });
            }
        })
    };
    (gateway, answer_all)
}

async fn answer(app: &AppState, question: Question) -> Result<SelfServiceResponse, Rejection> {
    let origin = Origin {
        client_ip: Some(question.client_ip),
        user_agent: question.user_agent,
        request_id: question.request_id,
    };
    match question.wish {
        SelfServiceAction::Rotate(terms) => {
            let made = rotate_own_token(app, &question.secret, terms, &origin).await;
            let made = made.map_err(rejection)?;
            Ok(SelfServiceResponse::Rotated {
                token: made.token,
                version: made.version,
                plain: made.plain,
                previous_secret_expires_at: made.closing.map(|closing| closing.at),
                is_complete: made.is_complete,
                receipt: made.receipt,
                effective_at: made.effective_at,
            })
        }
        SelfServiceAction::Revoke => {
            let done = revoke_own_token(app, &question.secret, &origin).await.map_err(rejection)?;
            let (token, is_complete, receipt) = (done.token, done.is_complete, done.receipt);
            let effective_at = done.effective_at;
            Ok(SelfServiceResponse::Revoked { token, is_complete, receipt, effective_at })
        }
    }
}

fn rejection(error: SelfServiceError) -> Rejection {
    match error {
        // The gateway accepted the token a moment ago.
        SelfServiceError::NotActive | SelfServiceError::Store(StoreError::Conflict) => {
            Rejection::UnknownToken
        }
        SelfServiceError::Refused(refusal) if refusal.code() == Code::Conflict => {
            Rejection::UnknownToken
        }
        SelfServiceError::PreviousSecret => Rejection::AlreadyRotated,
        SelfServiceError::NoGracePeriod => Rejection::InvalidParameters {
            why: "Bearer tokens have no grace period. Rotate without grace_period.",
        },
        SelfServiceError::TooManyPrevious => Rejection::InvalidParameters {
            why: "This token already has 10 previous secrets in their grace period. Rotate without grace_period.",
        },
        SelfServiceError::Refused(refusal) => {
            tracing::error!(%refusal, "a client could not change its token");
            Rejection::TemporarilyUnavailable
        }
        SelfServiceError::NoKey => Rejection::TemporarilyUnavailable,
        SelfServiceError::TooOften(wait) => Rejection::rotation_limited(wait),
        SelfServiceError::Store(error) => {
            tracing::error!(%error, "a client could not change its token");
            Rejection::TemporarilyUnavailable
        }
    }
}

/// The number of live API tokens by time to expiry, for metrics.
pub type Expiring = Arc<Mutex<ExpiringSoon>>;

/// Sends reminders for tokens that expire soon.
pub struct Reminders {
    pub app: AppState,
    pub expiring: Expiring,
}

impl Work for Reminders {
    async fn run(&mut self) -> Result<(), String> {
        match send_reminders(&self.app).await {
            Ok(soon) => {
                *self.expiring.lock().unwrap_or_else(PoisonError::into_inner) = soon;
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "failed to send reminders");
                Err(error.to_string())
            }
        }
    }
}

/// Forgets the requests to the management API that can no longer be repeated.
pub struct FinishedRequests(pub AppState);

impl Work for FinishedRequests {
    async fn run(&mut self) -> Result<(), String> {
        forget_finished_requests(&self.0).await.map_err(|error| {
            tracing::warn!(%error, "failed to forget finished requests");
            error.to_string()
        })
    }
}

/// Raises alarms for used canary tokens.
pub struct CanaryAlarms(pub AppState);

impl Work for CanaryAlarms {
    async fn run(&mut self) -> Result<(), String> {
        raise_canary_alarms(&self.0).await.map_err(|error| {
            tracing::warn!(%error, "failed to raise canary alarms");
            error.to_string()
        })
    }
}

/// Notes changes of the API's OpenAPI document.
pub struct ApiVersions(pub AppState);

impl Work for ApiVersions {
    async fn run(&mut self) -> Result<(), String> {
        let Self(app) = self;
        record_api_version(&app.store, &app.openapi, app.now()).await.map_err(|error| {
            tracing::warn!(%error, "failed to note a change of the OpenAPI document");
            error.to_string()
        })
    }
}

/// Records events that nobody causes by a change.
pub struct NoticeJob {
    pub app: AppState,
    pub notices: Notices,
}

impl Work for NoticeJob {
    async fn run(&mut self) -> Result<(), String> {
        self.notices.record(&self.app).await.map_err(|error| {
            tracing::warn!(%error, "failed to record events");
            error.to_string()
        })
    }
}

/// Adds up the use of tokens by account and day.
pub struct Rollups {
    pub app: AppState,
    pub rollup: UsageRollup,
}

impl Work for Rollups {
    async fn run(&mut self) -> Result<(), String> {
        self.rollup.run(&self.app).await.map_err(|error| {
            tracing::warn!(%error, "failed to add up the use of tokens");
            error.to_string()
        })
    }
}

/// Finds unusual use of tokens.
pub struct Alerts {
    pub app: AppState,
    pub watch: AlertWatch,
}

impl Work for Alerts {
    async fn run(&mut self) -> Result<(), String> {
        self.watch.run(&self.app).await.map_err(|error| {
            tracing::warn!(%error, "failed to look for unusual use of tokens");
            error.to_string()
        })
    }
}

/// Sends waiting email.
impl Work for MailQueue {
    async fn run(&mut self) -> Result<(), String> {
        self.send_due().await.map_err(|error| {
            tracing::warn!(%error, "failed to read waiting email");
            error.to_string()
        })
    }

    async fn woken(&mut self) {
        Self::woken(self).await;
    }
}

/// Forwards the audit log to a file or a syslog server.
impl Work for AuditForwarder {
    async fn run(&mut self) -> Result<(), String> {
        Self::run(self).await.map_err(|error| {
            tracing::warn!(%error, "failed to forward the audit log");
            error.to_string()
        })
    }
}

/// Makes and sends the deliveries of webhooks.
impl Work for WebhookDispatcher {
    async fn run(&mut self) -> Result<(), String> {
        Self::run(self).await.map_err(|error| {
            tracing::warn!(%error, "failed to deliver webhooks");
            error.to_string()
        })
    }
}

/// Records ended grace periods, and revokes the tokens of accounts that were closed long enough ago. Neither can be
/// undone, so both require a clock that agrees with the database's.
pub struct Deadlines {
    store: Store,
    clock: ClusterClock,
    was_wrong: bool,
}

impl Deadlines {
    pub fn new(store: Store, clock: ClusterClock) -> Self {
        Self { store, clock, was_wrong: false }
    }
}

impl Work for Deadlines {
    async fn run(&mut self) -> Result<(), String> {
        let now = match self.clock.certain() {
            Ok(now) => now,
            Err(wrong) => {
                if !std::mem::replace(&mut self.was_wrong, true) {
                    tracing::error!(%wrong, "no grace period is ended and no account is removed here until the clocks agree");
                }
                return Err(wrong.to_string());
            }
        };
        self.was_wrong = false;
        let accounts = forget_closed_accounts(&self.store, now).await.map(|_| ());
        let secrets = close_due_secrets(&self.store, now).await.map(|count| {
            if count > 0 {
                tracing::info!(count, "revoked previous secrets whose grace period ended");
            }
        });
        accounts.and(secrets).map_err(|error| {
            tracing::warn!(%error, "failed to revoke what has reached its deadline");
            error.to_string()
        })
    }
}
