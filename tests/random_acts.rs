//! Random acts of people, held against a small model of which tokens and which sessions live; on both back
//! ends.

use crate::support::{Keydesk, Options, PASSWORD, User, postgres::Postgres};
use keydesk_token::Entropy;
use std::fmt::Write;

const PEOPLE: [&str; 3] = ["ann@acme.example", "bob@acme.example", "eve@acme.example"];
const OPERATOR: &str = "otto@vendor.example";
const STEPS: usize = 70;

#[derive(Clone, Copy, Debug)]
enum Act {
    LogIn,
    LogOut,
    LogOutAll,
    ChangePassword,
    RotateBearer,
    CreateApiToken,
    RotateApiToken,
    RevokeApiToken,
    LogOutMember,
    MakeViewer,
    MakeDeveloper,
    Remove,
    Invite,
    Suspend,
    Restore,
}

const ACTS: [Act; 15] = [
    Act::LogIn,
    Act::LogOut,
    Act::LogOutAll,
    Act::ChangePassword,
    Act::RotateBearer,
    Act::CreateApiToken,
    Act::RotateApiToken,
    Act::RevokeApiToken,
    Act::LogOutMember,
    Act::MakeViewer,
    Act::MakeDeveloper,
    Act::Remove,
    Act::Invite,
    Act::Suspend,
    Act::Restore,
];

/// The model: what lives.
#[derive(Default)]
struct Model {
    is_suspended: bool,
    /// By user: whether they belong to the account, whether they may use the API, how often their password
    /// was changed.
    members: [Member; 3],
    tokens: Vec<Token>,
    sessions: Vec<Session>,
}

#[derive(Clone, Copy, Default)]
struct Member {
    belongs: bool,
    is_viewer: bool,
    passwords: usize,
}

struct Token {
    plain: String,
    /// None: an API token of this name.
    bearer_of: Option<usize>,
    name: String,
    lives: bool,
}

struct Session {
    user: usize,
    browser: User,
    lives: bool,
}

impl Model {
    fn end_bearer(&mut self, user: usize) {
        let own = self.tokens.iter_mut().filter(|token| token.bearer_of == Some(user));
        own.for_each(|token| token.lives = false);
    }

    fn end_sessions(&mut self, user: usize, except: Option<usize>) {
        let own = self.sessions.iter_mut().enumerate();
        let own = own.filter(|(at, session)| session.user == user && Some(*at) != except);
        own.for_each(|(_, session)| session.lives = false);
    }

    fn expected(&self, token: &Token) -> u16 {
        match (token.lives, self.is_suspended) {
            (false, _) => 401,
            (true, true) => 403,
            (true, false) => 200,
        }
    }
}

struct World {
    keydesk: Keydesk,
    entropy: Entropy,
    model: Model,
    otto: User,
    number: String,
    endpoint: String,
    history: String,
}

fn password(times: usize) -> String {
    if times == 0 { PASSWORD.to_owned() } else { format!("{PASSWORD} {times}") }
}

impl World {
    async fn new(config: String, seed: u64) -> Self {
        let mut keydesk = Keydesk::start_with(&Options { config, ..Options::default() });
        let ann = keydesk.with_account().await;
        let args = ["operator", "create", "--email", OPERATOR, "--password-stdin"];
        let args = [&["--config", "keydesk.toml"][..], &args].concat();
        let created = keydesk.run(&args, PASSWORD);
        assert!(created.status.success(), "{created:?}");
        let otto = User::logged_in(&keydesk.console, OPERATOR, PASSWORD).await;
        let endpoint = ann.endpoint_url().await;
        let number = endpoint.rsplit('/').next().expect("a number").to_owned();
        let mut model = Model::default();
        model.members[0].belongs = true;
        model.sessions.push(Session { user: 0, browser: ann, lives: true });
        let (entropy, history) = (Entropy::seeded(seed), format!("seed {seed}"));
        let mut world = Self { keydesk, entropy, model, otto, number, endpoint, history };
        world.note_bearer(0).await;
        world
    }

