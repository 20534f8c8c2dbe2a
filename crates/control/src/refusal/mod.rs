//! Refusals of use cases: a code, the field, and the values of the text. Interfaces render them as a page, a problem,
//! or a line.

mod code;

pub use code::{Code, Kind};

use keydesk_model::{
    EmailError, EventFilterError, ExpiryError, ExpiryPolicyError, GracePeriodError,
    IpAllowlistError, KeyScopeError, RoleError, ScopeError, ScopeSet, TokenNameError,
    TokenNoteError, TooManyScopes,
};
use keydesk_node::WrongClock;
use keydesk_outbound::UrlFault;
use keydesk_store::StoreError;
use std::{error::Error, fmt, time::Duration};

/// A value in the text of a refusal, which is rendered in the user's language.
#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    Count(u64),
    /// A name of the given `kind`, such as the role `owner`.
    Name {
        kind: &'static str,
        name: &'static str,
    },
    Span(Duration),
    /// A separate sentence with an external detail.
    Sentence {
        id: &'static str,
        detail: String,
    },
    Refusal(Box<Refusal>),
}

/// The reason why a use case failed.
#[derive(Clone, Debug)]
pub struct Refusal(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    field: Option<&'static str>,
    values: Vec<(&'static str, Value)>,
    retry_after: Option<Duration>,
    /// The cause, which is logged but never shown to the user.
    cause: Option<std::sync::Arc<dyn Error + Send + Sync>>,
}

impl Refusal {
    pub fn new(code: Code) -> Self {
        let (field, values, retry_after, cause) = (None, Vec::new(), None, None);
        Self(Box::new(Inner { code, field, values, retry_after, cause }))
    }

    /// Returns a refusal for an internal error.
    pub fn broken(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Broken).because(cause)
    }

    /// Sets the field, unless one is already set.
    #[must_use]
    pub fn at(mut self, field: &'static str) -> Self {
        self.0.field = self.0.field.or(Some(field));
        self
    }

    /// Renames the field, for a form that uses another name.
    #[must_use]
    pub fn renamed(mut self, field: &'static str) -> Self {
        self.0.field = Some(field);
        self
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.values.push((name, value));
        self
    }

    #[must_use]
    pub fn with_text(self, name: &'static str, text: impl fmt::Display) -> Self {
        self.with(name, Value::Text(text.to_string()))
    }

    #[must_use]
    pub fn with_count(self, name: &'static str, count: impl TryInto<u64>) -> Self {
        self.with(name, Value::Count(count.try_into().unwrap_or(u64::MAX)))
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into().into());
        self
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    pub fn kind(&self) -> Kind {
        self.0.code.kind()
    }

    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }

    pub fn values(&self) -> &[(&'static str, Value)] {
        &self.0.values
    }

    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }
}

/// Sets the field of an error.
pub(crate) trait At<T> {
    fn at(self, field: &'static str) -> Result<T, Refusal>;
}

impl<T, E: Into<Refusal>> At<T> for Result<T, E> {
    fn at(self, field: &'static str) -> Result<T, Refusal> {
        self.map_err(|error| error.into().at(field))
    }
}

/// Writes the code and the field, for logs.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.as_str())?;
        self.0.field.map_or(Ok(()), |field| write!(f, " ({field})"))
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Conflict => return Code::Conflict.into(),
            StoreError::Unsettled => Code::Unsettled,
            StoreError::Unknown => Code::Unknown,
            StoreError::Busy(_) | StoreError::LosesWrites { .. } => Code::Busy,
            StoreError::Unreadable { .. } | StoreError::Journal(_) | StoreError::Unavailable(_) => {
                Code::Broken
            }
        };
        Self::new(code).because(error)
    }
}

impl From<crate::KeyringError> for Refusal {
    fn from(error: crate::KeyringError) -> Self {
        Self::broken(error)
    }
}

