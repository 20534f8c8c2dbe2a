//! A presented token.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keydesk_gateway::probe::token(bytes));
