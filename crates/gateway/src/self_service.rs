//! The questions of tokens about themselves, and the task with the database that answers them.

use crate::Rejection;
use keydesk_model::{RotationTerms, Timestamp, TokenId};
use keydesk_token::{PlainToken, TokenHash};
use std::net::IpAddr;
use tokio::sync::{mpsc, oneshot};

/// The number of questions that can wait.
const WAITING: usize = 64;

/// A question to the task that has the database.
#[derive(Debug)]
pub struct Question {
    /// The secret of the token in question.
    pub secret: TokenHash,
    pub wish: SelfServiceAction,
    pub client_ip: IpAddr,
    pub user_agent: Option<String>,
    pub request_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfServiceAction {
    Rotate(RotationTerms),
    Revoke,
}

/// The result of a question.
#[derive(Debug)]
pub enum SelfServiceResponse {
    Rotated {
        token: TokenId,
        version: i64,
        plain: PlainToken,
        /// The time until which the previous secret works.
        previous_secret_expires_at: Option<Timestamp>,
        is_complete: bool,
        receipt: Option<i64>,
        /// The time from which every gateway rejects the ended secret, or `None` if nothing has ended or the time is
        /// unknown.
        effective_at: Option<Timestamp>,
    },
    Revoked {
        token: TokenId,
        is_complete: bool,
        receipt: Option<i64>,
        /// The time from which every gateway rejects the ended secret, or `None` if nothing has ended or the time is
        /// unknown.
        effective_at: Option<Timestamp>,
    },
}

type Reply = oneshot::Sender<Result<SelfServiceResponse, Rejection>>;

/// A sender of questions.
#[derive(Clone, Debug)]
pub struct TokenService(mpsc::Sender<(Question, Reply)>);

/// Returns a service for gateways, and the receiver for the task that answers.
pub fn token_service() -> (TokenService, mpsc::Receiver<(Question, Reply)>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (TokenService(sender), receiver)
}

impl TokenService {
    pub(crate) async fn ask(&self, question: Question) -> Result<SelfServiceResponse, Rejection> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send((question, reply)).map_err(|_| Rejection::TemporarilyUnavailable)?;
        answer.await.unwrap_or(Err(Rejection::TemporarilyUnavailable))
    }
}
