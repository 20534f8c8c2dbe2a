//! The layout of every page: title, navigation, user, and notice.

use crate::{
    accounts::console_links::host_of,
    door::{
        language::{text, text_if_exists},
        page_owner::PageFor,
    },
    principal::{Caller, Operator},
    receipts::Issued,
};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use keydesk_model::{AccountId, AccountState, Permission, Role, UserId};
use keydesk_store::Session;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nav {
    None,
    ApiDocs,
    Tokens,
    Usage,
    Requests,
    Members,
    Sessions,
    Help,
    Profile,
    Operator,
    OperatorUsage,
    Plans,
    Operations,
    Operators,
    Gateways,
    OperatorAudit,
    Audit,
    Keys,
    OperatorKeys,
    Webhooks,
    OperatorWebhooks,
}

impl Nav {
    /// Returns whether the page is for operators, who have their own navigation.
    pub fn is_operators(self) -> bool {
        use Nav::{
            Gateways, Operations, Operator, OperatorAudit, OperatorKeys, OperatorUsage,
            OperatorWebhooks, Operators, Plans,
        };
        matches!(
            self,
            Operator
                | OperatorUsage
                | Plans
                | Operations
                | Operators
                | Gateways
                | OperatorAudit
                | OperatorKeys
                | OperatorWebhooks
        )
    }
}

#[derive(Debug)]
pub(crate) struct PageLayout {
    pub title: String,
    pub nav: Nav,
    pub who: Option<NavUser>,
    /// The notice at the top of the page, shown once and announced by screen readers.
    pub notice: Option<String>,
    /// The receipt of the action, and the page that lists receipts.
    pub receipt: Option<i64>,
    pub receipts_at: Option<String>,
}

/// The query with which a redirect makes the next page show a notice: the completed action and its receipt.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    #[serde(rename = "done")]
    pub what: Option<String>,
    pub receipt: Option<i64>,
    /// A receipt that was incomplete when it was issued.
    pub pending: Option<i64>,
    /// Whether the gateways couldn't be asked for confirmation.
    pub unconfirmed: Option<String>,
}

/// Redirects to a page that shows a notice about the completed action.
pub(crate) fn done(path: &str, what: &str, receipt: Option<&Issued>) -> Redirect {
    let receipt = receipt.map(Issued::query).unwrap_or_default();
    Redirect::to(&format!("{path}?done={what}{receipt}"))
}

#[derive(Debug)]
pub(crate) struct NavUser {
    pub user: UserId,
    pub name: String,
    pub account: String,
    /// The account, or `None` outside of any account.
    pub account_id: Option<AccountId>,
    pub accounts: Vec<(AccountId, String)>,
    /// The role in the account that the page is about.
    pub role: Option<Role>,
    pub is_member: bool,
    pub is_operator: bool,
    /// Whether the account that the page is about is suspended.
    pub is_suspended: bool,
    /// The page to go back to, and its host, if a console link opened the session.
    pub way_back: Option<(String, String)>,
}

fn way_back(session: &Session) -> Option<(String, String)> {
    let url = session.return_url.clone()?;
    let host = host_of(&url)?;
    Some((url, host))
}

impl NavUser {
    fn may(&self, right: Permission) -> bool {
        self.role.is_some_and(|role| role.may(right))
    }

    pub fn sees_tokens(&self) -> bool {
        self.may(Permission::SeeTokens)
    }

    pub fn sees_usage(&self) -> bool {
        self.may(Permission::SeeUsage)
    }

    pub fn sees_keys(&self) -> bool {
        self.may(Permission::SeeKeys)
    }

    pub fn sees_audit(&self) -> bool {
        self.may(Permission::SeeAudit)
    }

    pub fn is_in(&self, account: &AccountId) -> bool {
        self.account_id == Some(*account)
    }
}

impl PageLayout {
    /// Returns the layout of a page without a session.
    pub fn nobody(title: impl Into<String>, nav: Nav) -> Self {
        Self { title: title.into(), nav, who: None, notice: None, receipt: None, receipts_at: None }
    }

    pub fn of(caller: &Caller, title: impl Into<String>, nav: Nav) -> Self {
        let sees_receipts = caller.may(Permission::SeeReceipts);
        let receipts_at = sees_receipts.then(|| "/receipts".to_owned());
        let who = NavUser {
            user: caller.user.id,
            name: caller.user.name.clone(),
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
            way_back: caller.session().ok().and_then(way_back),
        };
        Self { title: title.into(), nav, who: Some(who), notice: None, receipt: None, receipts_at }
    }

    /// Returns the layout for an operator outside of any account.
    pub fn of_operator(operator: &Operator, title: impl Into<String>, nav: Nav) -> Self {
        let receipts_at = None;
        let who = NavUser {
            user: operator.user.id,
            name: operator.user.name.clone(),
            account: text("layout-operator").to_string(),
            account_id: None,
            accounts: Vec::new(),
            role: None,
            is_member: operator.is_member,
            is_operator: true,
            is_suspended: false,
            way_back: None,
        };
        Self { title: title.into(), nav, who: Some(who), notice: None, receipt: None, receipts_at }
    }

    pub fn sees_keys(&self) -> bool {
        self.who.as_ref().is_some_and(NavUser::sees_keys)
    }

    /// Returns the user and account to put into the page's forms, if the page has a user.
    pub fn page_for(&self) -> Option<PageFor> {
        let who = self.who.as_ref()?;
        Some(PageFor { user: who.user, account: who.account_id })
    }

    /// Sets the page that lists receipts, for an operator on an account's page.
    pub fn with_receipts_at(self, receipts_at: String) -> Self {
        Self { receipts_at: Some(receipts_at), ..self }
    }

    /// Adds the notice that a redirect requests. Unknown names are ignored.
    pub fn with_notice(mut self, query: &Done) -> Self {
        self.receipt = query.receipt.or(query.pending);
        self.notice = query.what.as_deref().and_then(|done| match done {
            _ if query.unconfirmed.is_some() => Some(text("receipt-not-recorded").to_string()),
            _ if query.pending.is_some() => Some(text("not-confirmed").to_string()),
            done => text_if_exists(&format!("done-{done}")),
        });
        self
    }
}

pub(crate) fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// Renders a page. The guard adds `no-store` to all of them, because any page can hold personal data.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
