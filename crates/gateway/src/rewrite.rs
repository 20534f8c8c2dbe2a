//! The rewriting of locations in responses: a URL or path of the upstream becomes the one that the client knows, like
//! nginx's `proxy_redirect` and `proxy_cookie_path`. Other addresses stay unchanged.

use crate::{
    settings::Settings,
    upstream::{Route, Routes},
};
use keydesk_model::AccountNumber;

/// The upstream and endpoint URL of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rewriter<'a> {
    pub route: &'a Route,
    pub routes: &'a Routes,
    pub settings: &'a Settings,
    /// The account in the path's first segment, or `None` in the token form.
    pub account: Option<AccountNumber>,
    /// The host by which the client addressed the gateway.
    pub client_host: &'a str,
}

/// The parts of a URL.
struct Parts<'a> {
    /// The origin, with its scheme if it has one: `http://10.0.0.1:3000`, `//10.0.0.1`.
    origin: &'a str,
    authority: &'a str,
    /// The path, query, and fragment.
    path: &'a str,
}

impl Rewriter<'_> {
    /// Rewrites `Location` and `Content-Location` (RFC 9110 sections 10.2.2 and 8.7). The result has no host, because
    /// the one that the client used is correct, and a client that follows keeps its token. Returns `None` if the value
    /// stays unchanged.
    pub fn location(&self, value: &[u8]) -> Option<String> {
        self.path_at_endpoint(text_of(value)?)
    }

    /// Rewrites `Link` (RFC 8288), in which a client may expect absolute URLs, and `Refresh`.
    pub fn link(&self, value: &[u8]) -> Option<String> {
        let value = text_of(value)?;
        if !value.starts_with('<') {
            let at = value.to_ascii_lowercase().find("url=")? + "url=".len();
            let url = value[at..].trim_matches(['"', '\'', ' ']);
            return Some(format!("{}{}", &value[..at], self.path_at_endpoint(url)?));
        }
        let (mut out, mut rest, mut has_changed) = (String::new(), value, false);
        while let Some((before, after)) = rest.split_once('<') {
            let (url, behind) = after.split_once('>')?;
            let path = self.path_at_endpoint(url);
            has_changed |= path.is_some();
            out.push_str(before);
            out.push('<');
            match path {
                Some(path) if path.starts_with('/') && !split(url).origin.is_empty() => {
                    out.push_str(&self.origin());
                    out.push_str(&path);
                }
                Some(path) => out.push_str(&path),
                None => out.push_str(url),
            }
            out.push('>');
            rest = behind;
        }
        out.push_str(rest);
        has_changed.then_some(out)
    }

    /// Rewrites the `Path` of `Set-Cookie` (RFC 6265 section 4.1.2.4), and removes a `Domain` that is the upstream's
    /// server.
    pub fn cookie(&self, value: &[u8]) -> Option<Vec<u8>> {
        // Such a cookie must be for the whole host.
        if value.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"__Host-")) {
            return None;
        }
        let mut has_changed = false;
        let attributes = value.split(|byte| *byte == b';').enumerate();
        let kept: Vec<Vec<u8>> = attributes
            .filter_map(|(at, attribute)| {
                let text = if at == 0 { "" } else { std::str::from_utf8(attribute).unwrap_or("") };
                let (name, old) = text.split_once('=').unwrap_or((text, ""));
                if name.trim().eq_ignore_ascii_case("domain") && self.route.is_server(old.trim()) {
                    has_changed = true;
                    return None;
                }
                let is_path = name.trim().eq_ignore_ascii_case("path");
                match is_path.then(|| self.cookie_path(old.trim())).flatten() {
                    Some(path) => {
                        has_changed = true;
                        Some(format!(" Path={path}").into_bytes())
                    }
                    None => Some(attribute.to_vec()),
                }
            })
            .collect();
        has_changed.then(|| kept.join(&b";"[..]))
    }

    fn cookie_path(&self, path: &str) -> Option<String> {
        let base = self.route.base_path.as_str();
        let stripped = self.route.stripped.as_str();
        let is_plain = self.account.is_none() && base.is_empty() && stripped.is_empty();
        if is_plain || self.without_prefix(self.route, path).is_some() {
            return None;
        }
        let is_above = path == "/" || below(base, path.trim_end_matches('/')).is_some();
        let rest = if is_above { "" } else { below(path, base)? };
        let at_endpoint = format!("{}{stripped}{rest}", self.prefix());
        Some(if at_endpoint.is_empty() { "/".to_owned() } else { at_endpoint })
    }

    /// Returns the path prefix: `/385403`, or nothing in the token form.
    fn prefix(&self) -> String {
        self.account.map_or(String::new(), |account| format!("/{account}"))
    }

    /// Returns the scheme and host by which the client addressed the gateway.
    fn origin(&self) -> String {
        let public = &self.settings.public_url;
        if self.settings.has_own_name || self.client_host.is_empty() {
            return public.clone();
        }
        let scheme = if public.starts_with("https:") { "https" } else { "http" };
        format!("{scheme}://{}", self.client_host)
    }

    /// Returns the gateway's path for a URL of the upstream.
    fn path_at_endpoint(&self, url: &str) -> Option<String> {
        let Parts { origin, authority, path } = split(url);
        if origin.is_empty() {
            return if path.starts_with('/') { self.at_endpoint(self.route, path) } else { None };
        }
        if self.route.is_at(authority) || self.is_public(authority) {
            let found = self.at_endpoint(self.route, path);
            if found.is_some() || self.is_public(authority) {
                return found;
            }
        }
        let others = self.routes.iter().filter(|route| route.is_at(authority));
        others.map(|route| &**route).find_map(|route| {
            let rest = below(path, &route.base_path)?;
            let at_gateway = format!("{}{rest}", route.stripped);
            let found = self.routes.find(only_path(&at_gateway));
            let is_its = found.is_some_and(|own| own.number == route.number);
            if is_its { self.at_endpoint(route, path) } else { None }
        })
    }

    /// Adds the account to a path, unless an upstream that uses `X-Forwarded-Prefix` has already done so.
    fn at_endpoint(&self, route: &Route, path: &str) -> Option<String> {
        let inner = self.without_prefix(route, path).unwrap_or(path);
        let rest = below(inner, &route.base_path)?;
        let at_endpoint = format!("{}{}{}", self.prefix(), route.stripped, with_slash(rest));
        // Two leading slashes name a host, and browsers read a backslash as a slash.
        let names_host = at_endpoint[1..].starts_with(['/', '\\']);
        Some(if names_host { format!("{}{at_endpoint}", self.origin()) } else { at_endpoint })
    }

    fn without_prefix<'p>(&self, route: &Route, path: &'p str) -> Option<&'p str> {
        let prefix = format!("{}{}", self.prefix(), route.stripped);
        if prefix.is_empty() { None } else { below(path, &prefix) }
    }

    fn is_public(&self, authority: &str) -> bool {
        let own = self.settings.public_url.split("://").nth(1).unwrap_or_default();
        authority.eq_ignore_ascii_case(self.client_host) || authority.eq_ignore_ascii_case(own)
    }
}

