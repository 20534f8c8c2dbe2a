//! The console and its mail in the reader's language; the API in English.

use crate::world::{Console, PASSWORD, Page, User};

async fn choose(user: &User, language: &str) -> Page {
    user.post("/profile/language", &[("language", language)]).await
}

#[tokio::test]
async fn the_browser_s_language_is_spoken_until_somebody_chooses_another() {
    let console = Console::start().await;
    let ann = console.owner();
    let spanish = console.anonymous_in("es-MX,es;q=0.9,en;q=0.5");
    let page = spanish.get("/login").await.text;
    assert!(page.contains("<html lang=\"es\">") && page.contains("Iniciar sesión"), "{page}");
    let refused = spanish.log_in("ann@acme.example", "wrong").await.text;
    assert!(refused.contains("contraseña es incorrecta"), "{refused}");
    let nowhere = spanish.get("/nowhere").await;
    assert!(nowhere.status == 404 && nowhere.text.contains("Página no encontrada"));
    spanish.log_in("ann@acme.example", PASSWORD).await;
    assert!(spanish.get("/tokens").await.text.contains("Tokens de API"));

    assert_eq!(
        choose(&spanish, "pt").await.location.as_deref(),
        Some("/profile?done=language_saved")
    );
    // It is hers, in whichever browser.
    for browser in [&spanish, &ann] {
        let page = browser.get("/profile?done=language_saved").await.text;
        assert!(page.contains("<html lang=\"pt\">") && page.contains("Idioma alterado."), "{page}");
    }
    for wrong in ["de", "EN", "<i>"] {
        let page = choose(&ann, wrong).await;
        assert!(
            page.status == 422 && page.text.contains("O idioma deve ser en, es ou pt."),
            "{wrong}"
        );
    }
    choose(&ann, "").await;
    assert!(ann.get("/profile").await.text.contains("<html lang=\"en\">"));
    assert!(spanish.get("/profile").await.text.contains("<html lang=\"es\">"));
    assert!(ann.get("/audit").await.text.contains("Language changed"));
}

/// Mail is written for whoever reads it, not for whoever caused it.
#[tokio::test]
async fn mail_goes_in_the_language_that_its_reader_has_chosen() {
    let console = Console::start().await;
    let ann = console.owner();
    let bob = ann.invite("bob@acme.example", "developer", PASSWORD).await;
    choose(&bob, "es").await;
    let id = ann.member_id("bob").await;
    ann.post(&format!("/members/{id}/log-out"), &[]).await;
    let visitor = console.anonymous();
    visitor.post("/forgot-password", &[("email", "bob@acme.example")]).await;
    ann.post(&format!("/members/{id}/remove"), &[]).await;
    let mailbox = ann.get("/mail").await.text;
    for subject in
        ["Te eliminaron de Acme", "Restablece tu contraseña", "Ann Chen cerró todas tus sesiones"]
    {
        assert!(mailbox.contains(subject), "{subject}: {mailbox}");
    }
    assert!(mailbox.contains("Ann Chen invited you to use"), "he had not chosen yet");
    // Whoever nobody knows yet is written to in the inviter's language.
    choose(&ann, "pt").await;
    ann.post("/members/invitations", &[("email", "eve@acme.example"), ("role", "viewer")]).await;
    let newest = ann.get("/mail").await.text;
    let newest = newest.split("<article").nth(1).expect("a mail");
    assert!(newest.contains("Ann Chen convidou você para") && newest.contains("Visualizador"));
}

/// What programs read has one language, whoever asks.
#[tokio::test]
async fn exports_are_in_english() {
    let console = Console::start().await;
    let ann = console.owner();
    choose(&ann, "es").await;
    let lines = ann.get("/audit/export?format=jsonl").await.text;
    assert!(lines.contains("\"user.language_changed\"") && !lines.contains("Idioma"), "{lines}");
    let csv = ann.get("/audit/export?format=csv").await.text;
    assert!(csv.contains("Language changed") && !csv.contains("Idioma"), "{csv}");
}

/// Whatever is refused, a user gets a page in their language.
#[tokio::test]
async fn what_cannot_be_read_is_told_on_a_page() {
    let console = Console::start().await;
    let ann = console.owner();
    choose(&ann, "es").await;
    for path in ["/tokens?receipt=x", "/audit?before=x", "/login?receipt=x"] {
        let page = ann.get(path).await;
        assert_eq!(page.status, 400, "{path}");
        assert!(page.text.contains("<h1>Solicitud no válida</h1>") || path.starts_with("/login"));
    }
    let page = ann.post("/accounts/switch", &[]).await;
    assert!(page.status == 422 && page.text.contains("<h1>"), "{}", page.text);
    let page = ann.post_from("https://evil.example", "/logout").await;
    assert!(page.status == 403 && page.text.contains("<h1>"), "{}", page.text);
    let wrong = [("email", "nope"), ("role", "developer")];
    let page = ann.post("/members/invitations", &wrong).await.text;
    assert!(page.contains("Ingresa una dirección de correo electrónico, por ejemplo"), "{page}");
    let wrong = [("email", "eve@acme.example"), ("role", "king")];
    assert!(
        ann.post("/members/invitations", &wrong)
            .await
            .text
            .contains("El rol debe ser owner, administrator, developer o viewer.")
    );
}
