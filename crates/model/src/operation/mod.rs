//! The operations of the API and their requirements: method, path template, and scopes of which any one suffices.
//! Paths are matched by whole segments, on the bytes that are forwarded.

mod branch;
mod segment;
mod smallest;
mod table;
mod template;

pub use segment::segment_name;
pub use table::{Match, Rule, RuleTable};
pub use template::{PathTemplate, PathTemplateError};

use crate::{Rate, ScopeSet, text_form::text_form};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use template::Segment;

/// An operation. Without scopes, every token of the account permits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The method in capitals, or `*` for every method.
    pub method: String,
    pub path: PathTemplate,
    #[serde(default)]
    pub scopes: ScopeSet,
    /// The rate limit for each account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

impl Operation {
    /// Returns the name displayed in lists, such as `GET /api/v1/contacts/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The requirement for operations without a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// The scope `*`: a limited token permits only the operations that its scopes name.
    #[default]
    Everything,
    /// No scope: every token permits the operation.
    Any,
}

/// The comparison of path segments with the segments of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMatching {
    /// The comparison of the loosest servers: a segment that differs from a literal only in letter case, a suffix, or
    /// surrounding dots and spaces requires the scopes of that literal, too.
    #[default]
    Loose,
    /// The exact comparison, for APIs that distinguish such paths.
    Exact,
}

/// The mode of a policy, which either rejects requests or only records what it would reject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Observe,
    Enforce,
}

text_form!(Mode, () = (), {
    Observe = "observe",
    Enforce = "enforce",
});

/// The rules as they are stored and sent, from a document or the configuration.
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
    /// Rejects rules if two of them match the same requests.
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
