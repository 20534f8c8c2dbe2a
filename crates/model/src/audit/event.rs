//! The events of the audit log, each with its details: what the console shows, exports write, and programs read.

use super::detail::{
    AccountStateDetail, AccountTerms, ApprovedSso, ConsoleLinkDetail, EmailAndRole, EmailDetail,
    Ended, FailingClientDetail, IpTerms, KeyDetail, LanguageDetail, LeakReport, LimitsDetail,
    LoginFactor, MemberDetail, NameAndVersion, NameDetail, NewAccount, NewManagementKey,
    NewSecretDetail, NewTokenDetail, NoteDetail, PlanDetail, RequiredDetail, Rfc3339, RoleDetail,
    RulesStatus, SecondFactorDetail, SecondFactorProof, Side, SsoTerms, VersionDetail,
    WebhookDetail,
};
use crate::{
    AlertSettings, CorsPolicy, DeliveryId, DisabledReason, Mode, RevocationReason, UnfamiliarUse,
    Unlisted,
};
use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),* $(,)? } = $text:literal,)*) => {
        /// A change that Keydesk records, with its details.
        ///
        /// `before` and `after` describe the changed object. A detail that is absent is not stored.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "event", content = "detail")]
        pub enum Event {
            $(#[serde(rename = $text)] $name { $($(#[$attribute])* $field: $kind),* },)*
        }

        impl Event {
            /// The names of all events.
            pub const NAMES: &'static [&'static str] = &[$($text,)*];

            /// Returns the stable name, as stored and sent.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => $text,)* }
            }
        }
    };
}

