//! The API's operations and what each asks of a token: method, path template, and scopes of which any
//! one suffices. Matched by whole segments, on the bytes that are forwarded.

mod branch;
mod segment;
mod smallest;
mod table;
mod template;

pub use segment::segment_name;
pub use table::{Match, Rule, RuleTable};
pub use template::{PathTemplate, PathTemplateError};

use crate::{Rate, ScopeSet};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, str::FromStr};
use template::Segment;

/// One operation. Without scopes, every token of the account may call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// In capitals, or `*` for every method.
    pub method: String,
    pub path: PathTemplate,
    #[serde(default)]
    pub scopes: ScopeSet,
    /// Of each account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

impl Operation {
    /// What it is called in lists: `GET /api/v1/contacts/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What a token needs for operations that no rule names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// The scope `*`: a token that is limited at all may do what its scopes name, and no more.
    #[default]
    Everything,
    /// Nothing: every token may.
    Any,
}

/// How the segments of a path are compared with those of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMatching {
    /// As the loosest servers do: a segment that differs from a literal only by letter case, a suffix, or dots
    /// and blanks around it needs that literal's scopes, too.
    #[default]
    Loose,
    /// For APIs that tell such paths apart.
    Exact,
}

/// Whether a policy rejects, or only writes down what it would reject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Observe,
    Enforce,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        }
    }
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "observe" => Ok(Self::Observe),
            "enforce" => Ok(Self::Enforce),
            _ => Err(()),
        }
    }
}

/// The rules as they are stored and sent: what a document or a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub unlisted: Unlisted,
    #[serde(default)]
    pub paths: PathMatching,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two rules are for {first} and {second}, which no request can tell apart")]
pub struct RulesError {
    first: String,
    second: String,
}

impl Rules {
    /// Rejects rules of which two are for the same requests.
    pub fn check(&self) -> Result<(), RulesError> {
        let mut seen: HashMap<(&str, Vec<Segment>), &Operation> = HashMap::new();
        for operation in &self.operations {
            let key = (operation.method.as_str(), operation.path.segments.clone());
            if let Some(first) = seen.insert(key, operation) {
                return Err(RulesError { first: first.name(), second: operation.name() });
            }
        }
        Ok(())
    }
}
