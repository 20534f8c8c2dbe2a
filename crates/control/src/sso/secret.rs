//! The client secret for a provider.

use keydesk_model::AccountId;

/// Returns the context to which the client secret for a provider is sealed.
pub(crate) fn belongs_to(account: AccountId) -> String {
    format!("sign-on|{account}")
}
