//! The `WebAuthn` relying party: the console under its own origins.

use crate::Settings;
use webauthn_rs::prelude::{Url, Webauthn, WebauthnBuilder};

/// Returns the verifier of challenges for the console's own origins. Returns `None` if no origin has a domain name,
/// which passkeys require.
pub(crate) fn relying_party(settings: &Settings) -> Option<Webauthn> {
    let named = settings.console_origins().filter_map(|origin| Url::parse(origin).ok());
    let named: Vec<_> = named.filter(|origin| origin.domain().is_some()).collect();
    let first = named.first()?;
    let host = first.domain()?.to_owned();
    let builder = WebauthnBuilder::new(&host, first).ok()?.rp_name("Keydesk");
    let others = named.iter().skip(1).filter(|origin| origin.domain() == Some(host.as_str()));
    others.fold(builder, WebauthnBuilder::append_allowed_origin).build().ok()
}