    fn draw(&self, count: usize) -> usize {
        let drawn = u32::from_le_bytes(self.entropy.bytes());
        usize::try_from(drawn).expect("fits") % count.max(1)
    }

    fn find_session(&self, user: usize) -> Option<usize> {
        self.model.sessions.iter().position(|session| session.user == user && session.lives)
    }

    async fn log_in(&mut self, user: usize) -> usize {
        let password = password(self.model.members[user].passwords);
        let browser = User::logged_in(&self.keydesk.console, PEOPLE[user], &password).await;
        self.model.sessions.push(Session { user, browser, lives: true });
        self.model.sessions.len() - 1
    }

    async fn session(&mut self, user: usize) -> usize {
        match self.find_session(user) {
            Some(at) => at,
            None => self.log_in(user).await,
        }
    }

    async fn post(&mut self, user: usize, path: &str, form: &[(&str, &str)]) -> u16 {
        let at = self.session(user).await;
        self.model.sessions[at].browser.post(path, form).await.status
    }

    /// The bearer token that stands on the page, where there is one.
    async fn note_bearer(&mut self, user: usize) {
        let member = self.model.members[user];
        if !member.belongs || member.is_viewer {
            return;
        }
        let at = self.session(user).await;
        let plain = self.model.sessions[at].browser.bearer_token().await;
        if self.model.tokens.iter().all(|token| token.plain != plain) {
            let name = String::new();
            self.model.tokens.push(Token { plain, bearer_of: Some(user), name, lives: true });
        }
    }

    async fn act(&mut self, act: Act, user: usize) {
        let is_member = self.model.members[user].belongs;
        match act {
            Act::LogIn if is_member => {
                self.log_in(user).await;
            }
            Act::LogOut | Act::LogOutAll | Act::ChangePassword if is_member => {
                self.own_act(act, user).await;
            }
            Act::RotateBearer if is_member && !self.model.members[user].is_viewer => {
                self.post(user, "/api-docs/rotate", &[]).await;
                self.model.end_bearer(user);
            }
            Act::CreateApiToken | Act::RotateApiToken | Act::RevokeApiToken => {
                self.api_act(act).await;
            }
            Act::LogOutMember | Act::MakeViewer | Act::MakeDeveloper | Act::Remove
                if is_member && user != 0 =>
            {
                self.act_on(act, user).await;
            }
            Act::Invite if !is_member => self.invite(user).await,
            Act::Suspend | Act::Restore => {
                let is_suspended = matches!(act, Act::Suspend);
                let verb = if is_suspended { "suspend" } else { "restore" };
                self.otto.post(&format!("/operator/accounts/{}/{verb}", self.number), &[]).await;
                self.model.is_suspended = is_suspended;
            }
            _ => return,
        }
        let _ = write!(self.history, ", {act:?} {user}");
        for user in 0..PEOPLE.len() {
            self.note_bearer(user).await;
        }
    }

    async fn own_act(&mut self, act: Act, user: usize) {
        let at = self.session(user).await;
        let times = self.model.members[user].passwords;
        match act {
            Act::LogOut => {
                self.post(user, "/logout", &[]).await;
                self.model.sessions[at].lives = false;
            }
            Act::LogOutAll => {
                self.post(user, "/sessions/log-out-all", &[]).await;
                self.model.end_sessions(user, None);
                self.model.end_bearer(user);
            }
            _ => {
                let (old, new) = (password(times), password(times + 1));
                let form = [("current_password", old.as_str()), ("new_password", new.as_str())];
                assert_eq!(self.post(user, "/profile/password", &form).await, 303);
                self.model.members[user].passwords += 1;
                self.model.end_sessions(user, Some(at));
                self.model.end_bearer(user);
            }
        }
    }

