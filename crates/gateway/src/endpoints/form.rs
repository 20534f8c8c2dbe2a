//! The parameters of a small request: a form, JSON with text members, or nothing.

use crate::{Rejection, wire::Noted};
use std::{collections::BTreeMap, fmt};

/// The largest body of a request to Keydesk itself.
pub(crate) const MOST_FORM: usize = 16 * 1024;

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Form,
    Json,
    /// No format is declared: only an empty body is allowed.
    Unsaid,
}

impl Written {
    pub fn of(noted: &Noted) -> Self {
        let field = noted.fields.iter().find(|f| f.name.eq_ignore_ascii_case("content-type"));
        let kind = field.map_or(&b""[..], |field| field.value);
        let kind = kind.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        if kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Self::Form
        } else if kind.eq_ignore_ascii_case(b"application/json") {
            Self::Json
        } else {
            Self::Unsaid
        }
    }
}

/// Names and values. A value may be a token, so it is never displayed.
#[derive(Clone, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

const TWICE: Rejection = Rejection::InvalidParameters { why: "A parameter is there twice." };
const UNREADABLE: Rejection = Rejection::InvalidParameters {
    why: "Send application/x-www-form-urlencoded, or JSON with texts as members.",
};

impl Parameters {
    /// Reads a body. RFC 6749 section 3.2: no parameter can be repeated, and an empty one counts as omitted.
    pub fn read(body: &[u8], written: Written) -> Result<Self, Rejection> {
        let mut parameters = Self::default();
        match written {
            Written::Form => {
                for (name, value) in form_urlencoded::parse(body) {
                    parameters.add(&name, &value)?;
                }
            }
            Written::Json if !body.is_empty() => {
                let members: BTreeMap<String, Option<String>> =
                    serde_json::from_slice(body).map_err(|_| UNREADABLE)?;
                for (name, value) in members {
                    parameters.add(&name, &value.unwrap_or_default())?;
                }
            }
            Written::Json => {}
            Written::Unsaid if body.is_empty() => {}
            Written::Unsaid => return Err(UNREADABLE),
        }
        Ok(parameters)
    }

    /// Adds the parameters of the query, in which old clients send them.
    pub fn add_query(&mut self, query: &str) -> Result<(), Rejection> {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            self.add(&name, &value)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), Rejection> {
        if value.is_empty() {
            return Ok(());
        }
        match self.0.insert(name.to_owned(), value.to_owned()) {
            Some(earlier) if earlier != value => Err(TWICE),
            _ => Ok(()),
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_json_say_the_same_and_rubbish_is_rejected() {
        for (body, written) in [
            (&b"token=a%20b&grace_period=&x=1"[..], Written::Form),
            (br#"{"token": "a b", "x": "1", "grace_period": null}"#, Written::Json),
        ] {
            let read = Parameters::read(body, written).expect("reads");
            assert_eq!((read.find("token"), read.find("grace_period")), (Some("a b"), None));
        }
        assert!(Parameters::read(b"", Written::Unsaid).is_ok());
        for (body, written) in [
            (&b"token=a"[..], Written::Unsaid),
            (b"token=a&token=b", Written::Form),
            (b"[]", Written::Json),
            (br#"{"token": 1}"#, Written::Json),
            (b"\xff", Written::Json),
        ] {
            assert!(Parameters::read(body, written).is_err());
        }
        let mut read = Parameters::read(b"token=a", Written::Form).expect("reads");
        assert!(read.add_query("token=a").is_ok() && read.add_query("token=b").is_err());
        assert!(!format!("{read:?}").contains('a'.to_string().repeat(2).as_str()));
    }
}
