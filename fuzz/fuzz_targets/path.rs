//! A request target.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keydesk_gateway::probe::path(bytes));
