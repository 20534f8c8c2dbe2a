//! Certificates by ACME (RFC 8555).

use crate::{config::Acme, tls::Certificates};
use std::{path::Path, sync::Arc};

pub fn start(_acme: Acme, _data: &Path, _certificates: Arc<Certificates>) -> anyhow::Result<()> {
    anyhow::bail!("not yet")
}
