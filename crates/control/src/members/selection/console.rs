//! `/members`: the form that filters and sorts the list, and `/members/remove`: the page that removes several members.

use super::{Order, Selected, Selection, Shown, prepare_removal, remove_members};
use crate::{
    AppState,
    consequences::Fingerprint,
    door::{
        language::{label, text},
        layout::{Nav, PageLayout, done, page},
        list_query::ListQuery,
        problem::Problem,
        selected::{Choice, SelectedForm},
    },
    principal::Caller,
    refusal::{Code, Refusal},
    tokens::ObservedClient,
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use keydesk_model::MemberId;
use serde::Deserialize;

/// The number of members from which the list has a form.
const FEW: usize = 6;

/// What the list shows, as its address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SelectionQuery {
    text: String,
    show: String,
    sort: String,
    after: String,
}

impl SelectionQuery {
    fn shown(&self) -> Shown {
        Shown::list().find(|shown| shown.as_str() == self.show).unwrap_or_default()
    }

    fn order(&self) -> Order {
        Order::ALL.into_iter().find(|order| order.as_str() == self.sort).unwrap_or_default()
    }

    pub fn selection(&self) -> Result<Selection, Refusal> {
        let wanted = ListQuery::of(&self.text, &self.after);
        Ok(Selection {
            text: wanted.text(),
            shown: self.shown(),
            order: self.order(),
            after: wanted.after()?,
        })
    }

    /// Returns the address of the page after a member.
    pub fn next(&self, after: MemberId) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let text = self.text.trim();
        for (name, value) in [("text", text), ("show", &self.show), ("sort", &self.sort)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("after", &after.to_string());
        format!("/members?{}", query.finish())
    }
}

/// The form above the list.
pub(crate) struct SelectionForm {
    pub text: String,
    pub shown: Vec<Choice>,
    pub orders: Vec<Choice>,
    pub count: usize,
}

impl SelectionForm {
    /// Returns the form, or `None` if the list is so short that nobody needs one.
    pub fn new(query: &SelectionQuery, selected: &Selected) -> Option<Self> {
        let is_whole = query.text.trim().is_empty() && query.after.is_empty();
        if selected.all < FEW && is_whole && query.shown() == Shown::All {
            return None;
        }
        let choice = |name: String, value: &str, is_chosen: bool| Choice {
            value: value.to_owned(),
            name,
            is_chosen,
        };
        let shown = |one: Shown| {
            let kind = if matches!(one, Shown::Role(_)) { "role" } else { "members-show" };
            choice(label(kind, one.as_str()), one.as_str(), one == query.shown())
        };
        let order = |one: Order| {
            choice(label("members-sort", one.as_str()), one.as_str(), one == query.order())
        };
        Some(Self {
            text: ListQuery::of(&query.text, "").text(),
            shown: Shown::list().map(shown).collect(),
            orders: Order::ALL.into_iter().map(order).collect(),
            count: selected.count,
        })
    }
}

/// A member to remove.
struct Row {
    id: String,
    name: String,
    email: String,
    role: &'static str,
}

#[derive(Template)]
#[template(path = "members/remove_several.html")]
struct RemovalPage {
    chrome: PageLayout,
    members: Vec<Row>,
    clients: Vec<ObservedClient>,
    etag: String,
    has_changed: bool,
}

async fn removal_page(
    app: &AppState,
    caller: &Caller,
    form: &SelectedForm,
) -> Result<RemovalPage, Refusal> {
    let (members, clients) = prepare_removal(app, caller, &form.ids()?).await?;
    let etag = Fingerprint::of(&clients).etag();
    let members = members.into_iter().map(|member| Row {
        id: member.id.to_string(),
        name: member.name,
        email: member.email.to_string(),
        role: member.role.as_str(),
    });
    Ok(RemovalPage {
        chrome: PageLayout::of(caller, text("members-remove-several"), Nav::Members),
        members: members.collect(),
        clients,
        has_changed: !form.shown.is_empty() && form.shown != etag,
        etag,
    })
}

pub(crate) async fn remove_page(
    State(app): State<AppState>,
    caller: Caller,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    match removal_page(&app, &caller, &fields.into()).await {
        Ok(shown) => Ok(page(&shown)),
        Err(refusal) if refusal.code() == Code::NoMembersSelected => {
            Ok(done("/members", "no_members_selected", None).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

pub(crate) async fn remove(
    State(app): State<AppState>,
    caller: Caller,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = SelectedForm::from(fields);
    let shown = removal_page(&app, &caller, &form).await?;
    if shown.etag != form.shown {
        return Ok(page(&shown));
    }
    let receipt = remove_members(&app, &caller, &form.ids()?).await?;
    Ok(done("/members", "members_removed", receipt.as_ref()).into_response())
}
