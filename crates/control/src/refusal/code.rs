//! The codes of refusals, and the kind of each.

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
    UnknownRequest = "unknown_request", NotFound;
    SetupExpired = "setup_expired", NotFound;
    ReferenceUnavailable = "reference_unavailable", NotFound;

    NotPermitted = "not_permitted", NotPermitted;
    LoggedOut = "logged_out", NotPermitted;
    OperatorsOnly = "operators_only", NotPermitted;
    ScopeRequired = "scope_required", NotPermitted;
    SessionRequired = "session_required", NotPermitted;
    InvalidManagementKey = "invalid_management_key", NotPermitted;
    KeyOfAnotherUser = "key_of_another_user", NotPermitted;
    LinkedSession = "linked_session", NotPermitted;
    IpNotAllowed = "ip_not_allowed", NotPermitted;
    NoAccount = "no_account", NotPermitted;
    TwoFactorRequired = "two_factor_required", NotPermitted;

    InvalidForm = "invalid_form", Invalid;
    InvalidEmail = "invalid_email", Invalid;
    MissingName = "missing_name", Invalid;
    NameTooLong = "name_too_long", Invalid;
    InvalidNote = "invalid_note", Invalid;
    TokenInText = "token_in_text", Invalid;
    UnprintableName = "unprintable_name", Invalid;
    InvalidRole = "invalid_role", Invalid;
    InvalidLanguage = "invalid_language", Invalid;
    InvalidDate = "invalid_date", Invalid;
    InvalidInstant = "invalid_instant", Invalid;
    InvalidUsageRange = "invalid_usage_range", Invalid;
    InvalidCursor = "invalid_cursor", Invalid;
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
    InvalidExpiryTime = "invalid_expiry_time", Invalid;
    InvalidDigest = "invalid_digest", Invalid;
    InvalidMaskedSecret = "invalid_masked_secret", Invalid;
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
    NoTokensSelected = "no_tokens_selected", Invalid;
    NoMembersSelected = "no_members_selected", Invalid;
    KeyBeyondItsCreator = "key_beyond_its_creator", Invalid;
    MissingKeyScope = "missing_key_scope", Invalid;
    KeyExpiryTooLate = "key_expiry_too_late", Invalid;
    LinkToOperator = "link_to_operator", Invalid;
    ExternalIdTaken = "external_id_taken", Invalid;
    InvalidPath = "invalid_path", Invalid;
    InvalidReturnUrl = "invalid_return_url", Invalid;
    InvalidExternalId = "invalid_external_id", Invalid;
    UnknownMember = "unknown_member", Invalid;
    UserOfAnotherAccount = "user_of_another_account", Invalid;
    InvalidUserCode = "invalid_user_code", Invalid;
    TooManyKeys = "too_many_keys", Invalid;
    InvalidKeyScope = "invalid_key_scope", Invalid;
    ScopeNotGrantable = "scope_not_grantable", Invalid;
    InvalidWebhookUrl = "invalid_webhook_url", Invalid;
    WebhookUrlNotHttps = "webhook_url_not_https", Invalid;
    WebhookUrlCredentials = "webhook_url_credentials", Invalid;
    WebhookPortNotAllowed = "webhook_port_not_allowed", Invalid;
    WebhookAddressNotPublic = "webhook_address_not_public", Invalid;
    UnknownEventType = "unknown_event_type", Invalid;
    MissingEventType = "missing_event_type", Invalid;
    TooManyWebhooks = "too_many_webhooks", Invalid;
    InvalidQuietTime = "invalid_quiet_time", Invalid;
    InvalidTimeZone = "invalid_time_zone", Invalid;
    InvalidMuteTime = "invalid_mute_time", Invalid;
    NobodyToNotify = "nobody_to_notify", Conflict;
    AlreadyNotified = "already_notified", Conflict;
    NotRestorable = "not_restorable", Conflict;
    TooManyCanaries = "too_many_canaries", Invalid;
    NoTokenInReport = "no_token_in_report", Invalid;
    TooManyTokensInReport = "too_many_tokens_in_report", Invalid;
    UrlTooLong = "url_too_long", Invalid;
    WrongWebhookState = "wrong_webhook_state", Conflict;
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
    RequestRepeated = "request_repeated", Conflict;
    SecretTaken = "secret_taken", Conflict;
    TokenInactive = "token_inactive", Conflict;
    TokenChanged = "token_changed", Conflict;
    KeyInactive = "key_inactive", Conflict;
    KeyChanged = "key_changed", Conflict;
    KeyIsYours = "key_is_yours", Conflict;
    TokenAlreadyCreated = "token_already_created", Conflict;
    NoPreviousSecrets = "no_previous_secrets", Conflict;
    SsoSettingsChanged = "sso_settings_changed", Conflict;

    TooManyFailedAttempts = "too_many_failed_attempts", TooMany;
    LoginLocked = "login_locked", TooMany;
    TooManyLogins = "too_many_logins", TooMany;
    TooManySsoLogins = "too_many_sso_logins", TooMany;
    TooManyReports = "too_many_reports", TooMany;
    TooManyChanges = "too_many_changes", TooMany;

    LoginExpired = "login_expired", NotPermitted;
    InvitationExpired = "invitation_expired", Gone;
    SignUpExpired = "sign_up_expired", Gone;
    LinkNeedsLogin = "link_needs_login", Gone;
    ConsoleLinkExpired = "console_link_expired", Gone;
    ResetExpired = "reset_expired", Gone;
    EmailLinkExpired = "email_link_expired", Gone;

    TooBusy = "too_busy", Busy;
    Busy = "busy", Busy;
    WrongClock = "wrong_clock", Busy;
    Unsettled = "unsettled", Unsettled;
    Unknown = "unknown", Unsettled;
    Broken = "broken", Broken;
}
