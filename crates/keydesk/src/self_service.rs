//! Answers what tokens ask gateways to do to them, and closes what rotation has left open.

use keydesk_control::{
    AppState, Code, ExpiringSoon, SelfServiceError, close_due_secrets, forget_closed_accounts,
    revoke_own_token, rotate_own_token, send_reminders,
};
use keydesk_gateway::{
    Question, Rejection, SelfServiceAction, SelfServiceResponse, TokenService, token_service,
};
use keydesk_model::Origin;
use keydesk_node::ClusterClock;
use keydesk_store::{Store, StoreError};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How often old secrets are looked at. Their deadline needs no look: gateways keep to it by the clock.
const LOOK: Duration = Duration::from_secs(2);

/// A desk for the gateway, and what answers there for as long as it is let.
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
        // The gateway accepted it a moment ago.
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

/// How often tokens that end soon are looked for.
const REMIND: Duration = Duration::from_mins(1);

/// Live API tokens by how soon they end, for metrics.
pub type Expiring = Arc<Mutex<ExpiringSoon>>;

/// Reminds people of tokens that end soon, for as long as it is let.
pub fn start_reminding(app: &AppState, expiring: &Expiring) -> tokio::task::JoinHandle<()> {
    tokio::spawn(remind(app.clone(), Arc::clone(expiring)))
}

async fn remind(app: AppState, expiring: Expiring) {
    loop {
        match send_reminders(&app).await {
            Ok(soon) => *expiring.lock().unwrap_or_else(PoisonError::into_inner) = soon,
            Err(error) => tracing::warn!(%error, "reminders cannot be sent yet"),
        }
        tokio::time::sleep(REMIND).await;
    }
}

/// Writes down which old secrets have closed, and ends what belongs to accounts that are gone, until it is aborted.
/// Neither can be undone: both wait for a clock that is certain.
pub async fn revoke_previous_secrets(store: Store, clock: ClusterClock) {
    let mut was_wrong = false;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = match clock.certain() {
            Ok(now) => now,
            Err(wrong) => {
                if !std::mem::replace(&mut was_wrong, true) {
                    tracing::error!(%wrong, "no old secret is closed and no account is removed here until the clocks agree");
                }
                continue;
            }
        };
        was_wrong = false;
        if let Err(error) = forget_closed_accounts(&store, now).await {
            tracing::warn!(%error, "closed accounts cannot be looked at yet");
        }
        match close_due_secrets(&store, now).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old secrets of rotated tokens have closed"),
            Err(error) => tracing::warn!(%error, "old secrets cannot be closed yet"),
        }
    }
}
