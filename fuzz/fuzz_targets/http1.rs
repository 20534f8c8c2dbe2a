//! A connection of HTTP/1.1, and what the upstream gets of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keydesk_gateway::probe::http1(bytes));