impl From<WrongClock> for Refusal {
    fn from(error: WrongClock) -> Self {
        Self::new(Code::WrongClock).because(error)
    }
}

impl From<EmailError> for Refusal {
    fn from(_: EmailError) -> Self {
        Self::new(Code::InvalidEmail).at("email")
    }
}

impl From<TokenNameError> for Refusal {
    fn from(error: TokenNameError) -> Self {
        Self::new(match error {
            TokenNameError::Empty => Code::MissingName,
            TokenNameError::TooLong => Code::NameTooLong,
            TokenNameError::Unprintable => Code::UnprintableName,
            TokenNameError::Secret => Code::TokenInText,
        })
    }
}

impl From<TokenNoteError> for Refusal {
    fn from(error: TokenNoteError) -> Self {
        let code = match error {
            TokenNoteError::Invalid => Code::InvalidNote,
            TokenNoteError::Secret => Code::TokenInText,
        };
        Self::new(code).at("note")
    }
}

impl From<UrlFault> for Refusal {
    fn from(fault: UrlFault) -> Self {
        let refusal = match fault {
            UrlFault::Malformed => Self::new(Code::InvalidWebhookUrl),
            UrlFault::NotHttps => Self::new(Code::WebhookUrlNotHttps),
            UrlFault::Credentials => Self::new(Code::WebhookUrlCredentials),
            UrlFault::Port(port) => Self::new(Code::WebhookPortNotAllowed).with_text("port", port),
            UrlFault::NotPublic => Self::new(Code::WebhookAddressNotPublic),
        };
        refusal.at("url")
    }
}

impl From<EventFilterError> for Refusal {
    fn from(error: EventFilterError) -> Self {
        let refusal = match error {
            EventFilterError::Empty => Self::new(Code::MissingEventType),
            EventFilterError::Unknown(name) => {
                Self::new(Code::UnknownEventType).with_text("name", name)
            }
        };
        refusal.at("events")
    }
}

impl From<RoleError> for Refusal {
    fn from(_: RoleError) -> Self {
        Self::new(Code::InvalidRole).at("role")
    }
}

impl From<ExpiryError> for Refusal {
    fn from(error: ExpiryError) -> Self {
        let code = match error {
            ExpiryError::Unreadable => Code::InvalidExpiry,
            ExpiryError::Past => Code::ExpiryInPast,
        };
        Self::new(code).at("expires")
    }
}

impl From<ExpiryPolicyError> for Refusal {
    fn from(error: ExpiryPolicyError) -> Self {
        match error {
            ExpiryPolicyError::Required => Self::new(Code::ExpiryRequired),
            ExpiryPolicyError::TooLong(days) => {
                Self::new(Code::ExpiryTooLate).with_count("days", days)
            }
        }
        .at("expires")
    }
}

impl From<ScopeError> for Refusal {
    fn from(_: ScopeError) -> Self {
        Self::new(Code::InvalidScope).at("scope")
    }
}

impl From<KeyScopeError> for Refusal {
    fn from(_: KeyScopeError) -> Self {
        Self::new(Code::InvalidKeyScope).at("scope")
    }
}

impl From<TooManyScopes> for Refusal {
    fn from(_: TooManyScopes) -> Self {
        Self::new(Code::TooManyScopes).at("scope").with_count("most", ScopeSet::MOST)
    }
}

impl From<GracePeriodError> for Refusal {
    fn from(_: GracePeriodError) -> Self {
        Self::new(Code::InvalidGracePeriod).at("grace_period")
    }
}

impl From<IpAllowlistError> for Refusal {
    fn from(error: IpAllowlistError) -> Self {
        match error {
            IpAllowlistError::Unreadable(entry) => {
                Self::new(Code::InvalidIpRange).with_text("text", entry)
            }
            IpAllowlistError::TooMany => Self::new(Code::IpAllowlistTooLong),
        }
        .at("ip_allowlist")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_unique() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
