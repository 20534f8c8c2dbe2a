//! The page *Help* and its feedback.

use crate::world::Console;

#[tokio::test]
async fn s12_help_answers_with_the_reader_s_state_and_keeps_what_they_say() {
    let console = Console::start().await;
    let ann = console.owner();
    let page = ann.get("/help").await.text;
    assert!(page.contains(&ann.get("/api-docs").await.value("endpoint-url")));
    assert!(page.contains(&format!("kd_u_••••••••{}", &ann.bearer_token().await[39..])));
    let form = [("question", "slash"), ("answered", "no"), ("comment", "Which slash?\u{1b}[2J")];
    let refused = ann.post("/help/feedback", &form).await;
    assert!(refused.status == 422 && refused.text.contains("control character"));
    let form = [("question", "slash"), ("answered", "no"), ("comment", "Which slash?")];
    assert_eq!(
        ann.post("/help/feedback", &form).await.location.as_deref(),
        Some("/help?thanked=slash#slash")
    );
    assert_eq!(
        ann.post("/help/feedback", &[("question", "unknown"), ("answered", "no")]).await.status,
        404
    );
    let mut read = console.app.store.read().await.expect("reads");
    let feedback = read.list_feedback().await.expect("reads");
    assert_eq!(feedback.len(), 1);
    assert_eq!((feedback[0].question.as_str(), feedback[0].answered), ("slash", false));
    assert_eq!(feedback[0].comment, "Which slash?");
}

#[tokio::test]
async fn error_codes_are_found_by_code_status_or_word() {
    let console = Console::start().await;
    let anyone = console.anonymous();
    for (text, found, other) in [
        ("token_rotated", "token_rotated", "quota_exceeded"),
        ("429 month", "quota_exceeded", "token_rotated"),
        ("ALLOWLIST", "ip_not_allowed", "token_rotated"),
    ] {
        let page = anyone.get(&format!("/errors?text={}", text.replace(' ', "%20"))).await.text;
        assert!(page.contains(&format!("id=\"{found}\"")), "{text}: {page}");
        assert!(!page.contains(&format!("id=\"{other}\"")), "{text}");
    }
    assert!(
        anyone.get("/errors?text=nothing%20here").await.text.contains("No matching error codes.")
    );
    // Each has its own page, to which its answer leads, with what to do.
    let rotated = anyone.get("/errors/token_rotated").await.readable();
    assert!(rotated.contains("Give the client the new secret"), "{rotated}");
}
