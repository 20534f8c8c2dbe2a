//! Answers of Help page readers to "Did this answer your question?".

use crate::{Read, StoreError, Write, row, sql::query};
use keydesk_model::{AccountId, Timestamp, UserId};

#[derive(Clone, Debug)]
pub struct Feedback {
    pub at: Timestamp,
    pub question: String,
    pub answered: bool,
    pub comment: String,
    pub account: String,
    pub email: String,
}

const ADD: &str = "INSERT INTO feedback (id, at, question, answered, comment, account_id, user_id) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const LIST: &str = "SELECT feedback.at, question, answered, comment, account.name AS account, users.email \
    FROM feedback JOIN account ON account.id = feedback.account_id \
    JOIN users ON users.id = feedback.user_id ORDER BY feedback.at DESC LIMIT 1000";

impl Read {
    /// Returns the newest 1,000 answers, newest first.
    pub async fn list_feedback(&mut self) -> Result<Vec<Feedback>, StoreError> {
        let rows = query(LIST).all(self).await?;
        rows.iter()
            .map(|row| {
                Ok(Feedback {
                    at: row::instant(row, "at")?,
                    question: row::text(row, "question")?,
                    answered: row::text(row, "answered")? == "yes",
                    comment: row::text(row, "comment")?,
                    account: row::text(row, "account")?,
                    email: row::text(row, "email")?,
                })
            })
            .collect()
    }
}

impl Write {
    pub async fn add_feedback(
        &mut self,
        id: &str,
        question: &str,
        answered: bool,
        comment: &str,
        by: (AccountId, UserId),
    ) -> Result<(), StoreError> {
        let now = self.now().as_micros();
        query(ADD)
            .bind(id)
            .bind(now)
            .bind(question)
            .bind(if answered { "yes" } else { "no" })
            .bind(comment)
            .bind(by.0.to_string())
            .bind(by.1.to_string())
            .execute(self)
            .await?;
        Ok(())
    }
}
