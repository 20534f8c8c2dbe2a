//! F7: which program used which token is known where it matters.

use crate::support::{Keydesk, eventually};

#[tokio::test]
async fn f7_who_used_a_token_stands_where_it_matters() {
    let mut keydesk = Keydesk::start();
    let ann = keydesk.with_account().await;
    let (endpoint, bearer) = (ann.endpoint_url().await, ann.bearer_token().await);
    let api = ann.create_token("CRM sync", "never").await;
    for (token, agent) in [(&bearer, "python-requests/2.31.0"), (&api, "okhttp/4.9")] {
        let client = crate::support::client().user_agent(agent).build().expect("a client");
        client
            .get(format!("{endpoint}/api/v1/contacts"))
            .bearer_auth(token)
            .send()
            .await
            .expect("answers");
    }
    eventually("usage is reported", async || {
        let page = ann.get("/profile").await.text;
        page.contains("python-requests")
            && page
                .contains("Changing your password also replaces your bearer token. These clients")
            && !page.contains("okhttp")
    })
    .await;
    let everywhere = ann.get("/sessions/log-out-all").await.text;
    assert!(everywhere.contains("python-requests"));
    assert!(ann.get("/tokens").await.text.contains("okhttp from 127.0.0.1"));
}
