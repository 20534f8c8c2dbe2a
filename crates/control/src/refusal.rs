//! Refusals of use cases: a code, the field, and the values of the text. Interfaces render them as a page, a problem,
//! or a line.

use keydesk_model::{
    EmailError, ExpiryError, ExpiryPolicyError, GracePeriodError, IpAllowlistError, RoleError,
    ScopeError, ScopeSet, TokenNameError, TooManyScopes,
};
use keydesk_node::WrongClock;
use keydesk_store::StoreError;
use std::{error::Error, fmt, time::Duration};

/// The kind of a refusal, which determines the status of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The object doesn't exist or belongs to another user or account.
    NotFound,
    NotPermitted,
    /// The input is invalid.
    Invalid,
    /// The change conflicts with an earlier one.
    Conflict,
    TooMany,
    /// A link or step that has been used or has expired.
    Gone,
    /// A retry in a moment may succeed.
    Busy,
    /// The change may or may not have been made.
    Unsettled,
    Broken,
}

macro_rules! codes {
    ($($name:ident = $text:literal, $kind:ident;)*) => {
        /// The stable name of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($name,)* }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }
        }
    };
}

codes! {
    NotFound = "not_found", NotFound;
    SetupExpired = "setup_expired", NotFound;
    ReferenceUnavailable = "reference_unavailable", NotFound;

    NotPermitted = "not_permitted", NotPermitted;
    LoggedOut = "logged_out", NotPermitted;
    OperatorsOnly = "operators_only", NotPermitted;
    NoAccount = "no_account", NotPermitted;
    TwoFactorRequired = "two_factor_required", NotPermitted;

    InvalidForm = "invalid_form", Invalid;
    InvalidEmail = "invalid_email", Invalid;
    MissingName = "missing_name", Invalid;
    NameTooLong = "name_too_long", Invalid;
    UnprintableName = "unprintable_name", Invalid;
    InvalidRole = "invalid_role", Invalid;
    InvalidLanguage = "invalid_language", Invalid;
    InvalidDate = "invalid_date", Invalid;
    InvalidExportFormat = "invalid_export_format", Invalid;
    InvalidAnswer = "invalid_answer", Invalid;
    ControlCharacter = "control_character", Invalid;

    PasswordTooShort = "password_too_short", Invalid;
    PasswordTooLong = "password_too_long", Invalid;
    PasswordCommon = "password_common", Invalid;
    PasswordPersonal = "password_personal", Invalid;
    WrongCurrentPassword = "wrong_current_password", Invalid;
    SamePassword = "same_password", Invalid;
    IncorrectCredentials = "incorrect_credentials", NotPermitted;
    IncorrectCode = "incorrect_code", NotPermitted;
    UnknownPasskey = "unknown_passkey", NotPermitted;
    InvitationWrongPassword = "invitation_wrong_password", Invalid;
    InvitationWrongCode = "invitation_wrong_code", Invalid;

    SameEmail = "same_email", Invalid;
    EmailTaken = "email_taken", Invalid;
    EmailNotConfigured = "email_not_configured", Invalid;
    TooManyEmails = "too_many_emails", Invalid;
    TestEmailFailed = "test_email_failed", Invalid;

    InvalidExpiry = "invalid_expiry", Invalid;
    ExpiryInPast = "expiry_in_past", Invalid;
    ExpiryRequired = "expiry_required", Invalid;
    ExpiryTooLate = "expiry_too_late", Invalid;
    MissingExpiryDate = "missing_expiry_date", Invalid;
    AmbiguousExpiry = "ambiguous_expiry", Invalid;
    InvalidScope = "invalid_scope", Invalid;
    MissingScope = "missing_scope", Invalid;
    TooManyScopes = "too_many_scopes", Invalid;
    InvalidIpRange = "invalid_ip_range", Invalid;
    IpAllowlistTooLong = "ip_allowlist_too_long", Invalid;
    InvalidGracePeriod = "invalid_grace_period", Invalid;
    IdlePeriodTooLong = "idle_period_too_long", Invalid;
    InvalidVersion = "invalid_version", Invalid;
    InvalidLifetime = "invalid_lifetime", Invalid;
    InvalidOrigin = "invalid_origin", Invalid;
    InvalidCorsList = "invalid_cors_list", Invalid;
    TooManyTokens = "too_many_tokens", Invalid;
    TooManyPreviousSecrets = "too_many_previous_secrets", Invalid;

    AccountExists = "account_exists", Invalid;
    UnknownPlan = "unknown_plan", Invalid;
    WrongAccountState = "wrong_account_state", Invalid;
    AlreadyMember = "already_member", Invalid;
    TooManyInvitations = "too_many_invitations", Invalid;
    LastOwner = "last_owner", Invalid;
    CannotRemoveYourself = "cannot_remove_yourself", Invalid;
    OwnerIsOperator = "owner_is_operator", Invalid;
    AlreadyOperator = "already_operator", Invalid;
    NotAnOperator = "not_an_operator", Invalid;
    LastOperator = "last_operator", Invalid;
    MissingPassword = "missing_password", Invalid;
    UnknownUser = "unknown_user", Invalid;
    OnlyOwner = "only_owner", Invalid;
    NoTwoFactor = "no_two_factor", Invalid;

    WrongTwoFactorCode = "wrong_two_factor_code", Invalid;
    AuthenticatorExists = "authenticator_exists", Invalid;
    AuthenticatorNotStarted = "authenticator_not_started", Invalid;
    TwoFactorOwnFirst = "two_factor_own_first", Invalid;
    PasskeyNeedsDomain = "passkey_needs_domain", Invalid;
    InvalidPasskeyResponse = "invalid_passkey_response", Invalid;
    PasskeyExists = "passkey_exists", Invalid;
    TooManyPasskeys = "too_many_passkeys", Invalid;
    LastTwoFactorMethod = "last_two_factor_method", Invalid;

    InvalidIssuer = "invalid_issuer", Invalid;
    MissingClientId = "missing_client_id", Invalid;
    MissingClientSecret = "missing_client_secret", Invalid;
    InvalidDomain = "invalid_domain", Invalid;
    InvalidRoleMapping = "invalid_role_mapping", Invalid;
    InvalidSsoScopes = "invalid_sso_scopes", Invalid;
    SsoNotConfigured = "sso_not_configured", Invalid;
    ProviderFault = "provider_fault", Invalid;
    SsoLoginExpired = "sso_login_expired", Invalid;
    SsoLoginRejected = "sso_login_rejected", Invalid;
    SsoSavedWithFault = "sso_saved_with_fault", Invalid;

    Conflict = "conflict", Conflict;
    PageChanged = "page_changed", Conflict;
    TokenInactive = "token_inactive", Conflict;
    TokenChanged = "token_changed", Conflict;
    TokenAlreadyCreated = "token_already_created", Conflict;
    NoPreviousSecrets = "no_previous_secrets", Conflict;
    SsoSettingsChanged = "sso_settings_changed", Conflict;

    TooManyFailedAttempts = "too_many_failed_attempts", TooMany;
    LoginLocked = "login_locked", TooMany;
    TooManyLogins = "too_many_logins", TooMany;
    TooManySsoLogins = "too_many_sso_logins", TooMany;
    TooManyChanges = "too_many_changes", TooMany;

    LoginExpired = "login_expired", NotPermitted;
    InvitationExpired = "invitation_expired", Gone;
    SignUpExpired = "sign_up_expired", Gone;
    ResetExpired = "reset_expired", Gone;
    EmailLinkExpired = "email_link_expired", Gone;

    TooBusy = "too_busy", Busy;
    Busy = "busy", Busy;
    WrongClock = "wrong_clock", Busy;
    Unsettled = "unsettled", Unsettled;
    Unknown = "unknown", Unsettled;
    Broken = "broken", Broken;
}

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
        })
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
