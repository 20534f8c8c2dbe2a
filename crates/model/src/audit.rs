//! The content of audit log entries: the actor, the origin, the event, and its object. Never contains a secret.

use crate::{MemberId, UserId};
use std::net::IpAddr;

/// The actor that caused a change.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A user with a session, and the member as whom they acted, if any.
    User { user: UserId, member: Option<MemberId> },
    /// An operator, at the command line or in the console.
    Operator { user: Option<UserId> },
    /// A node, after the database lost a change.
    Node,
    /// The token itself.
    Token,
    /// A user who isn't logged in, with a setup link, a reset link, or an invitation.
    AnonymousUser,
}

/// The origin of a request for a change.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub client_ip: Option<IpAddr>,
    /// The user agent as sent, truncated to 200 characters.
    pub user_agent: Option<String>,
    pub request_id: String,
}

macro_rules! actions {
    ($($name:ident = $text:literal,)*) => {
        /// The changes that Keydesk records, each with a stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Event { $($name,)* }

        impl Event {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

actions! {
    AccountCreated = "account.created",
    AccountRenamed = "account.renamed",
    SessionCreated = "session.created",
    SessionLoggedOut = "session.logged_out",
    SessionEnded = "session.ended",
    SessionPasswordConfirmed = "session.password_confirmed",
    SessionAccountSwitched = "session.account_switched",
    MemberLoggedOutOfAllSessions = "member.logged_out_of_all_sessions",
    SessionLoginFailed = "session.login_failed",
    UserPasswordChanged = "user.password_changed",
    UserRenamed = "user.renamed",
    UserErased = "user.erased",
    UserPasswordResetRequested = "user.password_reset_requested",
    UserPasswordReset = "user.password_reset",
    MemberInvited = "member.invited",
    MemberInvitationRevoked = "member.invitation_revoked",
    MemberInvitationAccepted = "member.invitation_accepted",
    MemberJoinedThroughSso = "member.joined_through_sso",
    MemberRoleChanged = "member.role_changed",
    MemberRemoved = "member.removed",
    MemberLeft = "member.left",
    TokenViewed = "token.viewed",
    TokenCreated = "token.created",
    TokenRenamed = "token.renamed",
    TokenRotated = "token.rotated",
    TokenRevoked = "token.revoked",
    TokenPreviousSecretsRevoked = "token.previous_secrets_revoked",
    TokenLimited = "token.limited",
    AccountLimited = "account.limited",
    TokenExpiring = "token.expiring",
    AccountTokenLifetimeLimited = "account.token_lifetime_limited",
    AccountCorsChanged = "account.cors_changed",
    OperationsChanged = "operations.changed",
    ReceiptIssued = "receipt.issued",
    TokenReconciled = "token.reconciled",
    KeyAdded = "key.added",
    KeyRotated = "key.rotated",
    NodeRemoved = "node.removed",
    TokenReplaced = "token.replaced",
    HelpFeedbackSubmitted = "help.feedback_submitted",
    UserEmailChangeRequested = "user.email_change_requested",
    UserEmailChangeConfirmed = "user.email_change_confirmed",
    UserEmailChangeCanceled = "user.email_change_canceled",
    UserEmailChanged = "user.email_changed",
    UserLanguageChanged = "user.language_changed",
    AccountSignUpRequested = "account.sign_up_requested",
    MemberInvitationResent = "member.invitation_resent",
    AccountSsoChanged = "account.sso_changed",
    AccountSsoApproved = "account.sso_approved",
    UserSecondFactorAdded = "user.second_factor_added",
    UserSecondFactorRemoved = "user.second_factor_removed",
    UserRecoveryCodesRegenerated = "user.recovery_codes_regenerated",
    AccountTwoFactorRequirementChanged = "account.two_factor_requirement_changed",
    OperatorAdded = "operator.added",
    OperatorRemoved = "operator.removed",
    AccountSuspended = "account.suspended",
    AccountClosed = "account.closed",
    AccountRestored = "account.restored",
    AccountPurged = "account.purged",
}
