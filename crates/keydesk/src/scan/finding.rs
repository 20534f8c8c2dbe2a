//! A token that was found, without the token itself.

use keydesk_token::{Kind, PlainToken, TokenHash, without_tokens};
use sha2::{Digest as _, Sha256};

#[derive(Clone, Debug)]
pub struct Finding {
    /// The path of the file, without tokens. In a repository, it is relative to its root.
    pub path: String,
    /// The first line is 1, and the first column is 1. A column is a character.
    pub line: usize,
    pub column: usize,
    /// The length of the token.
    pub length: usize,
    /// The oldest commit in which it was found.
    pub commit: Option<String>,
    pub kind: &'static str,
    pub masked: String,
    /// The state, if the console was asked.
    pub state: Option<String>,
    hash: TokenHash,
}

impl Finding {
    pub fn new(path: &str, (line, column): (usize, usize), token: &PlainToken) -> Self {
        Self {
            path: without_tokens(path),
            line,
            column,
            length: token.expose().len(),
            commit: None,
            kind: match token.kind() {
                Some(Kind::User) => "bearer token",
                Some(Kind::Management) => "management key",
                Some(Kind::Account) | None => "API token",
            },
            masked: token.masked(),
            state: None,
            hash: token.hash(),
        }
    }

    /// Moves the finding to the beginning of the file whose name contains the token.
    pub fn in_name(self) -> Self {
        Self { line: 1, column: 1, ..self }
    }

    /// Returns the SHA-256 digest in hexadecimal, which only the console gets.
    pub fn digest(&self) -> String {
        hex::encode(self.hash.as_bytes())
    }

    pub fn hash(&self) -> TokenHash {
        self.hash
    }

    /// Returns a text that is the same for the same token and tells nothing about it, to recognize a finding by.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(b"keydesk scan");
        digest.update(self.hash.as_bytes());
        hex::encode(&digest.finalize()[..16])
    }

    /// Returns whether the token works or can be restored, or may work if the console wasn't asked.
    pub fn is_live(&self) -> bool {
        self.state.as_deref().is_none_or(|state| matches!(state, "active" | "restorable"))
    }
}
