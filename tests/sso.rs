//! Single sign-on, with a real provider: node-oidc-provider.

use crate::{
    integrations::node_script,
    support::{
        Keydesk, Options, PASSWORD, Page, User, authenticator::set_up_authenticator,
        faults::libfaketime,
    },
};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

const SET: &str = "/sso?done=sso_saved";
const OPERATOR: &str = "otto@vendor.example";
/// A canary, as every secret in tests.
const SECRET: &str = "sign-on-canary-3c1f0e7c4a";

pub struct Provider {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub issuer: String,
}

impl Provider {
    /// `clock`: how far its clock is from ours, as libfaketime has it.
    fn start(callback: &str, clock: Option<&str>, method: &str) -> Self {
        let mut command = Command::new("node");
        if let Some(clock) = clock {
            command.env("LD_PRELOAD", libfaketime()).env("FAKETIME", clock);
        }
        let mut process = command
            .arg(node_script("provider.mjs"))
            .args([callback, SECRET, method])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let input = process.stdin.take().expect("an input");
        let output = BufReader::new(process.stdout.take().expect("an output"));
        let mut provider = Self { process, input, output, issuer: String::new() };
        provider.issuer = provider.line();
        provider
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("reads");
        line.trim().to_owned()
    }

    /// Who comes next.
    pub fn knows(&mut self, claims: &serde_json::Value) {
        writeln!(self.input, "{claims}").expect("writes");
        assert_eq!(self.line(), "ready");
    }

