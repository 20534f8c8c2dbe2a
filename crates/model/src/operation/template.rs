//! Path templates: whole segments, each literal or with a parameter.

use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, str::FromStr};

/// A path of segments, each literal or with a `{parameter}`; a final `**` matches everything below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PathTemplate {
    text: String,
    pub(super) segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    Literal(String),
    /// Any nonempty text between the prefix and the suffix.
    Parameter {
        before: String,
        after: String,
    },
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathTemplateError {
    #[error("a path begins with “/”, such as /api/v1/contacts/{{id}}")]
    NoSlash,
    #[error("a path has no empty or dot segments, “?”, “#”, “\\” or “%”")]
    Unclean,
    #[error("a parameter is written {{name}}")]
    Braces,
    #[error("“**” stands alone, as the last segment")]
    Rest,
}

impl FromStr for PathTemplate {
    type Err = PathTemplateError;

    fn from_str(text: &str) -> Result<Self, PathTemplateError> {
        let inner = text.strip_prefix('/').ok_or(PathTemplateError::NoSlash)?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let parts: Vec<_> = if inner.is_empty() { Vec::new() } else { inner.split('/').collect() };
        let segments = parts.iter().map(|part| segment(part)).collect::<Result<Vec<_>, _>>()?;
        let last = segments.len().saturating_sub(1);
        if segments.iter().take(last).any(|segment| *segment == Segment::Rest) {
            return Err(PathTemplateError::Rest);
        }
        Ok(Self { text: format!("/{inner}"), segments })
    }
}

fn segment(part: &str) -> Result<Segment, PathTemplateError> {
    let is_clean = part.chars().all(|c| !c.is_whitespace() && !c.is_control())
        && !part.contains(['?', '#', '\\', '%', ';'])
        && !matches!(part, "" | "." | "..");
    if !is_clean {
        return Err(PathTemplateError::Unclean);
    }
    if part == "**" {
        return Ok(Segment::Rest);
    }
    if part.contains('*') {
        return Err(PathTemplateError::Rest);
    }
    let Some((before, rest)) = part.split_once('{') else {
        return if part.contains('}') {
            Err(PathTemplateError::Braces)
        } else {
            Ok(Segment::Literal(part.to_owned()))
        };
    };
    // If there are several parameters, as in `{lat},{long}`, the text between them is ignored.
    let (name, after) = rest.rsplit_once('}').ok_or(PathTemplateError::Braces)?;
    if name.is_empty() || [after, before].iter().any(|text| text.contains(['{', '}'])) {
        return Err(PathTemplateError::Braces);
    }
    Ok(Segment::Parameter { before: before.to_owned(), after: after.to_owned() })
}

impl Segment {
    pub(super) fn takes(&self, name: &str) -> bool {
        match self {
            Self::Literal(text) => text == name,
            Self::Parameter { before, after } => {
                name.len() > before.len() + after.len()
                    && name.starts_with(before.as_str())
                    && name.ends_with(after.as_str())
            }
            Self::Rest => true,
        }
    }

    /// Returns the template with its literal text folded. Returns `None` if no name can be read differently.
    pub(super) fn folded(&self) -> Option<Self> {
        let Self::Parameter { before, after } = self else { return None };
        let lower = |text: &str| text.to_uppercase().to_lowercase();
        let has_text = !before.is_empty() || !after.is_empty();
        has_text.then(|| Self::Parameter { before: lower(before), after: lower(after) })
    }

    /// Returns the sort key of a segment: more specific segments are tried first, and ties are broken
    /// deterministically.
    pub(super) fn weight(&self) -> (u8, usize, &str, &str) {
        match self {
            Self::Literal(_) => (0, 0, "", ""),
            Self::Parameter { before, after } => {
                (1, usize::MAX - before.len() - after.len(), before, after)
            }
            Self::Rest => (2, 0, "", ""),
        }
    }
}

impl PathTemplate {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Compares the specificity of two templates segment by segment.
    pub(super) fn precedes(&self, other: &Self) -> Ordering {
        self.segments.iter().map(Segment::weight).cmp(other.segments.iter().map(Segment::weight))
    }

    /// Returns a matching path.
    pub(super) fn example(&self) -> String {
        let names = self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Parameter { before, after } => format!("{before}x{after}"),
            Segment::Rest => "x".to_owned(),
        });
        format!("/{}", names.collect::<Vec<_>>().join("/"))
    }
}

impl TryFrom<String> for PathTemplate {
    type Error = PathTemplateError;

    fn try_from(text: String) -> Result<Self, PathTemplateError> {
        text.parse()
    }
}

impl From<PathTemplate> for String {
    fn from(template: PathTemplate) -> Self {
        template.text
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
