//! The mails that Keydesk writes, word for word.

use keydesk_model::{AccountState, Origin, Role, Timestamp};
use keydesk_store::Expiring;

#[derive(Debug)]
pub(crate) struct Message {
    pub subject: String,
    pub body: String,
}

impl Message {
    pub fn invitation(account: &str, by: &str, role: Role, link: &str) -> Self {
        Self {
            subject: format!("{by} invites you to {account}"),
            body: format!(
                "{by} invites you to the account {account}, as {role}.\n\n\
                 Follow this link within 7 days to accept:\n\n{link}\n\n\
                 If you do not know {by}, do nothing: the invitation ends by itself.\n"
            ),
        }
    }

    pub fn reset(link: &str) -> Self {
        Self {
            subject: "Reset your password".to_owned(),
            body: format!(
                "Someone, probably you, asked to reset the password of this address.\n\n\
                 Follow this link within an hour to choose a new one:\n\n{link}\n\n\
                 With the new password your bearer token ends, and all sessions are logged out. API tokens live on.\n\n\
                 If it was not you, do nothing: nothing has changed.\n"
            ),
        }
    }

    pub fn password_changed(console_url: &str) -> Self {
        Self {
            subject: "Your password was changed".to_owned(),
            body: format!(
                "The password of this address was changed. Your bearer token ended with it; the new one stands on\n\n\
                 {console_url}/api-docs\n\n\
                 If it was not you, reset the password at {console_url}/forgot-password and tell an administrator.\n"
            ),
        }
    }

    pub fn logged_out(by: &str, account: &str, console_url: &str) -> Self {
        Self {
            subject: format!("You were logged out from all sessions by {by}"),
            body: format!(
                "{by}, who administers {account}, has logged you out from all active sessions there. Your bearer token \
                 ended with it; log in again to find the new one:\n\n{console_url}/api-docs\n"
            ),
        }
    }

    pub fn new_device(origin: &Origin, at: Timestamp, console_url: &str) -> Self {
        let place = origin.client_addr.map_or_else(String::new, |addr| format!(" from {addr}"));
        let program = origin.user_agent.as_deref().unwrap_or("a browser");
        Self {
            subject: "A new browser has logged in".to_owned(),
            body: format!(
                "Someone, probably you, has logged in with {program}{place} at {at}. It was not used for that before.\n\n\
                 If it was not you, change your password now and end that session:\n\n\
                 {console_url}/profile\n{console_url}/sessions\n"
            ),
        }
    }

    pub fn email_leaves(new: &str, link: &str) -> Self {
        Self {
            subject: "Another e-mail address is to take this one's place".to_owned(),
            body: format!(
                "Somebody who knows your password, probably you, wants to log in with {new} from now on.\n\n\
                 Follow this link within a day to confirm it, or to stop it:\n\n{link}\n\n\
                 Without your confirmation nothing changes.\n"
            ),
        }
    }

    pub fn email_arrives(old: &str, link: &str) -> Self {
        Self {
            subject: "Confirm your new e-mail address".to_owned(),
            body: format!(
                "Somebody who logs in with {old} until now wants to use this address instead.\n\n\
                 If that is you, follow this link within a day:\n\n{link}\n\n\
                 If not, do nothing.\n"
            ),
        }
    }

    pub fn email_changed(new: &str) -> Self {
        Self {
            subject: "Your e-mail address was changed".to_owned(),
            body: format!(
                "From now on you log in with {new}. Both addresses have confirmed it.\n\n\
                 If it was not you, tell the operator.\n"
            ),
        }
    }

    pub fn address_in_use(console_url: &str) -> Self {
        Self {
            subject: "You have a log-in here already".to_owned(),
            body: format!(
                "Somebody, perhaps you, has given this address, which belongs to a log-in already. Nothing was changed.\n\n\
                 Log in at {console_url}/login, or choose a new password at {console_url}/forgot-password.\n"
            ),
        }
    }

    pub fn sign_up(account: &str, link: &str) -> Self {
        Self {
            subject: format!("Open your account {account}"),
            body: format!(
                "Somebody, probably you, wants to open the account {account} with this address.\n\n\
                 Follow this link within a day to choose a password and open it:\n\n{link}\n\n\
                 If it was not you, do nothing.\n"
            ),
        }
    }

    pub fn second_factor_added(console_url: &str) -> Self {
        Self {
            subject: "Your second factor is on".to_owned(),
            body: format!(
                "From now on logging in with this address asks for a code of your authenticator app.\n\n\
                 If it was not you who set it up, reset your password at {console_url}/forgot-password and tell the operator.\n"
            ),
        }
    }

    pub fn second_factor_removed(console_url: &str) -> Self {
        Self {
            subject: "Your second factor was removed".to_owned(),
            body: format!(
                "From now on the password alone logs in with this address.\n\n\
                 If it was not you, change your password at {console_url}/profile, set a second factor up again at \
                 {console_url}/second-factor, and tell the operator.\n"
            ),
        }
    }

    pub fn recovery_code_used(left: i64, console_url: &str) -> Self {
        Self {
            subject: "A recovery code was used".to_owned(),
            body: format!(
                "Someone, probably you, has logged in with a recovery code; {left} are left.\n\n\
                 If you have lost your authenticator, set up another one:\n\n{console_url}/second-factor\n\n\
                 If it was not you, change your password at {console_url}/profile and end the session at {console_url}/sessions.\n"
            ),
        }
    }

    pub fn recovery_codes_renewed(console_url: &str) -> Self {
        Self {
            subject: "New recovery codes were made".to_owned(),
            body: format!(
                "New recovery codes were made for your second factor at {console_url}; the old ones stopped working.\n\n\
                 If it was not you, change your password at {console_url}/profile, then make new codes at {console_url}/second-factor.\n"
            ),
        }
    }

    pub fn expiring(token: &Expiring, console_url: &str) -> Self {
        let Expiring { name, account_name, expires_at, last_used_at, .. } = token;
        let used = last_used_at.map_or_else(
            || "It has not been used yet.".to_owned(),
            |at| format!("It was used last at {at}."),
        );
        Self {
            subject: format!("The API token “{name}” of {account_name} ends soon"),
            body: format!(
                "The API token “{name}” of {account_name} ends at {expires_at}; from then on whatever calls with it is refused.\n\n\
                 {used}\n\n\
                 Create the next one in time, and give it to the program:\n\n{console_url}/tokens/new\n"
            ),
        }
    }

    pub fn account_state(account: &str, state: AccountState) -> Self {
        let what = match state {
            AccountState::Open => "is open again: its tokens are served as before",
            AccountState::Suspended => {
                "was suspended by the operator: every call with its tokens is answered 403 until it is restored"
            }
            AccountState::Closed | AccountState::Gone => {
                "was closed by the operator: its tokens are refused, and for 30 days the operator can restore it"
            }
        };
        Self {
            subject: format!("Your account {account} is {}", state.as_str()),
            body: format!(
                "The account {account} {what}.\n\nAsk the operator of the API if you did not expect this.\n"
            ),
        }
    }

    pub fn removed(account: &str) -> Self {
        Self {
            subject: format!("You no longer belong to {account}"),
            body: format!(
                "You were removed from the account {account}. The bearer token that you had there has ended.\n"
            ),
        }
    }
}
