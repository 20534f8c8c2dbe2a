//! Mail, with a mail server and a reader that nobody here wrote: aiosmtpd, and Python's email package at its strictest.

use crate::{
    documents::repository,
    support::{
        Keydesk, Options, PASSWORD, User, authenticator::set_up_authenticator, eventually,
        free_port,
    },
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

struct MailServer {
    process: Child,
    port: u16,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    fn start(args: &[&str]) -> Self {
        let mut process = Command::new("python3")
            .arg(repository().join("tests/clients/smtp.py"))
            .args(args)
            .env("PYTHONPATH", repository().join("target/clients/smtp"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut lines = BufReader::new(process.stdout.take().expect("an output")).lines();
        let port = lines.next().expect("a line").expect("reads").parse().expect("a port");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&taken);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mail = serde_json::from_str(&line).expect("JSON");
                into.lock().expect("no test panics with the lock held").push(mail);
            }
        });
        Self { process, port, taken }
    }

    fn taken(&self) -> Vec<Value> {
        self.taken.lock().expect("no test panics with the lock held").clone()
    }

    /// The mail with this subject, once it is there.
    async fn mail(&self, subject: &str) -> Value {
        let is_it = |mail: &Value| mail["subject"].as_str().is_some_and(|it| it.contains(subject));
        eventually(subject, async || self.taken().iter().any(is_it)).await;
        self.taken().into_iter().find(is_it).expect("it is there")
    }

    fn options(&self, more: &str, top: &str) -> Options {
        let port = self.port;
        let mail = format!(
            "{top}\n[mail]\nserver = \"smtp://localhost:{port}{more}\"\nfrom = \"Acme API <api@müller.example>\"\n"
        );
        Options { config: mail, ..Options::default() }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn invite(ann: &User, email: &str) {
    let form = [("email", email), ("role", "developer")];
    let page = ann.post("/members/invitations", &form).await;
    assert_eq!(page.location.as_deref(), Some("/members?done=invited"), "{}", page.text);
}

async fn members_says(ann: &User, text: &str) {
    eventually(text, async || ann.get("/members").await.text.contains(text)).await;
}

#[tokio::test]
async fn a_mail_passes_a_strict_reader_and_its_link_works() {
    let server = MailServer::start(&["plain"]);
    let mut keydesk = Keydesk::start_with(&server.options("", ""));
    let ann = keydesk.with_account().await;
    invite(&ann, "jo@müller.test").await;
    let mail = server.mail("invited you").await;
    assert_eq!(mail["to"][0], "jo@xn--mller-kva.test", "the server knows no SMTPUTF8");
    let fields = &mail["fields"];
    assert_eq!(fields["from"], "Acme API <api@xn--mller-kva.example>");
    assert_eq!(fields["mime-version"], "1.0");
    assert_eq!(fields["auto-submitted"], "auto-generated");
    assert_eq!(fields["content-transfer-encoding"], "7bit");
    assert!(
        fields["message-id"].as_str().is_some_and(|id| id.ends_with("@xn--mller-kva.example>"))
    );
    assert!(fields["date"].is_string());
    assert!(
        fields["subject"]
            .as_str()
            .is_some_and(|it| it.contains("Ann Chen invited you to join Acme"))
    );
    // The link is whole, and the user logs in by whichever spelling their browser sends.
    let link = mail["links"][0].as_str().expect("a link").to_owned();
    let jo = User::visiting(&keydesk.console);
    assert_eq!(jo.get(&link).await.status, 200);
    let joined = jo.post(&link, &[("password", PASSWORD), ("name", "Jo")]).await;
    assert_eq!(joined.status, 303, "{}", joined.text);
    for spelling in ["jo@xn--mller-kva.test", "Jo@Müller.test", "jo@mu\u{308}ller.test"] {
        let again = User::visiting(&keydesk.console);
        assert_eq!(again.log_in(spelling, PASSWORD).await.status, 303, "{spelling}");
    }
    // What no mailer takes is not invited.
    let form = [("email", "a..b@acme.example"), ("role", "developer")];
    assert_eq!(ann.post("/members/invitations", &form).await.status, 422);
}

/// Many servers say "later" to a sender that they have not seen. The mail is kept over a restart.
#[tokio::test]
async fn a_mail_that_is_greylisted_arrives_after_a_restart() {
    let server = MailServer::start(&["greylist"]);
    let options = server.options("", "");
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    invite(&ann, "bob@example.com").await;
    members_says(&ann, "The email hasn’t been delivered yet:").await;
    assert!(ann.get("/members").await.text.contains("greylisted"));
    assert!(server.taken().is_empty());
    let has_account = Options { has_account: true, ..options };
    let keydesk = keydesk.restart(&has_account);
    let mail = server.mail("invited you").await;
    assert_eq!(mail["to"][0], "bob@example.com");
    let link = mail["links"][0].as_str().expect("a link");
    // The console has another port now.
    let (_, code) = link.split_once("/invitation/").expect("a link");
    let bob = User::visiting(&keydesk.console);
    assert_eq!(bob.get(&format!("/invitation/{code}")).await.status, 200);
}

/// Mail is stored in the transaction of the change that it is about.
#[tokio::test]
async fn an_invitation_and_its_mail_are_stored_together_without_a_link() {
    let server = MailServer::start(&["greylist"]);
    let mut keydesk = Keydesk::start_with(&server.options("", ""));
    let ann = keydesk.with_account().await;
    let waiting = "SELECT count(*) FROM outbox WHERE invitation_id IS NOT NULL";
    invite(&ann, "bob@example.com").await;
    assert_eq!(keydesk.count(waiting).await, 1, "as soon as the browser has its answer");
    // Each attempt has a link of its own. Before the first, no link opens the invitation.
    let has_link = "SELECT count(*) FROM outbox JOIN invitation USING (code_hash)";
    members_says(&ann, "The email hasn’t been delivered yet:").await;
    assert_eq!(keydesk.count(has_link).await, 1);
    // A revoked invitation is not sent anymore.
    let page = ann.get("/members").await.text;
    let after = page.split("/members/invitations/").nth(2).expect("a form of the invitation");
    let invitation = after.split('/').next().expect("an ID");
    let revoked = ann.post(&format!("/members/invitations/{invitation}/revoke"), &[]).await;
    assert_eq!(revoked.status, 303, "{}", revoked.text);
    eventually("the mail is dropped", async || keydesk.count(waiting).await == 0).await;
    assert!(server.taken().iter().all(|mail| mail["to"][0] != "bob@example.com"));
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_shown_to_its_sender() {
    let server = MailServer::start(&["refuse"]);
    let mut keydesk = Keydesk::start_with(&server.options("", ""));
    let ann = keydesk.with_account().await;
    invite(&ann, "nobody@example.com").await;
    members_says(&ann, "The email couldn’t be delivered:").await;
    assert!(ann.get("/members").await.text.contains("no such mailbox"));
    // The link that was not delivered is in no log.
    assert!(!keydesk.printed().contains("/invitation/"));
}

/// A server of a company, with a certificate of its own authority.
#[tokio::test]
async fn a_company_has_an_authority_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("ca.pem"), made.cert.pem()).expect("writes");
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).expect("writes");
    let server = MailServer::start(&["starttls", &path("ca.pem"), &path("key.pem")]);
    let trusting = format!("ca_file = \"{}\"", path("ca.pem"));
    let keydesk = Keydesk::start_with(&server.options("?tls=required", &trusting));
    let output = keydesk.run(&["mail", "test", "--to", "otto@vendor.example"], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mail = server.mail("Test email from Keydesk").await;
    assert_eq!(mail["tls"], true);
    let strange = Keydesk::start_with(&server.options("?tls=required", ""));
    let output = strange.run(&["mail", "test", "--to", "otto@vendor.example"], "");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("certificate"), "{message}");
    // Nobody listens there.
    let nowhere =
        format!("[mail]\nserver = \"smtp://127.0.0.1:{}\"\nfrom = \"a@b.example\"\n", free_port());
    let keydesk = Keydesk::start_with(&Options { config: nowhere, ..Options::default() });
    let output = keydesk.run(&["mail", "test", "--to", "otto@vendor.example"], "");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("refused"), "{message}");
}

