//! The page *API tokens* and its forms.

use crate::world::Console;

#[tokio::test]
async fn s8_mistakes_in_the_form_are_told_and_lose_nothing() {
    let console = Console::start().await;
    let ann = console.owner();
    for (form, message) in [
        (vec![("name", ""), ("scope", "*")], "Enter a name."),
        (vec![("name", "Kept name")], "Select at least one scope, or “Full access”."),
        (
            vec![("name", "Kept name"), ("scope", "Contacts")],
            "Scopes look like contacts:read, contacts:*, or *.",
        ),
        (
            vec![("name", "Kept name"), ("scope", "*"), ("expires", "soon")],
            "Enter never, a number of days such as 90d (up to 36500d), or a date",
        ),
        (
            vec![("name", "Kept name"), ("scope", "*"), ("expires", "2020-01-01")],
            "This date has passed. Choose a later one.",
        ),
        (
            vec![("name", "Kept name"), ("scope", "*"), ("expires", "date"), ("expires_on", "")],
            "Choose an expiration date, or one of the other options.",
        ),
    ] {
        let page = ann.post("/tokens", &form).await;
        assert_eq!(page.status, 422);
        assert!(page.text.contains(message), "{message}: {}", page.text);
        assert!(page.text.contains(&format!("value=\"{}\"", form[0].1)));
    }
}

#[tokio::test]
async fn t48_names_are_shown_as_text() {
    let console = Console::start().await;
    let ann = console.owner();
    let evil = "<script>alert(1)</script>\" onfocus=\"alert(2)";
    ann.create_token(evil, "never").await;
    let page = ann.get("/tokens").await.text;
    assert!(
        page.contains("&#60;script&#62;")
            && !page.contains("<script>alert")
            && !page.contains("\" onfocus")
    );
}
