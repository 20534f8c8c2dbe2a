//! `/errors/{code}`: the explanation of a gateway error, with or without a login. The texts come from the guide.

use crate::{
    door::{
        language::text,
        layout::{Nav, PageLayout, page},
        problem::Problem,
    },
    refusal::Code,
};
use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use serde::Deserialize;

const GUIDE: &str = include_str!("../../../../../docs/guide/errors.md");
/// The errors of the management API: those of its requests, and those of the use cases.
const OF_MANAGEMENT: [&str; 2] = [
    include_str!("../../../../../docs/guide/api.md"),
    include_str!("../../../../../docs/guide/console-errors.md"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
struct ErrorText {
    code: String,
    status: String,
    when: String,
}

#[derive(Template)]
#[template(path = "help/errors.html")]
struct ErrorsPage {
    chrome: PageLayout,
    errors: Vec<ErrorText>,
    is_list: bool,
    /// The text in the search field, where there is one.
    search: Option<String>,
}

/// Returns the rows of a guide's table, one for each code.
fn rows_of(guide: &'static str) -> Vec<ErrorText> {
    let rows = guide.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.splitn(3, " | ");
        let (status, codes, when) = (cells.next()?, cells.next()?, cells.next()?);
        status.bytes().all(|b| b.is_ascii_digit()).then_some((status, codes, when))
    });
    let each = |(status, codes, when): (&'static str, &'static str, &'static str)| {
        let codes = codes.split('`').skip(1).step_by(2);
        codes.map(move |code| ErrorText {
            code: code.to_owned(),
            status: status.to_owned(),
            when: plain(when),
        })
    };
    rows.flat_map(each).collect()
}

/// Removes Markdown syntax.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        let link = behind.split_once("](");
        let link = link.and_then(|(label, end)| Some((label, end.split_once(')')?.1)));
        let (label, end) = link.unwrap_or(("[", behind));
        out.push_str(label);
        rest = end;
    }
    out.push_str(rest);
    out.replace('`', "")
}

/// Returns what a code of the gateway means, in English.
pub(crate) fn explain(code: &str) -> Option<String> {
    let found = rows_of(GUIDE).into_iter().find(|error| error.code == code)?;
    // The log has no `detail`, only the response.
    let sentences = found.when.split_inclusive(". ").filter(|text| !text.starts_with("detail "));
    Some(sentences.collect::<String>().trim_end().to_owned())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SearchQuery {
    text: String,
}

pub(crate) async fn list(Query(SearchQuery { text: wanted }): Query<SearchQuery>) -> Response {
    let chrome = PageLayout::nobody(text("errors-title"), Nav::None);
    let wanted: String = wanted.trim().chars().take(100).collect();
    let words: Vec<_> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let matches = |error: &ErrorText| {
        let all = format!("{} {} {}", error.code, error.status, error.when).to_lowercase();
        words.iter().all(|word| all.contains(word))
    };
    let errors = rows_of(GUIDE).into_iter().filter(matches).collect();
    page(&ErrorsPage { chrome, errors, is_list: true, search: Some(wanted) })
}

/// Shows the errors of the management API, to which each problem links.
pub(crate) async fn list_of_management() -> Response {
    let chrome = PageLayout::nobody(text("errors-management"), Nav::None);
    let errors = OF_MANAGEMENT.into_iter().flat_map(rows_of).collect();
    page(&ErrorsPage { chrome, errors, is_list: true, search: None })
}

pub(crate) async fn show(Path(code): Path<String>) -> Result<Response, Problem> {
    let errors: Vec<_> = rows_of(GUIDE).into_iter().filter(|error| error.code == code).collect();
    if errors.is_empty() {
        return Err(Code::NotFound.into());
    }
    let chrome = PageLayout::nobody(text("errors-one").with("code", &code).to_string(), Nav::None);
    Ok(page(&ErrorsPage { chrome, errors, is_list: false, search: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::api::RequestCode;

    #[test]
    fn the_guides_table_is_read() {
        let all = rows_of(GUIDE);
        assert!(all.len() >= 55, "{}", all.len());
        let missing_token = all.iter().find(|error| error.code == "missing_token").expect("there");
        assert_eq!(
            (missing_token.status.as_str(), missing_token.when.as_str()),
            ("401", "The request has no Authorization header.")
        );
        assert!(all.iter().all(|error| !error.when.contains(['`', '['])));
    }

    #[test]
    fn every_code_of_the_management_api_has_its_text() {
        let all: Vec<_> = OF_MANAGEMENT.into_iter().flat_map(rows_of).collect();
        let codes = Code::ALL.iter().map(|code| code.as_str());
        for code in codes.chain(RequestCode::ALL.iter().map(|code| code.as_str())) {
            assert_eq!(all.iter().filter(|error| error.code == code).count(), 1, "{code}");
        }
    }
}
