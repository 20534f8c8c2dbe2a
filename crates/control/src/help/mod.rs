//! Help: questions about tokens, answered with the user's own state, and the feedback on the answers.

pub(crate) mod console;
pub(crate) mod errors;

pub(crate) use errors::console::explain;

use crate::{
    AppState,
    principal::Caller,
    refusal::{Code, Refusal},
};
use keydesk_model::{Event, is_deceptive};

/// The names of the questions, under which feedback is stored.
pub(crate) const QUESTIONS: [&str; 8] =
    ["find", "use", "difference", "password", "secure", "rejected", "slash", "break"];

/// Stores whether an answer helped.
pub(crate) async fn give_feedback(
    app: &AppState,
    caller: &Caller,
    question: &str,
    answered: bool,
    comment: &str,
) -> Result<(), Refusal> {
    let question = QUESTIONS.into_iter().find(|known| *known == question).ok_or(Code::NotFound)?;
    let comment: String =
        comment.trim().chars().filter(|c| !is_deceptive(*c) || *c == '\n').take(1_000).collect();
    let (mut write, caller) = caller.begin_as_member(app).await?;
    let id = format!("fbk_{}", hex::encode(app.entropy.bytes::<16>()));
    let by = (caller.account.id, caller.user.id);
    write.add_feedback(&id, question, answered, &comment, by).await?;
    let submitted = Event::HelpFeedbackSubmitted { question: question.to_owned(), answered };
    write.commit(caller.entry(submitted, id)).await?;
    Ok(())
}