    /// What a browser does there: it follows until it is sent back.
    fn follow(url: &str, back: &str) -> String {
        let jar = tempfile::NamedTempFile::new().expect("a file");
        let mut at = url.to_owned();
        for _ in 0..10 {
            let output = Command::new("curl")
                .args(["-s", "-o", "/dev/null", "-w", "%{redirect_url}", "-b"])
                .arg(jar.path())
                .arg("-c")
                .arg(jar.path())
                .arg(&at)
                .output()
                .expect("curl runs");
            at = String::from_utf8(output.stdout).expect("a URL");
            if let Some(path) = at.strip_prefix(back) {
                return path.to_owned();
            }
        }
        panic!("never sent back: {at}");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub struct House {
    pub keydesk: Keydesk,
    pub ann: User,
    pub otto: User,
    pub number: String,
    pub provider: Provider,
}

impl House {
    pub async fn new() -> Self {
        Self::with(None, "client_secret_basic").await
    }

    /// With a provider whose clock is this far from ours, and which takes the client's secret this way alone.
    pub async fn with(clock: Option<&str>, method: &str) -> Self {
        let mut keydesk = Keydesk::start_with(&Options::default());
        let ann = keydesk.with_account().await;
        let args =
            ["operator", "create", "--email", OPERATOR, "--name", "Otto", "--password-stdin"];
        assert!(keydesk.run(&args, PASSWORD).status.success());
        let otto = User::logged_in(&keydesk.console, OPERATOR, PASSWORD).await;
        let endpoint = ann.endpoint_url().await;
        let number = endpoint.rsplit('/').next().expect("a number").to_owned();
        let provider =
            Provider::start(&format!("{}/login/sso/callback", keydesk.console), clock, method);
        Self { keydesk, ann, otto, number, provider }
    }

    pub async fn set(&self) {
        let saved = self.set_with(&[]).await;
        assert_eq!(saved.location.as_deref(), Some(SET), "{}", saved.text);
    }

    /// Saves what [`Self::set`] saves, but for these fields.
    pub async fn set_with(&self, fields: &[(&str, &str)]) -> Page {
        let defaults = [
            ("issuer", self.provider.issuer.as_str()),
            ("client_id", "keydesk"),
            ("client_secret", SECRET),
            ("domain", "acme.example"),
            ("default_role", "developer"),
            ("role_claim", "groups"),
            ("roles", "admins = administrator\nguests = viewer"),
        ];
        let is_left = |(name, _): &&(&str, &str)| !fields.iter().any(|(other, _)| other == name);
        let left = defaults.iter().filter(is_left);
        let form: Vec<_> = left.chain(fields).copied().collect();
        self.ann.post("/sso", &form).await
    }

    pub async fn confirm(&self) {
        self.confirm_for("acme.example").await;
    }

    pub async fn confirm_for(&self, domains: &str) {
        let form = [("issuer", self.provider.issuer.as_str()), ("domain", domains)];
        let path = format!("/operator/accounts/{}/sso/approve", self.number);
        let page = self.otto.post(&path, &form).await;
        assert_eq!(
            page.location,
            Some(format!("/operator/accounts/{}?done=sso_approved", self.number))
        );
    }

    /// Begins in this user's browser; what the provider sends them back with.
    pub async fn leave(&mut self, user: &User, claims: &serde_json::Value) -> String {
        self.leave_as(user, "somebody@acme.example", claims).await
    }

    pub async fn leave_as(
        &mut self,
        user: &User,
        email: &str,
        claims: &serde_json::Value,
    ) -> String {
        self.provider.knows(claims);
        let form = [("email", email)];
        let page = user.post("/login/sso", &form).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let link = page.text.split("id=\"depart\" href=\"").nth(1).expect("a link");
        let link = link.split('"').next().expect("a URL").replace("&#38;", "&");
        let link = link.replace("&amp;", "&");
        assert!(link.starts_with(&self.provider.issuer), "{link}");
        assert!(link.contains("code_challenge_method=S256") && link.contains("nonce="), "{link}");
        Provider::follow(&link, &self.keydesk.console)
    }
}

pub fn claims(email: &str, groups: &[&str]) -> serde_json::Value {
    serde_json::json!({
        "email": email, "email_verified": true, "name": "Cleo", "groups": groups,
    })
}

#[tokio::test]
async fn who_comes_by_single_sso_is_a_member_with_the_role_that_the_provider_says() {
    let mut house = House::new().await;
    let cleo = User::visiting(&house.keydesk.console);
    let form = [("email", "cleo@acme.example")];
    // Nobody has set it; set, nobody has confirmed it.
    assert_eq!(cleo.post("/login/sso", &form).await.status, 422);
    house.set().await;
    assert!(
        house
            .ann
            .get("/sso")
            .await
            .text
            .contains("No one can log in this way until the API provider confirms that")
    );
    assert_eq!(cleo.post("/login/sso", &form).await.status, 422);
    let path = format!("/operator/accounts/{}", house.number);
    assert!(house.otto.get(&path).await.text.contains(&house.provider.issuer));
    house.confirm().await;
    let back = house.leave(&cleo, &claims("cleo@acme.example", &["admins"])).await;
    let arrived = cleo.get(&back).await;
    assert_eq!((arrived.status, arrived.location.as_deref()), (303, Some("/api-docs")));
    assert!(!cleo.bearer_token().await.is_empty());
    let members = house.ann.get("/members").await.text;
    assert!(members.contains("cleo@acme.example"), "{members}");
    assert_eq!(cleo.get("/audit").await.status, 200, "an administrator");
    assert!(!cleo.get("/audit").await.text.contains(SECRET));
    assert_eq!(cleo.get(&back).await.status, 422, "it counts once");
    // The next time the provider says otherwise: the token ends with the role.
    let again = User::visiting(&house.keydesk.console);
    let back = house.leave(&again, &claims("cleo@acme.example", &["guests"])).await;
    assert_eq!(again.get(&back).await.status, 303);
    assert_eq!(again.get("/audit").await.status, 403, "a viewer");
    // With another issuer or domain the operator is asked anew.
    let form = [
        ("issuer", "https://login.example.com"),
        ("client_id", "keydesk"),
        ("client_secret", SECRET),
        ("domain", "acme.example"),
        ("default_role", "developer"),
    ];
    let page = house.ann.post("/sso", &form).await;
    assert!(page.status == 200 && page.text.contains("Settings saved, but"), "{}", page.text);
    assert!(
        house
            .ann
            .get("/sso")
            .await
            .text
            .contains("No one can log in this way until the API provider confirms that")
    );
    for (field, value, wrong) in [
        ("issuer", "http://10.0.0.1", "Enter a URL such as"),
        ("domain", "no domain", "Enter the part of your email addresses"),
        ("default_role", "owner", "Enter one “value = role” pair"),
        ("roles", "staff = owner", "Enter one “value = role” pair"),
    ] {
        let mut form: Vec<_> = form.iter().filter(|(name, _)| *name != field).copied().collect();
        form.push((field, value));
        let page = house.ann.post("/sso", &form).await;
        assert!(page.status == 422 && page.text.contains(wrong), "{field}: {}", page.text);
    }
}

/// T35: an answer of the provider counts in the browser that asked, for the domain that was confirmed.
#[tokio::test]
async fn t35_a_providers_answer_lets_in_nobody_else() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let victim = User::visiting(&house.keydesk.console);
    let mallory = User::visiting(&house.keydesk.console);
    let own = claims("mallory@acme.example", &[]);
    let back = house.leave(&mallory, &own).await;
    let page = victim.get(&back).await;
    assert!(page.status == 422 && page.text.contains("another browser"), "{}", page.text);
    assert_eq!(victim.get("/api-docs").await.location.as_deref(), Some("/login?next=/api-docs"));
    let unverified = serde_json::json!({ "email": "ann@acme.example", "email_verified": false });
    for (who, why) in [
        (claims("ann@other.example", &[]), "Your email address there is in a different domain."),
        (unverified, "verified"),
        (
            serde_json::json!({ "email_verified": true }),
            "The provider didn’t send an email address.",
        ),
    ] {
        let browser = User::visiting(&house.keydesk.console);
        let back = house.leave(&browser, &who).await;
        let page = browser.get(&back).await;
        assert!(page.status == 422 && page.text.contains(why), "{who}: {}", page.text);
    }
    let page = User::visiting(&house.keydesk.console).get(&back.replace("code=", "code=x")).await;
    assert_eq!(page.status, 422);
    // Each departure asks the provider: one address has thirty in ten minutes.
    let form = [("email", "ann@acme.example")];
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let visitor = User::visiting(&house.keydesk.console);
        statuses.push(visitor.post("/login/sso", &form).await.status);
    }
    assert!(statuses[0] == 200 && statuses[29] == 429, "{statuses:?}");
    house.keydesk.sql("DELETE FROM attempt").await;
    // Whoever has a second factor here is asked for it.
    let (app, _) = set_up_authenticator(&house.ann).await;
    let browser = User::visiting(&house.keydesk.console);
    let back = house.leave(&browser, &claims("ann@acme.example", &["guests"])).await;
    let page = browser.get(&back).await;
    assert!(page.status == 200 && page.text.contains("/login/two-factor"), "{}", page.text);
    let half = page.text.split("name=\"half\" value=\"").nth(1).expect("the second half");
    let half = half.split('"').next().expect("a value").to_owned();
    let code = app.code(1);
    let entered = browser.post("/login/two-factor", &[("half", &half), ("code", &code)]).await;
    assert_eq!(entered.status, 303, "{}", entered.text);
    assert_eq!(browser.get("/sso").await.status, 200, "an owner stays one");
}

