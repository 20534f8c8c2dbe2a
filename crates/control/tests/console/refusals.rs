//! The refusals: each code with its kind and its English text.

use keydesk_control::{Code, Refusal, english};

#[test]
fn every_refusal_reads_as_it_did() {
    let lines: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            let text = english(&Refusal::new(*code));
            format!("{} ({:?})\n    {text}\n", code.as_str(), code.kind())
        })
        .collect();
    insta::assert_snapshot!(lines.join(""));
}
