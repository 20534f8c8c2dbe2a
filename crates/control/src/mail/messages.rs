//! The emails that Keydesk sends, in the language of their recipients.

mod tokens;

pub(crate) use tokens::{LeakedToken, NextStep};

use super::Link;
use crate::door::{
    language::{LocalizedText, in_language, label, text},
    when::When,
};
use keydesk_model::{
    AccountState, DisabledReason, InvitationId, Language, Origin, Role, Timestamp,
};
use keydesk_store::Webhook;

fn title(api: &str) -> String {
    if api.is_empty() { text("mail-the-api").to_string() } else { api.to_owned() }
}

#[derive(Debug)]
pub(crate) struct Message {
    pub subject: String,
    pub body: String,
    /// The invitation in the email. *Members* shows whether it was delivered.
    pub invitation: Option<InvitationId>,
    /// The link in the email, if it works once.
    pub link: Option<Link>,
    /// When it is sent, if that is later.
    pub not_before: Option<Timestamp>,
}

impl Message {
    /// Creates the message from `mail-{name}` and its subject, with the arguments that `fill` sets in both.
    fn new(name: &str, fill: impl for<'a> Fn(LocalizedText<'a>) -> LocalizedText<'a>) -> Self {
        let said = |id: &str| fill(text(id)).to_string();
        let body = format!("{}\n", said(&format!("mail-{name}")));
        let subject = said(&format!("mail-{name}-subject"));
        Self { subject, body, invitation: None, link: None, not_before: None }
    }

    /// Writes an email in the recipient's language, or else in the request's.
    pub fn to(language: Option<Language>, write: impl FnOnce() -> Self) -> Self {
        match language {
            Some(language) => in_language(language, write),
            None => write(),
        }
    }

    /// Creates an invitation, where `api` is the title of the API.
    pub fn invitation((account, by): (&str, &str), role: Role, api: &str, link: &str) -> Self {
        Self::new("invitation", |mail| {
            let mail = mail.with("account", account).with("by", by).with("link", link);
            mail.with("role", label("role", role)).with("api", title(api))
        })
    }

    /// Creates an operator's invitation to the first owner of a new account.
    pub fn first_owner((account, by): (&str, &str), api: &str, link: &str) -> Self {
        Self::new("first-owner", |mail| {
            let mail = mail.with("account", account).with("by", by);
            mail.with("link", link).with("api", title(api))
        })
    }

    pub fn of_invitation(self, id: InvitationId) -> Self {
        Self { invitation: Some(id), ..self }
    }

    /// Adds the link whose URL is in the text.
    pub fn with_link(self, link: Link) -> Self {
        Self { link: Some(link), ..self }
    }

    pub fn test(console_url: &str) -> Self {
        Self::new("test", |mail| mail.with("console", console_url))
    }

    /// Notifies the present owners that an operator has invited another one.
    pub fn another_owner((account, by): (&str, &str), email: &str, console_url: &str) -> Self {
        Self::new("another-owner", |mail| {
            let mail = mail.with("account", account).with("by", by);
            mail.with("email", email).with("console", console_url)
        })
    }

    pub fn reset(link: &str) -> Self {
        Self::new("reset", |mail| mail.with("link", link))
    }

    pub fn password_changed(console_url: &str) -> Self {
        Self::new("password-changed", |mail| mail.with("console", console_url))
    }

    /// Confirms a password reset by email and lists the `passkeys` that can still log in.
    pub fn password_reset(console_url: &str, passkeys: &[String]) -> Self {
        if passkeys.is_empty() {
            return Self::password_changed(console_url);
        }
        Self::new("password-reset", |mail| {
            mail.with("console", console_url).with("passkeys", passkeys.join(", "))
        })
    }

    pub fn logged_out(by: &str, account: &str, console_url: &str) -> Self {
        Self::new("logged-out", |mail| {
            mail.with("by", by).with("account", account).with("console", console_url)
        })
    }

    pub fn new_device(origin: &Origin, at: Timestamp, console_url: &str) -> Self {
        let client = origin.user_agent.clone();
        let client = client.unwrap_or_else(|| text("mail-some-browser").to_string());
        let client = match origin.client_ip {
            Some(address) => {
                text("client-from").with("client", client).with("address", address).to_string()
            }
            None => client,
        };
        Self::new("new-device", |mail| {
            mail.with("client", &client).with("at", When::exact(at)).with("console", console_url)
        })
    }

    pub fn email_change_old(new: &str, link: &str) -> Self {
        Self::new("email-change-old", |mail| mail.with("email", new).with("link", link))
    }

    pub fn email_change_new(old: &str, link: &str) -> Self {
        Self::new("email-change-new", |mail| mail.with("email", old).with("link", link))
    }

    pub fn email_changed(new: &str) -> Self {
        Self::new("email-changed", |mail| mail.with("email", new))
    }

    pub fn login_exists(console_url: &str) -> Self {
        Self::new("login-exists", |mail| mail.with("console", console_url))
    }

    pub fn sign_up(account: &str, link: &str) -> Self {
        Self::new("sign-up", |mail| mail.with("account", account).with("link", link))
    }

    pub fn second_factor_added(console_url: &str) -> Self {
        Self::new("factor-added", |mail| mail.with("console", console_url))
    }

    pub fn passkey_added(console_url: &str) -> Self {
        Self::new("passkey-added", |mail| mail.with("console", console_url))
    }

    /// Notifies the user, where `has_more` tells whether another second factor is still required.
    pub fn second_factor_removed(has_more: bool, console_url: &str) -> Self {
        let name = if has_more { "one-factor-removed" } else { "factor-removed" };
        Self::new(name, |mail| mail.with("console", console_url))
    }

    pub fn recovery_code_used(left: i64, console_url: &str) -> Self {
        Self::new("code-used", |mail| mail.count("left", left).with("console", console_url))
    }

    pub fn recovery_codes_renewed(console_url: &str) -> Self {
        Self::new("codes-renewed", |mail| mail.with("console", console_url))
    }

    pub fn account_state(account: &str, state: AccountState) -> Self {
        let name = match state {
            AccountState::Active => "account-open",
            AccountState::Suspended => "account-suspended",
            AccountState::Closed | AccountState::Purged => "account-closed",
        };
        Self::new(name, |mail| mail.with("account", account))
    }

    pub fn webhook_disabled(webhook: &Webhook, reason: DisabledReason, console_url: &str) -> Self {
        let why = label("mail-webhook", reason.as_str());
        let path = if webhook.account.is_some() { "webhooks" } else { "operator/webhooks" };
        let link = format!("{console_url}/{path}/{}", webhook.id);
        Self::new("webhook-disabled", |mail| {
            mail.with("name", &webhook.name).with("why", &why).with("link", &link)
        })
    }

    pub fn removed(account: &str) -> Self {
        Self::new("removed", |mail| mail.with("account", account))
    }
}