/// An ID token that was issued at another time is of another log-in, or of a provider whose clock cannot be believed.
#[tokio::test]
async fn an_id_token_of_another_time_lets_nobody_in() {
    for (clock, lets_in) in [("+2m", true), ("+365d", false)] {
        let mut house = House::with(Some(clock), "client_secret_basic").await;
        house.set().await;
        house.confirm().await;
        let cleo = User::visiting(&house.keydesk.console);
        let back = house.leave(&cleo, &claims("cleo@acme.example", &[])).await;
        let arrived = cleo.get(&back).await;
        assert_eq!(arrived.status == 303, lets_in, "{clock}: {}", arrived.text);
    }
}

/// Whom an administrator has removed the provider does not bring back; an invitation does.
#[tokio::test]
async fn who_was_removed_does_not_come_back_by_single_sso() {
    let mut house = House::new().await;
    house.set().await;
    house.confirm().await;
    let who = claims("cleo@acme.example", &[]);
    let invited = [("email", "cleo@acme.example"), ("role", "administrator")];
    house.ann.post("/members/invitations", &invited).await;
    let invitation = house.ann.link_in_mail("/invitation/").await;
    let cleo = User::visiting(&house.keydesk.console);
    let back = house.leave(&cleo, &who).await;
    assert_eq!(cleo.get(&back).await.status, 303);
    let id = house.ann.member_id("Cleo").await;
    house.ann.post(&format!("/members/{id}/remove"), &[]).await;
    let again = User::visiting(&house.keydesk.console);
    let back = house.leave(&again, &who).await;
    let page = again.get(&back).await;
    assert!(page.status == 422 && page.text.contains("removed you"), "{}", page.text);
    assert_eq!(again.get(&invitation).await.status, 422, "joining has closed it");
    // Nor as another user with the same address.
    let moved = "UPDATE users SET email = 'cleo@evil.example', email_canonical = 'cleo@evil.example' \
        WHERE email = 'cleo@acme.example'";
    house.keydesk.sql(moved).await;
    let back = house.leave(&again, &who).await;
    assert_eq!(again.get(&back).await.status, 422);
    assert!(!house.ann.get("/members").await.text.contains("cleo@acme.example"));
}
