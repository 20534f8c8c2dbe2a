//! Scopes: the permissions of a token, as `resource:action`, `resource:*`, or `*`.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// One scope. Resource and action are 1 to 64 characters of `a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scope(String);

/// The error for too many or too long scopes, which every gateway stores and sends in a header of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token has at most {} scopes, {} characters in all",
    ScopeSet::MOST,
    ScopeSet::MOST_BYTES
)]
pub struct TooManyScopes;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope looks like contacts:read, contacts:* or *")]
pub struct ScopeError;

impl Scope {
    /// Returns the scope `*`.
    pub fn everything() -> Self {
        Self("*".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this scope permits an operation that requires `wanted`.
    pub fn covers(&self, wanted: &Self) -> bool {
        if self.0 == "*" || self == wanted {
            return true;
        }
        match (self.0.strip_suffix(":*"), wanted.0.split_once(':')) {
            (Some(resource), Some((wanted, _))) => resource == wanted,
            _ => false,
        }
    }
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let valid = text == "*"
            || text.split_once(':').is_some_and(|(resource, action)| {
                is_word(resource) && (action == "*" || is_word(action))
            });
        if valid { Ok(Self(text.to_owned())) } else { Err(ScopeError) }
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of scopes, displayed sorted and separated by one space, as in OAuth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    pub fn everything() -> Self {
        Self(BTreeSet::from([Scope::everything()]))
    }

    /// The maximum number of scopes of a token. Broad scopes, such as `contacts:*`, can replace many narrow ones.
    pub const MOST: usize = 100;
    /// The maximum total length of the scopes in bytes.
    pub const MOST_BYTES: usize = 4_000;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// # Errors
    ///
    /// Returns an error if the set is larger than a token may have.
    pub fn check_size(&self) -> Result<(), TooManyScopes> {
        let bytes: usize = self.0.iter().map(|scope| scope.0.len() + 1).sum();
        if self.0.len() > Self::MOST || bytes > Self::MOST_BYTES {
            Err(TooManyScopes)
        } else {
            Ok(())
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    pub fn allows(&self, wanted: &Scope) -> bool {
        self.0.iter().any(|held| held.covers(wanted))
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromStr for ScopeSet {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl TryFrom<String> for ScopeSet {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<ScopeSet> for String {
    fn from(scopes: ScopeSet) -> Self {
        scopes.to_string()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(text: &str) -> Scope {
        text.parse().expect("a valid scope")
    }

    #[test]
    fn a_token_has_only_so_many_scopes() {
        let set = |count: usize, length: usize| -> ScopeSet {
            (0..count)
                .map(|n| format!("s{n:03}{}:read", "x".repeat(length)))
                .map(|text| text.parse().expect("a scope"))
                .collect()
        };
        assert_eq!(set(ScopeSet::MOST, 1).check_size(), Ok(()));
        assert_eq!(set(ScopeSet::MOST + 1, 1).check_size(), Err(TooManyScopes));
        assert_eq!(set(ScopeSet::MOST, 50).check_size(), Err(TooManyScopes));
        assert_eq!(ScopeSet::everything().check_size(), Ok(()));
    }

    #[test]
    fn a_wildcard_covers_its_resource_only() {
        assert!(scope("contacts:*").covers(&scope("contacts:read")));
        assert!(!scope("contacts:*").covers(&scope("contactsv3:read")));
        assert!(!scope("contacts:read").covers(&scope("contacts:*")));
        assert!(scope("*").covers(&scope("anything:at-all")));
    }

    #[test]
    fn what_is_no_scope_is_rejected() {
        for text in [
            "",
            "contacts",
            ":read",
            "contacts:",
            "a:b:c",
            "Contacts:read",
            "*:read",
            "a b:c",
            "c:**",
        ] {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_set_prints_and_parses_to_itself(texts in proptest::collection::vec("[a-z]{1,5}:([a-z]{1,5}|\\*)", 0..6)) {
            let set: ScopeSet = texts.iter().map(|t| scope(t)).collect();
            prop_assert_eq!(set.to_string().parse::<ScopeSet>(), Ok(set));
        }

        #[test]
        fn more_scopes_never_allow_less(a in "[ab]:([cd]|\\*)", b in "[ab]:([cd]|\\*)", wanted in "[ab]:[cd]") {
            let small: ScopeSet = [scope(&a)].into_iter().collect();
            let large: ScopeSet = [scope(&a), scope(&b)].into_iter().collect();
            prop_assert!(!small.allows(&scope(&wanted)) || large.allows(&scope(&wanted)));
        }
    }

    #[test]
    fn scopes_are_written_as_they_are_read() {
        let scopes: ScopeSet = "b:write a:*".parse().expect("scopes");
        assert_eq!(String::from(scopes.clone()), "a:* b:write");
        assert_eq!(ScopeSet::try_from(String::from(scopes.clone())), Ok(scopes));
        assert!(ScopeSet::try_from("A b".to_owned()).is_err());
        let one: Scope = "a:read".parse().expect("a scope");
        assert_eq!(
            (one.to_string(), String::from(one.clone())),
            ("a:read".into(), "a:read".into())
        );
        assert!(ScopeSet::everything().allows(&one) && !ScopeSet::default().allows(&one));
    }

    /// A scope and the space after it are counted.
    #[test]
    fn a_set_may_be_as_large_as_it_says_and_no_larger() {
        let scope = |length: usize, number: usize| -> Scope {
            format!("{}{number:03}:read", "a".repeat(length - 8)).parse().expect("a scope")
        };
        let set = |count: usize, length: usize| -> ScopeSet {
            (0..count).map(|number| scope(length, number)).collect()
        };
        assert_eq!(set(ScopeSet::MOST, 20).check_size(), Ok(()));
        assert_eq!(set(ScopeSet::MOST + 1, 20).check_size(), Err(TooManyScopes));
        assert_eq!(set(80, 49).check_size(), Ok(()), "4,000 bytes");
        assert_eq!(set(80, 50).check_size(), Err(TooManyScopes), "4,080 bytes");
    }
}
