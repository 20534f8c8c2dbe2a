//! The details of the events in the audit log: an object before or after a change.

use crate::{
    AccountState, Email, EventFilter, IpAllowlist, KeyScopes, LeakReporter, MemberId, Mode, Role,
    ScopeSet, Timestamp, TokenId, TokenLimits,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

macro_rules! details {
    ($($(#[$about:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),* $(,)? })*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub struct $name { $($(#[$attribute])* pub $field: $kind),* }
        )*
    };
}

details! {
    NameDetail { name: String }
    EmailDetail { email: String }
    EmailAndRole { email: String, role: Role }
    RoleDetail { role: Role }
    ConsoleLinkDetail { email: String, path: String }
    LanguageDetail { language: Option<String> }
    RequiredDetail { required: bool }
    PlanDetail { plan: String }
    AccountStateDetail { state: AccountState }
    KeyDetail { key: String }
    NewAccount {
        name: String,
        number: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        owner: Option<MemberId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        owner_invited: Option<String>,
    }
    /// What the end of a user's or a member's sessions ended.
    Ended { sessions_ended: u64, bearer_tokens_replaced: usize, invitations_closed: u64 }
    NewTokenDetail {
        name: String,
        scopes: ScopeSet,
        expires_at: Option<Rfc3339>,
    }
    NewManagementKey {
        name: String,
        scopes: KeyScopes,
        ip_allowlist: IpAllowlist,
        expires_at: Rfc3339,
    }
    MemberDetail { member: MemberId }
    /// Who fails with which token, and why.
    FailingClientDetail {
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<TokenId>,
        code: String,
        client: String,
        network: String,
        operation: String,
    }
    VersionDetail { version: i64 }
    NewSecretDetail {
        version: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        previous_secret_expires_at: Option<Rfc3339>,
    }
    NoteDetail { note: String }
    NameAndVersion { name: String, version: i64 }
    /// Who reported a leak, and where the secret was found.
    LeakReport {
        reporter: LeakReporter,
        #[serde(skip_serializing_if = "Option::is_none")]
        location: Option<String>,
    }
    LimitsDetail { limits: TokenLimits, observed: Option<TokenLimits> }
    IpTerms { ip_allowlist: IpAllowlist, observed: Option<IpAllowlist> }
    AccountTerms { max_lifetime_days: Option<u16>, requires_expiry: bool, mode: Mode }
    SsoTerms {
        issuer: String,
        domains: Vec<String>,
        scopes: String,
        client_auth: String,
        trusts_emails: bool,
        default_role: Role,
        role_claim: String,
        roles: String,
    }
    /// An endpoint. The path of its URL is left out, because some services put a secret there.
    WebhookDetail { name: String, origin: String, events: EventFilter }
    ApprovedSso { issuer: String, domains: Vec<String> }
    SecondFactorDetail {
        second_factor: SecondFactor,
        /// The name of a passkey.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    }
}

impl NameDetail {
    pub fn of(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

impl From<&Email> for EmailDetail {
    fn from(email: &Email) -> Self {
        Self { email: email.to_string() }
    }
}

impl NewSecretDetail {
    pub fn without_grace_period(version: i64) -> Self {
        Self { version, previous_secret_expires_at: None }
    }
}

impl SecondFactorDetail {
    pub const AUTHENTICATOR: Self = Self { second_factor: SecondFactor::Authenticator, name: None };

    pub fn passkey(name: &str) -> Self {
        Self { second_factor: SecondFactor::Passkey, name: Some(name.to_owned()) }
    }
}

macro_rules! names {
    ($($(#[$about:meta])* $name:ident { $($variant:ident),* $(,)? })*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "snake_case")]
            pub enum $name { $($variant),* }
        )*
    };
}

names! {
    SecondFactor { Authenticator, Passkey }
    /// How a user proved the second factor.
    SecondFactorProof { OneTimeCode, RecoveryCode, Passkey }
    /// The factor with which a login failed.
    LoginFactor { Password, OneTimeCode, Passkey }
    /// The address from which an email change was confirmed or canceled.
    Side { Old, New }
    /// What became of changed rules.
    RulesStatus { InForce, Pending, Withdrawn }
}

/// An instant, written as RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at: jiff::Timestamp =
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)?;
        Ok(Self(Timestamp::from_micros(at.as_microsecond())))
    }
}
