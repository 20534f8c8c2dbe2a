//! An authenticator app that has scanned the key of a page.

use super::User;
use data_encoding::BASE32_NOPAD;
use totp_rs::Builder;

pub struct Authenticator(Vec<u8>);

impl Authenticator {
    pub fn scan(page: &str) -> Self {
        let typed =
            page.split("class=\"qr\"").nth(1).and_then(|rest| rest.split("class=\"mono\">").nth(1));
        let typed = typed.and_then(|rest| rest.split('<').next()).expect("a key");
        Self(BASE32_NOPAD.decode(typed.replace(' ', "").as_bytes()).expect("base32"))
    }

    /// The code of the step that is `later` than the current one. The one after next is good for half a minute at
    /// least, however slowly the test goes on.
    pub fn code(&self, later: u64) -> String {
        let totp = Builder::new().with_secret(self.0.clone()).build().expect("a key");
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        totp.generate(now + 30 * later).to_string()
    }
}

/// Sets one up, and returns it with the recovery codes.
pub async fn set_up_authenticator(user: &User) -> (Authenticator, Vec<String>) {
    user.post("/two-factor/begin", &[]).await;
    let authenticator = Authenticator::scan(&user.get("/two-factor").await.text);
    let shown = user.post("/two-factor/confirm", &[("code", &authenticator.code(0))]).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let codes = shown.text.split("<li>").skip(1).filter_map(|rest| rest.split('<').next());
    (authenticator, codes.map(|code| code.trim().to_owned()).collect())
}
