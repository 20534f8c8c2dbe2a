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
use axum::{extract::Path, response::Response};

const GUIDE: &str = include_str!("../../../../../docs/guide/errors.md");

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
}

/// Returns the rows of the guide's table, one for each code.
fn all() -> Vec<ErrorText> {
    let rows = GUIDE.lines().filter_map(|line| {
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

pub(crate) async fn list() -> Response {
    let chrome = PageLayout::nobody(text("errors-title"), Nav::None);
    page(&ErrorsPage { chrome, errors: all(), is_list: true })
}

pub(crate) async fn show(Path(code): Path<String>) -> Result<Response, Problem> {
    let errors: Vec<_> = all().into_iter().filter(|error| error.code == code).collect();
    if errors.is_empty() {
        return Err(Code::NotFound.into());
    }
    let chrome = PageLayout::nobody(text("errors-one").with("code", &code).to_string(), Nav::None);
    Ok(page(&ErrorsPage { chrome, errors, is_list: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_table_is_read() {
        let all = all();
        assert!(all.len() >= 55, "{}", all.len());
        let missing_token = all.iter().find(|error| error.code == "missing_token").expect("there");
        assert_eq!(
            (missing_token.status.as_str(), missing_token.when.as_str()),
            ("401", "The request has no Authorization header.")
        );
        assert!(all.iter().all(|error| !error.when.contains(['`', '['])));
    }
}
