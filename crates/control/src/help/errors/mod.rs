//! The explanations of gateway errors.

pub(crate) mod console;