events! {
    AccountCreated { after: NewAccount } = "account.created",
    AccountRenamed { before: NameDetail, after: NameDetail } = "account.renamed",
    SessionCreated { second_factor: Option<SecondFactorProof>, sso_issuer: Option<String> } =
        "session.created",
    SessionLoggedOut {} = "session.logged_out",
    SessionEnded {} = "session.ended",
    SessionPasswordConfirmed {} = "session.password_confirmed",
    SessionAccountSwitched {} = "session.account_switched",
    MemberLoggedOutOfAllSessions { #[serde(flatten)] ended: Ended } =
        "member.logged_out_of_all_sessions",
    SessionLoginFailed { factor: LoginFactor } = "session.login_failed",
    UserPasswordChanged { #[serde(flatten)] ended: Ended } = "user.password_changed",
    UserRenamed { before: NameDetail, after: NameDetail } = "user.renamed",
    UserErased { memberships_ended: Option<usize> } = "user.erased",
    UserPasswordResetRequested { printed_on_server: bool } = "user.password_reset_requested",
    UserPasswordReset { #[serde(flatten)] ended: Ended } = "user.password_reset",
    MemberInvited { after: EmailAndRole } = "member.invited",
    MemberInvitationRevoked {} = "member.invitation_revoked",
    MemberInvitationAccepted { after: RoleDetail, second_factor: Option<SecondFactorProof> } =
        "member.invitation_accepted",
    MemberJoinedThroughSso { after: RoleDetail } = "member.joined_through_sso",
    MemberJoinedThroughLink { after: RoleDetail } = "member.joined_through_link",
    ConsoleLinkCreated { after: ConsoleLinkDetail } = "console_link.created",
    MemberRoleChanged { before: RoleDetail, after: RoleDetail, invitations_closed: Option<u64> } =
        "member.role_changed",
    MemberRemoved { before: EmailAndRole, invitations_closed: u64 } = "member.removed",
    MemberLeft { before: EmailAndRole, invitations_closed: u64 } = "member.left",
    TokenViewed { version: i64 } = "token.viewed",
    TokenCreated { after: NewTokenDetail, over_expiry_policy: bool } = "token.created",
    TokenRenamed { before: NameDetail, after: NameDetail } = "token.renamed",
    TokenNoteChanged { before: NoteDetail, after: NoteDetail } = "token.note_changed",
    TokenRotated { after: NewSecretDetail } = "token.rotated",
    TokenRevoked { before: NameAndVersion, restorable_until: Option<Rfc3339> } = "token.revoked",
    TokenPaused { before: NameAndVersion } = "token.paused",
    TokenRestored { after: NameAndVersion, revoked_at: Rfc3339 } = "token.restored",
    TokenRevokedPermanently { before: NameAndVersion } = "token.revoked_permanently",
    TokenPreviousSecretsRevoked { after: Option<VersionDetail>, previous_secrets: usize } =
        "token.previous_secrets_revoked",
    TokenLeaked { before: NameAndVersion, #[serde(flatten)] report: LeakReport, remains_active: bool } =
        "token.leaked",
    TokenLimited { before: LimitsDetail, after: LimitsDetail } = "token.limited",
    ManagementKeyCreated { after: NewManagementKey } = "management_key.created",
    ManagementKeyRenamed { before: NameDetail, after: NameDetail } = "management_key.renamed",
    ManagementKeyRotated { after: NewSecretDetail } = "management_key.rotated",
    ManagementKeyRevoked { before: NameAndVersion } = "management_key.revoked",
    ManagementKeyLeaked { before: NameAndVersion, #[serde(flatten)] report: LeakReport } =
        "management_key.leaked",
    ManagementKeyTakenOver { before: MemberDetail, after: MemberDetail } =
        "management_key.taken_over",
    AccountLimited { before: IpTerms, after: IpTerms } = "account.limited",
    AccountPlanChanged { before: PlanDetail, after: PlanDetail } = "account.plan_changed",
    TokenExpiring { days: u64, expires_at: Rfc3339, recipients: usize } =
        "token.expiring",
    TokenExpired { expires_at: Rfc3339 } = "token.expired",
    TokenUnfamiliarUse { at: Rfc3339, paused: bool } = "token.unfamiliar_use",
    TokenErrorSpike { requests: u64, errors: u64, usual_percent: u64, since: Rfc3339 } =
        "token.error_spike",
    TokenSilent { last_used_at: Rfc3339, usual_interval_seconds: u64 } = "token.silent",
    TokenPreviousSecretUsed { valid_until: Rfc3339, last_used_at: Rfc3339, clients: Vec<String> } =
        "token.previous_secret_used",
    TokenAlertsChanged { before: AlertSettings, after: AlertSettings } = "token.alerts_changed",
    AccountAlertsChanged { before: AlertSettings, after: AlertSettings } =
        "account.alerts_changed",
    TokenFirstUsed { at: Rfc3339 } = "token.first_used",
    TokenRejected { requests: i64, last_at: Rfc3339 } = "token.rejected",
    FailingClientMuted { client: FailingClientDetail, until: Rfc3339 } = "failing_client.muted",
    FailingClientResolved { client: FailingClientDetail } = "failing_client.resolved",
    FailingClientReopened { client: FailingClientDetail } = "failing_client.reopened",
    FailingClientReported { client: FailingClientDetail, recipients: usize } =
        "failing_client.reported",
    RateLimited { requests: i64, last_at: Rfc3339 } = "rate.limited",
    QuotaThreshold { percent: u64, requests: i64, quota: u64 } = "quota.threshold",
    AccountTokenLifetimeLimited { before: AccountTerms, after: AccountTerms } =
        "account.token_lifetime_limited",
    AccountUnfamiliarUseChanged { before: UnfamiliarUse, after: UnfamiliarUse } =
        "account.unfamiliar_use_changed",
    AccountRequestLogChanged { before: bool, after: bool } = "account.request_log_changed",
    AccountCorsChanged { before: Option<CorsPolicy>, after: Option<CorsPolicy> } =
        "account.cors_changed",
    OperationsChanged {
        status: RulesStatus,
        mode: Option<Mode>,
        unlisted: Option<Unlisted>,
        operations: Option<usize>,
    } = "operations.changed",
    CanaryCreated { after: NameDetail } = "canary.created",
    CanaryRemoved { before: NameDetail } = "canary.removed",
    CanaryUsed { name: String, uses: i64, at: Rfc3339, method: String, path: String } =
        "canary.used",
    CanaryLeaked { name: String, #[serde(flatten)] report: LeakReport } = "canary.leaked",
    WebhookCreated { after: WebhookDetail } = "webhook.created",
    WebhookUpdated { before: WebhookDetail, after: WebhookDetail } = "webhook.updated",
    WebhookPaused {} = "webhook.paused",
    WebhookResumed {} = "webhook.resumed",
    WebhookDisabled { reason: DisabledReason } = "webhook.disabled",
    WebhookRemoved { before: WebhookDetail } = "webhook.removed",
    WebhookSecretRotated { previous_secret_expires_at: Rfc3339 } = "webhook.secret_rotated",
    WebhookTested {} = "webhook.tested",
    WebhookRedelivered { delivery: DeliveryId } = "webhook.redelivered",
    ReceiptIssued { jws: String } = "receipt.issued",
    TokenReconciled { revocations: usize, accounts: usize } = "token.reconciled",
    KeyAdded {} = "key.added",
    KeyRotated {
        before: Option<KeyDetail>,
        after: Option<KeyDetail>,
        resealed: Option<usize>,
        left: Option<i64>,
    } = "key.rotated",
    GatewayIsolated { name: String, last_seen_at: Rfc3339 } = "gateway.isolated",
    NodeRemoved {
        name: String,
        could_accept_until: Rfc3339,
        is_destroyed: bool,
    } = "node.removed",
    TokenReplaced { after: Option<VersionDetail>, reason: Option<RevocationReason> } =
        "token.replaced",
    HelpFeedbackSubmitted { question: String, answered: bool } = "help.feedback_submitted",
    UserEmailChangeRequested { before: EmailDetail, after: EmailDetail } =
        "user.email_change_requested",
    UserEmailChangeConfirmed { side: Side } = "user.email_change_confirmed",
    UserEmailChangeCanceled { side: Side } = "user.email_change_canceled",
    UserEmailChanged { before: EmailDetail, after: EmailDetail, sso_issuer: Option<String> } =
        "user.email_changed",
    UserLanguageChanged { before: LanguageDetail, after: LanguageDetail } = "user.language_changed",
    AccountSignUpRequested {} = "account.sign_up_requested",
    MemberInvitationResent { after: EmailAndRole } = "member.invitation_resent",
    AccountSsoChanged { before: Option<SsoTerms>, after: Option<SsoTerms> } = "account.sso_changed",
    AccountSsoApproved { after: ApprovedSso } = "account.sso_approved",
    UserSecondFactorAdded { after: SecondFactorDetail } = "user.second_factor_added",
    UserSecondFactorRemoved { before: SecondFactorDetail } = "user.second_factor_removed",
    UserRecoveryCodesRegenerated {} = "user.recovery_codes_regenerated",
    AccountTwoFactorRequirementChanged { before: RequiredDetail, after: RequiredDetail } =
        "account.two_factor_requirement_changed",
    OperatorAdded { is_first: bool } = "operator.added",
    OperatorRemoved {} = "operator.removed",
    AccountSuspended { before: AccountStateDetail, after: AccountStateDetail } = "account.suspended",
    AccountClosed { before: AccountStateDetail, after: AccountStateDetail } = "account.closed",
    AccountRestored { before: AccountStateDetail, after: AccountStateDetail } = "account.restored",
    AccountPurged { api_tokens_revoked: u32, members_removed: usize } = "account.purged",
}

impl Event {
    /// Returns the details as stored: an object without the absent ones.
    pub fn detail(&self) -> serde_json::Value {
        let mut written = serde_json::to_value(self).unwrap_or_default();
        let mut detail = written["detail"].take();
        if let Some(object) = detail.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
        detail
    }

    /// Reads a stored event. Returns `None` for one that another release has written.
    pub fn read(name: &str, detail: &str) -> Option<Self> {
        let detail: serde_json::Value = serde_json::from_str(detail).ok()?;
        serde_json::from_value(serde_json::json!({ "event": name, "detail": detail })).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let name = |name: &str| NameDetail { name: name.to_owned() };
        let ended = Ended { sessions_ended: 2, bearer_tokens_replaced: 1, invitations_closed: 0 };
        let expires_at = Rfc3339(Timestamp::from_micros(1_790_000_000_000_001));
        for (event, detail) in [
            (Event::SessionEnded {}, "{}"),
            (
                Event::TokenRenamed { before: name("a"), after: name("b") },
                r#"{"before":{"name":"a"},"after":{"name":"b"}}"#,
            ),
            (
                Event::UserPasswordChanged { ended },
                r#"{"sessions_ended":2,"bearer_tokens_replaced":1,"invitations_closed":0}"#,
            ),
            (Event::SessionCreated { second_factor: None, sso_issuer: None }, "{}"),
            (Event::AccountCorsChanged { before: None, after: None }, "{}"),
            (
                Event::TokenExpiring { days: 7, expires_at, recipients: 1 },
                r#"{"days":7,"expires_at":"2026-09-21T14:13:20.000001Z","recipients":1}"#,
            ),
        ] {
            assert_eq!(event.detail().to_string(), detail);
            assert_eq!(Event::read(event.name(), detail), Some(event));
        }
    }

    #[test]
    fn an_event_of_another_release_is_not_read() {
        assert_eq!(Event::read("token.painted", "{}"), None);
        assert_eq!(Event::read("token.renamed", "{}"), None);
        assert_eq!(Event::read("token.renamed", "no JSON"), None);
    }

    #[test]
    fn names_are_an_area_and_an_event_and_unique() {
        for (index, name) in Event::NAMES.iter().enumerate() {
            let (area, event) = name.split_once('.').expect("an area");
            assert!(!area.is_empty() && !event.contains('.'), "{name}");
            assert!(!Event::NAMES[..index].contains(name), "{name}");
        }
    }
}
