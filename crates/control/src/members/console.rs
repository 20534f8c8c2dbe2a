//! `/members`: the members, their roles, and their removal.

use super::selection::console::{SelectionForm, SelectionQuery};
use crate::{
    AppState, Mailer,
    consequences::console::Question,
    door::{
        form_error::FormError,
        language::text,
        layout::{Done, Nav, PageLayout, done, page, page_with},
        problem::Problem,
        reauth::{Nothing, ReauthForm},
        when::When,
    },
    principal::Caller,
    refusal::{Code, Kind, Refusal},
    tokens::{self, ObservedClient},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use keydesk_model::{Permission, Role};
use keydesk_store::{Domain, Undelivered};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "members/list.html")]
struct ListPage {
    chrome: PageLayout,
    /// The form above the list, if the list is long enough.
    form: Option<SelectionForm>,
    members: Vec<Shown>,
    /// The link to the next page.
    next: Option<String>,
    invitations: Vec<Invited>,
    may_manage: bool,
    /// `None` if mail can't be sent; otherwise whether it arrives in this machine's mailbox.
    mail: Option<bool>,
    account: String,
    owns: bool,
    roles: Vec<&'static str>,
    email: String,
    error: FormError,
}

struct Shown {
    id: String,
    name: String,
    email: String,
    role: &'static str,
    joined: When,
    seen: Option<When>,
    is_you: bool,
    may_change: bool,
}

struct Invited {
    id: String,
    email: String,
    role: &'static str,
    by: String,
    ends: When,
    may_change: bool,
    /// The delivery status of the mail, if it has not been delivered.
    mail: Option<String>,
}

/// Returns the description of an invitation mail that the mail server has not accepted.
fn fate(mail: &Undelivered) -> String {
    let is_final = mail.next_at.is_none();
    let fate = text(if is_final { "members-undelivered" } else { "members-delayed" });
    fate.with("error", &mail.error).to_string()
}

async fn list_page(
    app: &AppState,
    caller: &Caller,
    (done, query): (&Done, &SelectionQuery),
    email: String,
    error: FormError,
) -> Result<ListPage, Problem> {
    let now = app.now();
    let (selected, invitations) = super::list(app, caller, &query.selection()?).await?;
    let may_manage = caller.may(Permission::ManageMembers);
    let owns = caller.may(Permission::ManageOwners);
    Ok(ListPage {
        chrome: PageLayout::of(caller, text("members"), Nav::Members).with_notice(done),
        account: caller.account.name.clone(),
        owns,
        form: SelectionForm::new(query, &selected),
        next: selected.next.map(|last| query.next(last)),
        members: selected
            .members
            .into_iter()
            .map(|member| Shown {
                id: member.id.to_string(),
                is_you: member.id == caller.member.id,
                may_change: may_manage && (owns || member.role != Role::Owner),
                role: member.role.as_str(),
                joined: When::past(member.joined_at, now),
                seen: member.seen_at.map(|at| When::past(at, now)),
                email: member.email.to_string(),
                name: member.name,
            })
            .collect(),
        invitations: invitations
            .into_iter()
            .map(|(invitation, mail)| Invited {
                mail: mail.as_ref().map(fate),
                id: invitation.id.to_string(),
                email: invitation.email.to_string(),
                role: invitation.role.as_str(),
                may_change: owns || invitation.role != Role::Owner,
                ends: When::future(invitation.expires_at, now),
                by: invitation.invited_by.unwrap_or_else(|| text("the-operator").to_string()),
            })
            .collect(),
        may_manage,
        mail: app
            .mailer
            .can_send()
            .then_some(app.settings.is_local && matches!(app.mailer, Mailer::Mailbox(_))),
        roles: Role::ALL
            .into_iter()
            .filter(|role| owns || *role != Role::Owner)
            .map(Role::as_str)
            .collect(),
        email,
        error,
    })
}

pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    Query(done): Query<Done>,
    Query(query): Query<SelectionQuery>,
) -> Result<Response, Problem> {
    let (email, error) = (String::new(), FormError::default());
    Ok(page(&list_page(&app, &caller, (&done, &query), email, error).await?))
}

#[derive(Template)]
#[template(path = "members/security.html")]
struct SecurityPage {
    chrome: PageLayout,
    requires_factor: bool,
    /// The domains with single sign-on and whether each is approved, for those who can change it.
    sso: Option<Vec<(String, bool)>>,
}

