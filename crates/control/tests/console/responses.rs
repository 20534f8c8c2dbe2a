//! The headers of every response.

use crate::world::Console;

#[tokio::test]
async fn h1_h2_h3_t49_every_answer_is_hardened() {
    let console = Console::start().await;
    let ann = console.owner();
    for path in [
        "/login",
        "/api-docs",
        "/tokens",
        "/nowhere",
        "/api-docs/swagger",
        "/api-docs/openapi.json",
        "/assets/app.css",
    ] {
        let page = ann.get(path).await;
        let policy = page.header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(directive), "{path}: {directive}");
        }
        assert!(!policy.contains("unsafe"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert_eq!(
            page.header("cache-control") == "no-store",
            !path.starts_with("/assets"),
            "{path}"
        );
        assert!(page.header("access-control-allow-origin").is_empty());
    }
    assert!(ann.post("/logout", &[]).await.header("clear-site-data").contains("cache"));
}
