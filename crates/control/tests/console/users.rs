//! Users and their email addresses.

use crate::world::{Console, PASSWORD};

/// One form for who somebody is, the stored one for where mail goes.
#[tokio::test]
async fn t54_an_address_in_disguise_is_its_owner_and_mail_goes_to_the_stored_one() {
    let console = Console::start().await;
    let ann = console.owner();
    let stored = "Fiona.fiscal+api@acme.example";
    ann.invite(stored, "viewer", PASSWORD).await;
    let visitor = console.anonymous();
    let long = format!("{}@acme.example", "f".repeat(320));
    for (typed, is_fiona) in [
        ("fiona.fiscal+api@acme.example", true),
        (" FIONA.FISCAL+API@ACME.EXAMPLE ", true),
        ("ﬁona.ﬁscal+api@acme.example", true),
        ("ｆｉｏｎａ.fiscal+api@acme.example", true),
        // Dots and tags are the receiving server's business; other letters are other letters.
        ("fionafiscal+api@acme.example", false),
        ("fiona.fiscal@acme.example", false),
        ("fıona.fiscal+api@acme.example", false),
        ("fİona.fiscal+api@acme.example", false),
        ("fіona.fiscal+api@acme.example", false),
        ("fiona.fiscal+api@acme.example\0", false),
        ("fiona.fiscal+api@acme.example\r\nBcc: eve@evil.example", false),
        (&long, false),
    ] {
        console.sql("DELETE FROM attempt").await;
        console.sql("DELETE FROM reset").await;
        let logged_in = visitor.log_in(typed, PASSWORD).await.status == 303;
        assert_eq!(logged_in, is_fiona, "{typed:?}");
        let before = ann.get("/mail").await.text.matches("/reset-password/").count();
        visitor.post("/forgot-password", &[("email", typed)]).await;
        let mail = ann.get("/mail").await.text;
        let is_sent = mail.matches("/reset-password/").count() > before;
        assert_eq!(is_sent, is_fiona, "{typed:?}");
        let newest = mail.split("<article").nth(1).expect("a mail");
        assert!(
            !is_sent
                || newest.contains("To Fiona.fiscal&#43;api@acme.example")
                || newest.contains(&format!("To {stored}")),
            "{newest}"
        );
        // Nobody comes in beside her either.
        let invited = [("email", typed), ("role", "viewer")];
        let answer = ann.post("/members/invitations", &invited).await;
        if is_fiona {
            assert_eq!(answer.status, 422, "{typed:?} belongs to the account already");
        }
    }
}