pub(crate) async fn security(
    State(app): State<AppState>,
    caller: Caller,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    let rules = super::find_login_rules(&app, &caller).await?;
    let chrome = PageLayout::of(&caller, text("security-title"), Nav::Members).with_notice(&done);
    let domain = |domain: Domain| (domain.name, domain.is_confirmed);
    Ok(page(&SecurityPage {
        chrome,
        requires_factor: rules.requires_two_factor,
        sso: rules.sso_domains.map(|domains| domains.into_iter().map(domain).collect()),
    }))
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct InviteForm {
    email: String,
    role: String,
}

pub(crate) async fn invite(
    State(app): State<AppState>,
    fresh: ReauthForm<InviteForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, .. } = fresh;
    let invited = match form.role.parse::<Role>() {
        Ok(role) => super::invite(&app, &caller, &form.email, role).await,
        Err(error) => Err(error.into()),
    };
    let error = match invited {
        Ok(_) => return Ok(Redirect::to("/members?done=invited").into_response()),
        Err(refusal) if refusal.kind() == Kind::Invalid => FormError::new(&refusal, &["email"]),
        Err(refusal) => return Err(refusal.into()),
    };
    let page =
        list_page(&app, &caller, (&Done::default(), &SelectionQuery::default()), form.email, error)
            .await?;
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(crate) struct RoleForm {
    role: String,
}

pub(crate) async fn change_role(
    State(app): State<AppState>,
    Path(id): Path<String>,
    fresh: ReauthForm<RoleForm>,
) -> Result<Response, Problem> {
    let ReauthForm { caller, form, sent } = fresh;
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let role = form.role.parse::<Role>().map_err(Refusal::from)?;
    if super::has_no_bearer_token(role) {
        let (member, clients) = super::prepare_end(&app, &caller, id).await?;
        let question = || Question {
            chrome: PageLayout::of(&caller, text("members-change-role"), Nav::Members),
            lead: text("members-role-consequences").with("name", &member.name).to_string(),
            button: text("members-change-role").to_string(),
            back: "/members".to_owned(),
        };
        if let Some(asks) = sent.ask(clients, question) {
            return Ok(asks);
        }
    }
    let receipt = super::change_role(&app, &caller, id, role).await?;
    Ok(done("/members", "role_changed", receipt.as_ref()).into_response())
}

#[derive(Template)]
#[template(path = "members/end.html")]
struct EndPage {
    chrome: PageLayout,
    id: String,
    name: String,
    account: String,
    clients: Vec<ObservedClient>,
    removes: bool,
}

async fn end_page(
    app: &AppState,
    caller: &Caller,
    id: &str,
    removes: bool,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let (member, clients) = super::prepare_end(app, caller, id).await?;
    let title = text(if removes { "member-remove" } else { "log-out-all-title" });
    Ok(page(&EndPage {
        chrome: PageLayout::of(caller, title, Nav::Members),
        id: id.to_string(),
        name: member.name,
        account: caller.account.name.clone(),
        clients,
        removes,
    }))
}

pub(crate) async fn remove_page(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &caller, &id, true).await
}

pub(crate) async fn remove(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let receipt = super::remove(&app, &caller, id).await?;
    Ok(done("/members", "member_removed", receipt.as_ref()).into_response())
}

#[derive(Template)]
#[template(path = "members/leave.html")]
struct LeavePage {
    chrome: PageLayout,
    account: String,
    clients: Vec<ObservedClient>,
}

pub(crate) async fn leave_page(
    State(app): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let clients = tokens::list_clients_of_member(&app, &caller.member).await?;
    let chrome = PageLayout::of(&caller, text("member-leave"), Nav::Members);
    Ok(page(&LeavePage { chrome, account: caller.account.name.clone(), clients }))
}

pub(crate) async fn leave(
    State(app): State<AppState>,
    fresh: ReauthForm<Nothing>,
) -> Result<Response, Problem> {
    let receipt = super::leave(&app, &fresh.caller).await?;
    Ok(done("/login", "left", receipt.as_ref()).into_response())
}

pub(crate) async fn log_out_page(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end_page(&app, &caller, &id, false).await
}

pub(crate) async fn log_out(
    State(app): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Code::NotFound)?;
    let receipt = super::log_out(&app, &caller, id).await?;
    let (path, what) = if id == caller.member.id {
        ("/login", "logged_out_of_all_sessions")
    } else {
        ("/members", "member_logged_out")
    };
    Ok(done(path, what, receipt.as_ref()).into_response())
}
