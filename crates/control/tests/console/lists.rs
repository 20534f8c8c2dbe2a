//! Lists: a page at a time, each entry once, and found by what a person knows of it.

use crate::world::{Console, User};

/// Follows the links to the next page, and returns the pages.
async fn pages(user: &User, first: &str) -> Vec<String> {
    let mut pages = vec![user.get(first).await.text];
    while let Some(next) = next(pages.last().expect("a page")) {
        pages.push(user.get(&next).await.text);
    }
    pages
}

fn next(page: &str) -> Option<String> {
    let link = page.split("rel=\"next\" href=\"").nth(1)?;
    Some(link.split('"').next()?.replace("&#38;", "&"))
}

/// How often each of the names stands in a row.
fn rows(page: &str) -> usize {
    page.matches("<b>T ").count()
}

#[tokio::test]
async fn tokens_come_in_pages_newest_first_and_each_once() {
    let console = Console::start().await;
    let ann = console.owner();
    for number in 0..120 {
        // Some in the same microsecond.
        if number % 3 == 0 {
            console.pass(std::time::Duration::from_secs(1));
        }
        ann.create_token(&format!("T {number}"), "never").await;
    }
    let all = pages(&ann, "/tokens").await;
    assert_eq!(all.iter().map(|page| rows(page)).collect::<Vec<_>>(), [50, 50, 20]);
    let all = all.concat();
    for number in 0..120 {
        assert_eq!(all.matches(&format!("<b>T {number}</b>")).count(), 1, "{number}");
    }
    let of = |number: u32| all.find(&format!("<b>T {number}</b>")).expect("listed");
    assert!(of(119) < of(60) && of(60) < of(2));
    // A search goes on over its pages, too.
    let found = pages(&ann, "/tokens?text=t%201").await;
    assert_eq!(found.iter().map(|page| rows(page)).sum::<usize>(), 31);
    assert!(next(&ann.get("/tokens?text=T").await.text).expect("a page").contains("text=T"));
    // By the characters that a person sees of it.
    let token = ann.create_token("by its end", "never").await;
    let found = ann.get(&format!("/tokens?text={}", &token[token.len() - 4..])).await.text;
    assert!(found.contains("<b>by its end</b>") && rows(&found) < 3, "{found}");
    let none = ann.get("/tokens?text=%25").await.text;
    assert!(none.contains("No matching tokens."), "a pattern's characters are characters");
}

#[tokio::test]
async fn inactive_tokens_are_a_list_of_their_own() {
    let console = Console::start().await;
    let ann = console.owner();
    ann.create_token("Old", "1d").await;
    ann.create_token("New", "never").await;
    assert!(ann.get("/tokens?state=inactive").await.text.contains("No inactive tokens."));
    console.pass(std::time::Duration::from_hours(25));
    let ann = console.logged_in(crate::world::ANN).await;
    let (active, inactive) =
        (ann.get("/tokens").await.text, ann.get("/tokens?state=inactive").await.text);
    assert!(active.contains("<b>New</b>") && !active.contains("<b>Old</b>"));
    assert!(inactive.contains("<b>Old</b>") && !inactive.contains("<b>New</b>"));
}

#[tokio::test]
async fn members_and_receipts_are_searched_by_name() {
    let console = Console::start().await;
    let ann = console.owner();
    ann.invite("Jörg.Öhm@acme.example", "developer", crate::world::PASSWORD).await;
    for text in ["j%C3%B6rg", "J%C3%B6rg", "ACME.example"] {
        let found = ann.get(&format!("/members?text={text}")).await.text;
        assert!(found.contains("rg.") && found.contains("@acme.example"), "{text}: {found}");
    }
    assert!(ann.get("/members?text=nobody").await.text.contains("No matching members."));
    for number in 0..55 {
        let name = format!("T {number}");
        ann.create_token(&name, "never").await;
        let id = ann.token_id(&name).await;
        ann.post(&format!("/tokens/{id}/revoke"), &[]).await;
    }
    let all = pages(&ann, "/receipts").await;
    assert_eq!(all.len(), 2);
    assert_eq!(all.concat().matches("<span class=\"small\">T ").count(), 55);
    let found = ann.get("/receipts?text=t%2042").await.text;
    assert_eq!(found.matches("<span class=\"small\">T ").count(), 1, "{found}");
    assert!(ann.get("/receipts?text=nobody").await.text.contains("No matching receipts."));
}

#[tokio::test]
async fn a_page_that_does_not_exist_is_refused_with_words() {
    let console = Console::start().await;
    let ann = console.owner();
    for path in ["/tokens?after=x", "/members?after=7", "/receipts?after=x", "/operator?after=x"] {
        let page = ann.get(path).await;
        assert_eq!(page.status, 422, "{path}");
        assert!(page.text.contains("This link to a page of a list isn’t valid."), "{path}");
    }
    // An entry that is gone is no reason.
    for after in ["/tokens?", "/tokens?state=inactive&after=1-"] {
        let begin = if after.ends_with('?') { "after=" } else { "" };
        let path = format!("{after}{begin}tok_00000000000070008000000000000000");
        assert_eq!(ann.get(&path).await.status, 200, "{path}");
    }
}
