//! Spellings of a path that servers read differently.

/// Spellings of a path that servers are known to read differently. An upstream whose servers read them in one way can
/// be configured to keep them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spellings(u8);

impl Spellings {
    /// `a%2Fb` as one segment.
    pub const ENCODED_SLASH: Self = Self(1);
    /// `a//b`
    pub const EMPTY_SEGMENTS: Self = Self(2);
    /// `a%252Fb`: a slash, a backslash, or NUL to a server that decodes twice.
    pub const DOUBLE_ENCODING: Self = Self(4);
    /// `%E4`: bytes that are not UTF-8.
    pub const NON_UTF8: Self = Self(8);

    /// All spellings with their configuration keys.
    pub const ALL: [(&'static str, Self); 4] = [
        ("encoded_slash", Self::ENCODED_SLASH),
        ("empty_segments", Self::EMPTY_SEGMENTS),
        ("double_encoding", Self::DOUBLE_ENCODING),
        ("non_utf8", Self::NON_UTF8),
    ];

    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the key of the first of these that `kept` lacks.
    pub(crate) fn key_beyond(self, kept: Self) -> Option<&'static str> {
        let lacking = self.0 & !kept.0;
        Self::ALL.iter().find(|(_, one)| lacking & one.0 != 0).map(|(key, _)| *key)
    }
}