/// Returns the value as text. Browsers drop tabs and line ends from URLs and then read another one, so a value with
/// some stays unchanged.
fn text_of(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|text| !text.bytes().any(|b| b.is_ascii_control()))
}

fn split(url: &str) -> Parts<'_> {
    let start = if url.starts_with("//") {
        2
    } else {
        match url.find("://") {
            Some(at) if url[..at].bytes().all(|b| b.is_ascii_alphabetic()) => at + 3,
            _ => return Parts { origin: "", authority: "", path: url },
        }
    };
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    Parts { origin: &url[..end], authority: &url[start..end], path: &url[end..] }
}

/// Returns the part of a path after a base, by whole segments.
fn below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(base)?;
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
}

fn only_path(rest: &str) -> &str {
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() { "/" } else { path }
}

fn with_slash(rest: &str) -> String {
    if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UpstreamSettings, upstream::make_routes};
    use std::sync::Arc;

    struct Case {
        routes: Routes,
        settings: Settings,
    }

    impl Case {
        fn new(upstreams: &[(&str, &str)]) -> Self {
            let upstreams: Vec<_> = upstreams
                .iter()
                .map(|(prefix, url)| UpstreamSettings {
                    prefix: (*prefix).to_owned(),
                    ..UpstreamSettings::single(url.parse().expect("a URL"))
                })
                .collect();
            let metrics: Vec<_> = upstreams.iter().map(|_| Arc::default()).collect();
            let settings = Settings::in_front_of(upstreams, "http://gateway", "http://console");
            let routes = make_routes(&settings, &metrics).expect("is valid");
            Self { routes, settings }
        }

        fn on<T>(&self, path: &str, account: bool, read: impl FnOnce(Rewriter) -> T) -> T {
            let account = account.then(|| "385403".parse().expect("a number"));
            let route = self.routes.find(path).expect("a route");
            let (routes, settings) = (&self.routes, &self.settings);
            let client_host = "api.example.com";
            read(Rewriter { route, routes, settings, account, client_host })
        }
    }

    #[test]
    fn a_location_leads_back_through_the_endpoint() {
        let case = Case::new(&[("/", "http://10.0.0.1:3000"), ("/billing", "http://bill:4000/v2")]);
        for (path, location, at_endpoint) in [
            ("/a", "http://10.0.0.1:3000/v1/orders/", "/385403/v1/orders/"),
            ("/a", "https://10.0.0.1:3000/v1/orders/?a=b#c", "/385403/v1/orders/?a=b#c"),
            ("/a", "//10.0.0.1:3000/x", "/385403/x"),
            ("/a", "http://10.0.0.1:3000", "/385403/"),
            ("/a", "http://10.0.0.1:3000?x", "/385403/?x"),
            ("/a", "/v1/orders/", "/385403/v1/orders/"),
            ("/a", "/385403/v1/orders/", "/385403/v1/orders/"),
            ("/a", "http://api.example.com/v1/orders/", "/385403/v1/orders/"),
            ("/a", "https://API.example.com/385403/v1/", "/385403/v1/"),
            ("/a", "http://bill:4000/v2/billing/7", "/385403/billing/7"),
            ("/billing", "http://bill:4000/v2/billing/7", "/385403/billing/7"),
            ("/billing", "/v2/billing/7", "/385403/billing/7"),
            ("/billing", "/v2", "/385403/"),
            ("/billing", "/385403/v2/billing/7", "/385403/billing/7"),
        ] {
            let found = case.on(path, true, |rewriter| rewriter.location(location.as_bytes()));
            assert_eq!(found.as_deref(), Some(at_endpoint), "{path}: {location}");
        }
        for (path, location) in [
            ("/a", "https://login.example.org/authorize?next=http://10.0.0.1:3000/x"),
            ("/a", "http://10.0.0.1:3001/x"),
            ("/a", "../x"),
            ("/a", "?page=2"),
            ("/a", "mailto:a@b.example"),
            ("/a", "http://bill:4000/v2/x"),
            ("/billing", "/login"),
            ("/billing", "/v22/x"),
        ] {
            let found = case.on(path, true, |rewriter| rewriter.location(location.as_bytes()));
            assert_eq!(found, None, "{path}: {location}");
        }
        let bare = |location: &str| case.on("/a", false, |rw| rw.location(location.as_bytes()));
        assert_eq!(bare("http://10.0.0.1:3000/x").as_deref(), Some("/x"));
        // A path that begins with two slashes does not become a host.
        for path in ["//evil.example/x", "/\\evil.example/x"] {
            let found = bare(&format!("http://10.0.0.1:3000{path}"));
            assert_eq!(found, Some(format!("http://api.example.com{path}")));
        }
        assert_eq!(bare("//evil.example/x"), None);
        assert_eq!(bare("http://10.0.0.1:3000/\t/evil.example/x"), None);
    }

    #[test]
    fn ports_that_go_without_saying_are_the_same() {
        let case = Case::new(&[("/", "http://api.internal")]);
        for location in ["http://api.internal:80/x", "http://API.internal/x"] {
            let found = case.on("/a", true, |rewriter| rewriter.location(location.as_bytes()));
            assert_eq!(found.as_deref(), Some("/385403/x"), "{location}");
        }
    }

    #[test]
    fn every_url_in_a_link_is_looked_at() {
        let case = Case::new(&[("/", "http://10.0.0.1:3000")]);
        let link = |value: &str| case.on("/a", true, |rewriter| rewriter.link(value.as_bytes()));
        assert_eq!(
            link("<http://10.0.0.1:3000/a?page=2>; rel=\"next\", </a?page=9>; rel=\"last\"")
                .as_deref(),
            Some(
                "<http://api.example.com/385403/a?page=2>; rel=\"next\", </385403/a?page=9>; rel=\"last\""
            )
        );
        assert_eq!(link("<https://example.org/terms>; rel=license"), None);
        assert_eq!(link("<unfinished"), None);
        assert_eq!(link("5; URL='http://10.0.0.1:3000/b'").as_deref(), Some("5; URL=/385403/b"));
    }

    #[test]
    fn a_cookies_path_is_the_endpoints() {
        let case = Case::new(&[("/", "http://10.0.0.1:3000/base")]);
        for (cookie, at_endpoint) in [
            ("a=b; Path=/", Some("a=b; Path=/385403")),
            ("a=b; path=/base; HttpOnly", Some("a=b; Path=/385403; HttpOnly")),
            ("a=b; Path=/base/v1/; Secure", Some("a=b; Path=/385403/v1/; Secure")),
            ("a=b; Domain=10.0.0.1; Path=/", Some("a=b; Path=/385403")),
            ("a=b; Domain=example.com", None),
            ("a=b; Path=/385403/v1", None),
            ("a=b; Path=/other", None),
            ("__Host-a=b; Path=/; Secure", None),
            ("__host-a=b; Path=/; Secure", None),
            ("Path=/; HttpOnly", None),
            ("a=b", None),
        ] {
            let found = case.on("/a", true, |rewriter| rewriter.cookie(cookie.as_bytes()));
            let found = found.map(|found| String::from_utf8(found).expect("is text"));
            assert_eq!(found.as_deref(), at_endpoint, "{cookie}");
        }
    }
}
