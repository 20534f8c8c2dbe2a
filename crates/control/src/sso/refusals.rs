//! The refusals of single sign-on: a login that is rejected, and a fault of the provider or its settings.

use crate::refusal::{Code, Refusal, Value};

/// Returns the refusal of a login that the identity provider sent; `id` names the message with the reason.
pub(super) fn rejected(id: &'static str) -> Refusal {
    let why = Value::Sentence { id, detail: String::new() };
    Refusal::new(Code::SsoLoginRejected).with("why", why)
}

/// Returns and logs a fault of the provider or its settings: `id` names the message, which contains `detail`.
pub(super) fn fault(id: &'static str, detail: impl std::fmt::Display) -> Refusal {
    let detail: String = detail.to_string().chars().filter(|c| !c.is_control()).take(300).collect();
    tracing::warn!(fault = id, detail, "single sign-on failed");
    Refusal::new(Code::ProviderFault).with("why", Value::Sentence { id, detail })
}
