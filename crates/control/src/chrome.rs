//! What every page has around its content: title, navigation, who is logged in, a notice.

use crate::{caller::Caller, operators::Operator, receipts::Issued};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use keydesk_model::{AccountId, AccountState, Right, Role};
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nav {
    None,
    ApiDocs,
    Tokens,
    Members,
    Sessions,
    Help,
    Profile,
    Operator,
    Audit,
}

#[derive(Debug)]
pub(crate) struct Chrome {
    pub title: String,
    pub nav: Nav,
    pub who: Option<Who>,
    /// Said once at the top of the page, and to screen readers.
    pub notice: Option<&'static str>,
    /// The receipt that goes with it.
    pub receipt: Option<i64>,
}

/// What a redirect asks the next page to say: what was done, and which receipt there is of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    #[serde(rename = "done")]
    pub what: Option<String>,
    pub receipt: Option<i64>,
    /// A receipt that was not complete when it was issued.
    pub pending: Option<i64>,
    /// The gateways could not be asked.
    pub unconfirmed: Option<String>,
}

/// Leads to a page that says what was done.
pub(crate) fn done(path: &str, what: &str, receipt: Option<&Issued>) -> Redirect {
    let receipt = receipt.map(Issued::query).unwrap_or_default();
    Redirect::to(&format!("{path}?done={what}{receipt}"))
}

#[derive(Debug)]
pub(crate) struct Who {
    pub name: String,
    pub account: String,
    /// None: in no account.
    pub account_id: Option<AccountId>,
    pub accounts: Vec<(AccountId, String)>,
    /// In the account that the page is about.
    pub role: Option<Role>,
    pub is_member: bool,
    pub is_operator: bool,
    /// The account that the page is about is suspended.
    pub is_suspended: bool,
}

impl Who {
    fn may(&self, right: Right) -> bool {
        self.role.is_some_and(|role| role.may(right))
    }

    pub fn sees_tokens(&self) -> bool {
        self.may(Right::SeeTokens)
    }

    pub fn sees_audit(&self) -> bool {
        self.may(Right::SeeAudit)
    }

    pub fn is_in(&self, account: &AccountId) -> bool {
        self.account_id == Some(*account)
    }
}

impl Chrome {
    /// For pages without a session.
    pub fn nobody(title: &str, nav: Nav) -> Self {
        Self { title: title.to_owned(), nav, who: None, notice: None, receipt: None }
    }

    pub fn of(caller: &Caller, title: &str, nav: Nav) -> Self {
        let who = Who {
            name: caller.person.name.clone(),
            account: caller.account.name.clone(),
            account_id: Some(caller.account.id),
            accounts: caller
                .accounts
                .iter()
                .map(|account| (account.id, account.name.clone()))
                .collect(),
            role: Some(caller.member.role),
            is_member: true,
            is_operator: caller.is_operator,
            is_suspended: caller.account.state == AccountState::Suspended,
        };
        Self { title: title.to_owned(), nav, who: Some(who), notice: None, receipt: None }
    }

    /// For an operator, in no account.
    pub fn of_operator(operator: &Operator, title: &str, nav: Nav) -> Self {
        let who = Who {
            name: operator.person.name.clone(),
            account: "Operator".to_owned(),
            account_id: None,
            accounts: Vec::new(),
            role: None,
            is_member: operator.is_member,
            is_operator: true,
            is_suspended: false,
        };
        Self { title: title.to_owned(), nav, who: Some(who), notice: None, receipt: None }
    }

    /// Whether the reader may open a receipt.
    pub fn sees_receipts(&self) -> bool {
        self.who.as_ref().is_some_and(Who::sees_tokens)
    }

    /// The notice that a redirect asks for. Unknown names say nothing.
    pub fn with_notice(mut self, query: &Done) -> Self {
        self.receipt = query.receipt.or(query.pending);
        self.notice = query.what.as_deref().and_then(|done| {
            Some(match done {
                _ if query.unconfirmed.is_some() => {
                    "Done, but the gateways' confirmations could not be written down: there is no receipt. Each refuses when it hears of it, or when its lease is over."
                }
                _ if query.pending.is_some() => {
                    "Done, but not every gateway has confirmed it yet. The receipt says from when on all refuse."
                }
                "account_opened" => "Your account is open. Copy both values and make the first call.",
                "password_changed" => {
                    "Password changed. Your bearer token ended with the old one; the new one stands here."
                }
                "token_rotated" => "Bearer token rotated. The old one is refused from now on.",
                "token_revoked" => "API token revoked. It is refused from now on.",
                "old_closed" => "Old secret closed. It is refused from now on; the new one goes on.",
                "expiry_limited" => "Set. It holds for tokens that are made from now on.",
                "account_invited" => "The account is open. Its owner is invited.",
                "account_suspended" => "Suspended. Its tokens are refused from now on.",
                "account_closed" => "Closed. Its tokens are refused from now on.",
                "account_restored" => "Restored. Its tokens are served again.",
                "plan_set" => "Plan set.",
                "email_asked" => "Links are on their way to both addresses. Nothing changes before both are followed.",
                "sign_on_set" => "Saved. With a new provider or domain the operator confirms it first.",
                "sign_on_removed" => "Single sign-on removed.",
                "sign_on_confirmed" => "Confirmed. Who has an address there logs in by it from now on.",
                "passkey_added" => "Passkey added.",
                "passkey_removed" => "Passkey removed. It lets nobody in any more.",
                "second_factor_removed" => "Second factor removed.",
                "second_factor_set" => "Set.",
                "expiry_on_trial" => {
                    "On trial. No token is refused for it; those that would be are listed here."
                }
                "limits_in_force" => "Limits set. They are in force from now on.",
                "limits_on_trial" => {
                    "Limits on trial. Nothing is refused for them; the token's limits page lists what would be."
                }
                "stored" => "Good. The token is not shown again.",
                "logged_out_everywhere" => {
                    "You are logged out everywhere. Your bearer token has ended; log in to find the new one."
                }
                "logged_out" => "You are logged out. Your bearer token goes on working.",
                "session_ended" => "That session is logged out.",
                "password_reset" => {
                    "Password set. Your old bearer token has ended; log in to find the new one."
                }
                "invited" => "Invitation sent.",
                "withdrawn" => "Invitation withdrawn. Its link no longer works.",
                "role_changed" => "Role changed.",
                "member_removed" => "Member removed. Their bearer token is refused from now on.",
                "member_logged_out" => {
                    "Logged out from all active sessions. Their bearer token is refused from now on."
                }
                "joined" => "Welcome. This is what you need to call the API.",
                "confirmed" => "Thank you. You will not be asked again for a while.",
                _ => return None,
            })
        });
        self
    }
}

pub(crate) fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// Every page may hold something personal: `no-store` is added by the guard for all of them.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
