//! The display name of a client from its user agent, such as `python-requests` or `Firefox on Linux`.

use crate::period_use::OTHER;
use keydesk_token::PlainToken;
use std::borrow::Cow;

const LONGEST: usize = 60;
const UNNAMED: &str = "an unnamed client";

/// Returns the first product's name without its version, or browser and system for user agents that start with
/// Mozilla. The result is printable, has at most 60 characters, and never contains a token that was sent by mistake.
pub fn client_of(user_agent: Option<&str>) -> Cow<'_, str> {
    let Some(agent) = user_agent.map(str::trim).filter(|agent| !agent.is_empty()) else {
        return Cow::Borrowed(UNNAMED);
    };
    if agent.starts_with("Mozilla/") {
        return Cow::Owned(browser(agent));
    }
    let name = agent.split(['/', ' ', '(', ';']).next().unwrap_or_default();
    let presentable =
        !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|b| b.is_ascii_graphic());
    if presentable && name != OTHER && !PlainToken::is_within(name.as_bytes()) {
        Cow::Borrowed(name)
    } else {
        Cow::Borrowed(UNNAMED)
    }
}

/// Returns the name in a user agent such as `crm-sync/2.1`, as clients are shown, so that a search for it finds them.
/// Other texts, such as paths, remain.
pub fn without_version(text: &str) -> &str {
    match text.split_once('/') {
        Some((name, version))
            if !name.is_empty()
                && !name.contains(' ')
                && version.starts_with(|first: char| first.is_ascii_digit()) =>
        {
            name
        }
        _ => text,
    }
}

fn browser(agent: &str) -> String {
    // Order matters: Edge and Opera also contain "Chrome", and Chrome also contains "Safari".
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |list: &[(&str, &'static str)]| {
        list.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("a browser on {system}"),
        (None, None) => "a browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keydesk_token::{Entropy, Kind, Prefix};

    #[test]
    fn a_user_agent_is_searched_by_its_name() {
        for (text, searched) in [
            ("crm-sync/2.1", "crm-sync"),
            ("python-requests/2.32.5 (linux)", "python-requests"),
            ("crm-sync", "crm-sync"),
            ("/contacts/7", "/contacts/7"),
            ("GET /contacts/7", "GET /contacts/7"),
            ("api/v1", "api/v1"),
            ("", ""),
        ] {
            assert_eq!(without_version(text), searched);
        }
    }

    #[test]
    fn clients_are_known_by_their_first_product() {
        for (agent, name) in [
            ("python-requests/2.31.0", "python-requests"),
            ("okhttp", "okhttp"),
            ("n8n (1.2; linux)", "n8n"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            ("*/1", UNNAMED),
            ("", UNNAMED),
            ("\u{1b}[31m", UNNAMED),
        ] {
            assert_eq!(client_of(Some(agent)), name, "{agent}");
        }
    }

    #[test]
    fn a_token_in_the_user_agent_is_not_remembered() {
        let token = PlainToken::generate(&Prefix::default(), Kind::Account, &Entropy::seeded(1));
        for around in ["", "token=", "x-"] {
            assert_eq!(client_of(Some(&[around, token.expose()].concat())), UNNAMED, "{around}");
        }
        let long = [token.expose(), "behind"].concat();
        assert_eq!(client_of(Some(&long)), UNNAMED);
    }
}
