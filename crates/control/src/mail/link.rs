//! The link of an email that works once. Its code is generated when the email is sent: the database holds the wish to send
//! it and a digest, never a code.

use crate::one_time::codes;
use keydesk_model::LinkKind;
use keydesk_store::{StoreError, Write};
use keydesk_token::Entropy;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// What stands for the code in an email's text until it is sent.
pub(super) const PLACE: &str = "\u{e000}";

/// A link that works once.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Link {
    kind: LinkKind,
    /// The time for which it works once its email is sent.
    lasts: Duration,
    /// The digest of the code that opens it. Before the email is sent, no code has this digest.
    #[serde(skip)]
    pub code_hash: [u8; 32],
}

impl Link {
    pub fn new(kind: LinkKind, lasts: Duration, entropy: &Entropy) -> Self {
        Self { kind, lasts, code_hash: entropy.bytes() }
    }

    /// Returns the URL for the text of the email.
    pub fn url(&self, console_url: &str) -> String {
        let path = match self.kind {
            LinkKind::Invitation => "invitation",
            LinkKind::PasswordReset => "reset-password",
            LinkKind::SignUp => "sign-up",
            LinkKind::OldEmail | LinkKind::NewEmail => "email-change",
        };
        format!("{console_url}/{path}/{PLACE}")
    }

    /// Generates a code, which replaces an earlier one. Returns `None` if the link is no longer open.
    pub async fn generate_code(
        &mut self,
        write: &mut Write,
        entropy: &Entropy,
    ) -> Result<Option<Zeroizing<String>>, StoreError> {
        let (code, hash) = codes::generate(entropy);
        let expires_at = write.now().plus(self.lasts);
        let is_open =
            write.replace_link_code(self.kind, (self.code_hash, hash), expires_at).await?;
        self.code_hash = hash;
        Ok(is_open.then_some(code))
    }
}