/// A wrong password of ours is not the recipient's fault: the mail waits until it is right.
#[tokio::test]
async fn a_mail_waits_for_the_right_password() {
    let server = MailServer::start(&["auth"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password").display().to_string();
    std::fs::write(&file, "wrong-canary-1187").expect("writes");
    let mut options = server.options("", "");
    options.config = format!("{}user = \"api\"\npassword_file = \"{file}\"\n", options.config);
    let mut keydesk = Keydesk::start_with(&options);
    let ann = keydesk.with_account().await;
    invite(&ann, "bob@example.com").await;
    members_says(&ann, "The email hasn’t been delivered yet:").await;
    assert!(!keydesk.printed().contains("canary-1187"));
    std::fs::write(&file, "right").expect("writes");
    let _keydesk = keydesk.restart(&Options { has_account: true, ..options });
    assert_eq!(server.mail("invited you").await["to"][0], "bob@example.com");
}

/// The user gets an email when an operator resets two-factor authentication at the server.
#[tokio::test]
async fn a_command_sends_the_mail_that_it_promises() {
    let server = MailServer::start(&["plain"]);
    let mut keydesk = Keydesk::start_with(&server.options("", ""));
    let ann = keydesk.with_account().await;
    set_up_authenticator(&ann).await;
    let output = keydesk.run(&["user", "reset-two-factor", "ann@acme.example"], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let is_it = |mail: &Value| {
        mail["to"][0] == "ann@acme.example"
            && mail["subject"].to_string().contains("Two-factor authentication is off")
    };
    eventually("the mail is there", async || server.taken().iter().any(is_it)).await;
}
