//! One-time secrets: codes in links, and challenges that a browser holds.

pub(crate) mod challenge;
pub(crate) mod codes;
