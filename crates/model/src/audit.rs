//! What the audit log says of a change: who, from where, what, on what. Never a secret.

use crate::{MemberId, PersonId};
use std::net::IpAddr;

/// Who caused a change.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A person with a session; the member they acted as, where there is one.
    Person { person: PersonId, member: Option<MemberId> },
    /// The operator: at the command line, or a person at the console.
    Operator { person: Option<PersonId> },
    /// A node by itself, after the database had forgotten something.
    Node,
    /// The token itself, by whoever holds it.
    Token,
    /// Nobody is logged in yet: the set-up link, a reset link, an invitation.
    Visitor,
}

/// Where a change was asked for.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub client_ip: Option<IpAddr>,
    /// As sent, cut to 200 characters.
    pub user_agent: Option<String>,
    pub request_id: String,
}

macro_rules! actions {
    ($($name:ident = $text:literal,)*) => {
        /// Every change that Keydesk makes, by its stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($name,)* }

        impl Action {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

actions! {
    OpenAccount = "account.open",
    RenameAccount = "account.rename",
    LogIn = "session.log_in",
    LogOut = "session.log_out",
    EndSession = "session.end",
    ConfirmPassword = "session.confirm_password",
    SwitchAccount = "session.switch_account",
    LogOutEverywhere = "member.log_out_everywhere",
    LogInRefused = "session.log_in_refused",
    ChangePassword = "person.change_password",
    RenamePerson = "person.rename",
    ErasePerson = "person.erase",
    RequestReset = "person.request_reset",
    ResetPassword = "person.reset_password",
    InviteMember = "member.invite",
    WithdrawInvitation = "member.withdraw_invitation",
    AcceptInvitation = "member.accept_invitation",
    JoinBySignOn = "member.join_by_sign_on",
    ChangeRole = "member.change_role",
    RemoveMember = "member.remove",
    LeaveAccount = "member.leave",
    ViewBearerToken = "token.view",
    IssueToken = "token.issue",
    RenameToken = "token.rename",
    RotateToken = "token.rotate",
    RevokeToken = "token.revoke",
    CloseOldSecrets = "token.close_old",
    LimitToken = "token.limit",
    LimitAccount = "account.limit",
    RemindOfExpiry = "token.remind",
    LimitExpiry = "account.limit_expiry",
    SetCors = "account.set_cors",
    ChangeRules = "operations.change",
    IssueReceipt = "receipt.issue",
    WriteBackEndings = "token.write_back_endings",
    AddKey = "key.add",
    RotateKey = "key.rotate",
    RemoveNode = "node.remove",
    ReplaceBearerToken = "token.replace",
    GiveFeedback = "help.feedback",
    AskForEmail = "person.ask_for_email",
    ConfirmEmail = "person.confirm_email",
    StopEmail = "person.stop_email",
    ChangeEmail = "person.change_email",
    ChooseLanguage = "person.choose_language",
    AskToSignUp = "account.ask_to_sign_up",
    ResendInvitation = "member.resend_invitation",
    SetSignOn = "account.set_sign_on",
    ConfirmSignOn = "account.confirm_sign_on",
    AddSecondFactor = "person.add_second_factor",
    RemoveSecondFactor = "person.remove_second_factor",
    RenewRecoveryCodes = "person.renew_recovery_codes",
    RequireSecondFactor = "account.require_two_factor",
    AddOperator = "operator.add",
    RemoveOperator = "operator.remove",
    SuspendAccount = "account.suspend",
    CloseAccount = "account.close",
    RestoreAccount = "account.restore",
    ForgetAccount = "account.forget",
}