    async fn api_act(&mut self, act: Act) {
        let at = self.session(0).await;
        let api = self.model.tokens.iter().enumerate();
        let live: Vec<_> = api
            .filter(|(_, token)| token.bearer_of.is_none() && token.lives)
            .map(|(at, _)| at)
            .collect();
        if matches!(act, Act::CreateApiToken) {
            let name = format!("API {}", self.model.tokens.len());
            let plain = self.model.sessions[at].browser.create_token(&name, "never").await;
            self.model.tokens.push(Token { plain, bearer_of: None, name, lives: true });
        } else if !live.is_empty() {
            let chosen = live[self.draw(live.len())];
            let name = self.model.tokens[chosen].name.clone();
            let browser = &self.model.sessions[at].browser;
            let verb = if matches!(act, Act::RevokeApiToken) { "revoke" } else { "rotate" };
            let path = format!("/tokens/{}/{verb}", browser.token_id(&name).await);
            let page = browser.post(&path, &[]).await;
            self.model.tokens[chosen].lives = false;
            if verb == "rotate" {
                let plain = page.value("new-token");
                self.model.tokens.push(Token { plain, bearer_of: None, name, lives: true });
            }
        }
    }

    /// What an owner does to a member.
    async fn act_on(&mut self, act: Act, user: usize) {
        let name = PEOPLE[user].split('@').next().expect("a name");
        let at = self.session(0).await;
        let id = self.model.sessions[at].browser.member_id(name).await;
        let path = |verb: &str| format!("/members/{id}/{verb}");
        match act {
            Act::LogOutMember => {
                self.post(0, &path("log-out"), &[]).await;
                self.model.end_sessions(user, None);
                self.model.end_bearer(user);
            }
            Act::Remove => {
                self.post(0, &path("remove"), &[]).await;
                self.model.end_sessions(user, None);
                self.model.end_bearer(user);
                self.model.members[user].belongs = false;
            }
            _ => {
                let is_viewer = matches!(act, Act::MakeViewer);
                let role = if is_viewer { "viewer" } else { "developer" };
                self.post(0, &path("role"), &[("role", role)]).await;
                self.model.members[user].is_viewer = is_viewer;
                if is_viewer {
                    self.model.end_bearer(user);
                }
            }
        }
    }

    async fn invite(&mut self, user: usize) {
        let form = [("email", PEOPLE[user]), ("role", "developer")];
        self.post(0, "/members/invitations", &form).await;
        let browser = User::visiting(&self.keydesk.console);
        let link = browser.link_in_mail("/invitation/").await;
        let password = password(self.model.members[user].passwords);
        let page = browser.post(&link, &[("password", password.as_str())]).await;
        assert_eq!(page.status, 303, "{}: {}", self.history, page.text);
        self.model.members[user] =
            Member { belongs: true, is_viewer: false, ..self.model.members[user] };
        self.model.sessions.push(Session { user, browser, lives: true });
    }

    /// Every token and every session that there ever was.
    async fn check(&self) {
        let url = format!("{}/api/v1/contacts", self.endpoint);
        for token in &self.model.tokens {
            let answer = crate::limits::send("GET", &url, &token.plain, "app").await;
            let expected = self.model.expected(token);
            let whose = token.bearer_of.map_or(token.name.as_str(), |user| PEOPLE[user]);
            assert_eq!(answer.status, expected, "{whose}: {} after {}", answer.body, self.history);
        }
        for session in &self.model.sessions {
            let status = session.browser.get("/sessions").await.status;
            let expected = if session.lives { 200 } else { 303 };
            assert_eq!(status, expected, "{} after {}", PEOPLE[session.user], self.history);
        }
    }
}

async fn live_through(config: String, seed: u64) {
    let mut world = World::new(config, seed).await;
    for _ in 0..STEPS {
        let act = ACTS[world.draw(ACTS.len())];
        let user = world.draw(PEOPLE.len());
        world.act(act, user).await;
        world.check().await;
    }
    let verified = world.keydesk.run(&["--config", "keydesk.toml", "audit", "verify"], "");
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_acts_end_what_the_model_says_on_sqlite() {
    for seed in [1, 2] {
        live_through(String::new(), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_acts_end_what_the_model_says_on_postgresql() {
    let server = Postgres::shared();
    for seed in [3, 4] {
        let store = server.url(&server.new_database());
        live_through(format!("database_url = \"{store}\"\n"), seed).await;
    }
}
