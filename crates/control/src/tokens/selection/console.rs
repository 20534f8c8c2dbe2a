//! `/tokens`: the form that filters and sorts the list, and `/tokens/revoke`: the page that revokes several tokens.

use super::{Order, Selected, Selection, Shown, prepare_revocation, revoke_api_tokens};
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
    tokens::{ObservedClient, console::Row},
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use keydesk_model::TokenId;
use serde::Deserialize;

/// The number of tokens from which the list has a form.
const FEW: usize = 6;

/// What the list shows, as its address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SelectionQuery {
    text: String,
    show: String,
    creator: String,
    sort: String,
    after: String,
}

impl SelectionQuery {
    fn shown(&self) -> Shown {
        Shown::ALL.into_iter().find(|shown| shown.as_str() == self.show).unwrap_or_default()
    }

    fn order(&self) -> Order {
        Order::ALL.into_iter().find(|order| order.as_str() == self.sort).unwrap_or_default()
    }

    pub fn selection(&self) -> Result<Selection, Refusal> {
        let wanted = ListQuery::of(&self.text, &self.after);
        Ok(Selection {
            text: wanted.text(),
            shown: self.shown(),
            creator: self.creator.clone(),
            order: self.order(),
            after: wanted.after()?,
        })
    }

    /// Returns whether the page shows the list from its beginning, and all of it.
    pub fn is_whole(&self) -> bool {
        let unfiltered = self.text.trim().is_empty() && self.creator.is_empty();
        unfiltered && self.after.is_empty() && self.shown() == Shown::All
    }

    /// Returns the address of the page after a token.
    pub fn next(&self, after: TokenId) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let text = self.text.trim();
        for (name, value) in
            [("text", text), ("show", &self.show), ("creator", &self.creator), ("sort", &self.sort)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("after", &after.to_string());
        format!("/tokens?{}", query.finish())
    }
}

/// The form above the list.
pub(crate) struct SelectionForm {
    pub text: String,
    pub shown: Vec<Choice>,
    pub creators: Vec<Choice>,
    pub orders: Vec<Choice>,
    pub count: usize,
}

impl SelectionForm {
    /// Returns the form, or `None` if the list is so short that nobody needs one.
    pub fn new(query: &SelectionQuery, selected: &Selected) -> Option<Self> {
        if selected.all < FEW && query.is_whole() {
            return None;
        }
        let choice = |kind: &str, value: &str, is_chosen: bool| Choice {
            value: value.to_owned(),
            name: label(kind, value),
            is_chosen,
        };
        let creator = |name: &String| Choice {
            value: name.clone(),
            name: name.clone(),
            is_chosen: *name == query.creator,
        };
        let shown = Shown::ALL.into_iter();
        let orders = Order::ALL.into_iter();
        Some(Self {
            text: ListQuery::of(&query.text, "").text(),
            shown: shown
                .map(|one| choice("tokens-show", one.as_str(), one == query.shown()))
                .collect(),
            creators: selected.creators.iter().map(creator).collect(),
            orders: orders
                .map(|one| choice("tokens-sort", one.as_str(), one == query.order()))
                .collect(),
            count: selected.count,
        })
    }
}

#[derive(Template)]
#[template(path = "tokens/revoke_several.html")]
struct RevocationPage {
    chrome: PageLayout,
    tokens: Vec<Row>,
    clients: Vec<ObservedClient>,
    etag: String,
    has_changed: bool,
}

async fn revocation_page(
    app: &AppState,
    caller: &Caller,
    form: &SelectedForm,
) -> Result<RevocationPage, Refusal> {
    let (tokens, clients) = prepare_revocation(app, caller, &form.ids()?).await?;
    let etag = Fingerprint::of(&clients).etag();
    Ok(RevocationPage {
        chrome: PageLayout::of(caller, text("tokens-revoke-several"), Nav::Tokens),
        tokens: tokens.into_iter().map(|token| Row::new(token, app.now())).collect(),
        clients,
        has_changed: !form.shown.is_empty() && form.shown != etag,
        etag,
    })
}

pub(crate) async fn revoke_page(
    State(app): State<AppState>,
    caller: Caller,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    match revocation_page(&app, &caller, &fields.into()).await {
        Ok(shown) => Ok(page(&shown)),
        Err(refusal) if refusal.code() == Code::NoTokensSelected => {
            Ok(done("/tokens", "no_tokens_selected", None).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

pub(crate) async fn revoke(
    State(app): State<AppState>,
    caller: Caller,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = SelectedForm::from(fields);
    let shown = revocation_page(&app, &caller, &form).await?;
    if shown.etag != form.shown {
        return Ok(page(&shown));
    }
    let receipt = revoke_api_tokens(&app, &caller, &form.ids()?).await?;
    Ok(done("/tokens", "tokens_revoked", receipt.as_ref()).into_response())
}
