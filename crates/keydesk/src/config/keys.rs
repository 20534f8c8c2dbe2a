//! The keys of the configuration file: their types, and what they mean, for the environment, the JSON Schema, and the
//! reference in the guide.

use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The format of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Fraction,
    /// `true` or `false`.
    Flag,
    /// A list, separated by commas in the environment.
    List,
}

use Kind::{Flag, Fraction, List, Number, Text};

/// The sections that can occur several times.
pub(super) const REPEATED: [&str; 4] = ["upstreams", "introspection", "plan", "operation"];

/// Section, key, type, and meaning of each key, except for those of the command line.
#[rustfmt::skip]
pub(super) const KEYS: &[(&str, &str, Kind, &str)] = &[
    ("", "token_prefix", Text, "Prefix of new tokens, by default kd. Tokens with a previous prefix keep working."),
    ("", "trusted_proxies", List, "Addresses and networks of proxies whose X-Forwarded-For, X-Forwarded-Proto, and Forwarded headers count."),
    ("", "reserved_prefix", Text, "Path segment under an endpoint URL for Keydesk’s own endpoints, by default keydesk."),
    ("", "database_password_file", Text, "File with the password of the database user, instead of one in database_url."),
    ("", "ca_file", Text, "PEM file with certificate authorities of your own, for single sign-on, mail, and OpenAPI documents."),
    ("", "unlisted_operations", Text, "What operations without a rule require: everything (the default) the scope *, or any any token."),
    ("", "paths", Text, "How operation rules match paths: loose (the default) or exact."),
    ("", "method_override", Text, "What happens to X-HTTP-Method-Override and the like: pass (the default) or reject."),
    ("", "default_plan", Text, "Name of the [[plan]] of accounts without another one."),
    ("", "sign_up", Flag, "Whether anyone can sign up for an account after verifying an email address. By default false."),
    ("", "require_two_factor", Flag, "Whether all users need two-factor authentication. By default false."),
    ("", "keep_request_id", Flag, "Whether a request’s own X-Request-Id is kept. By default false."),
    ("", "provider_contact", Text, "Email address or URL for clients with problems, in responses of the gateway."),
    ("endpoints", "path", Flag, "Whether the URL names the account (https://host/385403/…). By default true."),
    ("endpoints", "token", Flag, "Whether the token determines the account (https://host/…). By default true."),
    ("limits", "max_body_bytes", Number, "Larger request bodies are rejected with 413."),
    ("limits", "max_header_bytes", Number, "Larger request headers are rejected with 431."),
    ("limits", "max_headers", Number, "More headers are rejected with 431; at most 256."),
    ("limits", "max_connections", Number, "Connections that are open at the same time; further ones wait."),
    ("limits", "max_connections_per_ip", Number, "Connections of an IPv4 address or an IPv6 /64; more are closed."),
    ("limits", "min_body_bytes_per_second", Number, "Least speed of a body in both directions while Keydesk waits for the client; 0 means none."),
    ("limits", "upstream_idle_timeout_seconds", Number, "How long an unused connection to an upstream stays open."),
    ("limits", "header_timeout_seconds", Number, "Time to receive the headers of a request."),
    ("limits", "idle_timeout_seconds", Number, "Longest single wait for the client within a body."),
    ("limits", "keep_alive_timeout_seconds", Number, "Time between two requests of a connection; must be longer than your load balancer’s."),
    ("limits", "connect_timeout_seconds", Number, "Time to connect to an upstream."),
    ("limits", "response_timeout_seconds", Number, "Time without progress before the response begins; then 408 or 504."),
    ("limits", "stream_idle_timeout_seconds", Number, "Time without a byte within a response."),
    ("limits", "drain_timeout_seconds", Number, "Time for requests in flight at shutdown."),
    ("limits", "shutdown_delay_seconds", Number, "Time after a signal to stop for which the node reports that it isn’t ready, but still serves."),
    ("limits", "half_close", Flag, "Whether a client that closes its sending side still gets its response. By default true."),
    ("mail", "server", Text, "URL of the mail server: smtps://host:465, or smtp://host:587 with STARTTLS."),
    ("mail", "from", Text, "Sender, such as Acme API <api@acme.example>."),
    ("mail", "user", Text, "User name at the mail server."),
    ("mail", "password_file", Text, "File with the password of the mail server."),
    ("upstreams", "prefix", Text, "Path prefix of the requests for this upstream; / for all others."),
    ("upstreams", "urls", List, "URLs of its servers."),
    ("upstreams", "credential_header", Text, "Header with Keydesk’s own credential for the upstream, by default Authorization."),
    ("upstreams", "credential_file", Text, "File with the value of that header, on one line."),
    ("upstreams", "ca_file", Text, "PEM file with the certificate authorities of the upstream, instead of the public ones."),
    ("upstreams", "health_check_path", Text, "Path that is requested every 5 seconds; a server that doesn’t return 2xx gets no requests."),
    ("upstreams", "host", Text, "Host header for the upstream: upstream, client, or a fixed name."),
    ("upstreams", "encoded_slash", Text, "What happens to %2F in a path: reject (the default) or keep."),
    ("upstreams", "empty_segments", Text, "What happens to // in a path: reject (the default) or keep."),
    ("upstreams", "double_encoding", Text, "What happens to %25 in a path: reject (the default) or keep."),
    ("upstreams", "non_utf8", Text, "What happens to bytes in a path that aren’t UTF-8: reject (the default) or keep."),
    ("upstreams", "via", Flag, "Whether Keydesk adds itself to the Via header. By default true."),
    ("upstreams", "strip_prefix", Flag, "Whether the upstream gets paths without the prefix. By default false."),
    ("upstreams", "openapi", Text, "OpenAPI document of this upstream: a file or a URL."),
    ("upstreams", "connect_timeout_seconds", Number, "Time to connect, instead of the one under limits."),
    ("upstreams", "response_timeout_seconds", Number, "Time without progress before the response begins, instead of the one under limits."),
    ("upstreams", "stream_idle_timeout_seconds", Number, "Time without a byte within a response, instead of the one under limits."),
    ("signature", "key_file", Text, "File with the shared key with which requests to upstreams are signed (HMAC-SHA256)."),
    ("tls", "certificate", Text, "PEM file with the certificate chain, leaf first. It is read again when it changes."),
    ("tls", "key", Text, "PEM file with the private key."),
    ("tls.acme", "domains", List, "Domains for which a certificate is obtained by ACME."),
    ("tls.acme", "contact", Text, "Email address for the certificate authority."),
    ("tls.acme", "directory", Text, "ACME directory, by default Let’s Encrypt."),
    ("tls.acme", "ca_file", Text, "PEM file with which the directory’s own certificate is verified."),
    ("observe", "status", Text, "Address of /livez, /readyz, /metrics, and /status. Off by default."),
    ("observe", "access_log", Text, "File of the access log in JSON lines; - is standard output. Off by default."),
    ("observe", "otlp", Text, "URL of an OTLP/HTTP receiver of spans. Off by default."),
    ("observe", "trace_ratio", Fraction, "Share of requests that are traced if the client doesn’t decide."),
    ("observe", "health_check_path", Text, "Path on the gateway’s port that returns 200 or 503 without a token. Off by default."),
    ("cluster", "name", Text, "Name of this node in receipts and /status, by default the host name."),
    ("cluster", "lease_seconds", Number, "How long a node may serve without news from the database; the same on all nodes. By default 5."),
    ("cluster", "on_disconnect", Text, "What a gateway does when its lease ends: fail_closed (the default) or fail_open."),
    ("cluster", "max_staleness_seconds", Number, "How long a node serves at most without the database, if it can at all."),
    ("cluster", "confirm_timeout_seconds", Number, "How long a response waits at most until all gateways have confirmed."),
    ("cluster", "peer", Text, "Address on which this node answers other nodes."),
    ("cluster", "peer_url", Text, "URL at which other nodes reach that address."),
    ("cluster", "peer_key_file", Text, "File with at least 32 random characters, the same on all nodes."),
    ("operation", "method", Text, "Method in capitals; * for every method."),
    ("operation", "path", Text, "Path with {parameters}; a trailing ** matches everything below."),
    ("operation", "scopes", List, "Scopes of which a token needs one."),
    ("operation", "rate_limit", Text, "Rate limit of the operation for each token, such as 10/s."),
    ("plan", "name", Text, "Name of the plan."),
    ("plan", "rate_limit", Text, "Rate limit of all tokens of an account together, such as 100/10s."),
    ("plan", "token_rate_limit", Text, "Rate limit of each token."),
    ("plan", "monthly_quota", Number, "Requests per calendar month, UTC."),
    ("plan", "mode", Text, "observe (the default) rejects nothing and lists what it would reject; enforce rejects."),
    ("expiry", "max_lifetime_days", Number, "Longest lifetime of new API tokens."),
    ("expiry", "required", Flag, "Whether new API tokens need an expiration date. By default false."),
    ("expiry", "default", Text, "Lifetime that the form for a new token begins with, such as 90d."),
    ("expiry", "mode", Text, "observe (the default) rejects nothing and records tokens outside the policy; enforce rejects."),
    ("management_keys", "max_lifetime_days", Number, "Longest lifetime of management keys."),
    ("request_log", "per_account", Number, "Number of requests in each part of an account’s log; 0 turns it off. By default 1000."),
    ("request_log", "retention_days", Number, "Days after which a request is deleted. By default 7."),
    ("audit", "file", Text, "File to which audit entries are appended as JSON lines."),
    ("audit", "syslog", Text, "Syslog server for audit entries, such as tls://log.example.com:6514."),
    ("outbound", "ports", List, "Ports that webhooks can use, by default 443 and 8443."),
    ("outbound", "allowed_networks", List, "Private networks that webhooks can reach, also by HTTP and on any port."),
    ("outbound", "proxy", Text, "Proxy for webhooks, to which Keydesk sends CONNECT with an address that it has checked."),
    ("secret_scanning", "github", Flag, "Whether GitHub can report leaked tokens. By default false."),
    ("secret_scanning", "github_keys_url", Text, "Where GitHub publishes its keys."),
    ("secret_scanning", "github_token_file", Text, "File with a GitHub token for requests to it."),
    ("secret_scanning", "gitlab_keys_url", Text, "Where GitLab publishes its keys."),
    ("secret_scanning", "gitlab_revocation_token_file", Text, "File with the token with which a self-managed GitLab revokes leaked tokens."),
    ("self_service", "rotate", Flag, "Whether a token can rotate itself. By default false, or true if rotate_path is set."),
    ("self_service", "revoke", Flag, "Whether a token can revoke itself. By default true."),
    ("self_service", "rotate_path", Text, "Another path for the rotation, for existing clients."),
    ("introspection", "client_id", Text, "Name of a service that can introspect tokens (RFC 7662)."),
    ("introspection", "client_secret_file", Text, "File with the service’s secret of at least 24 characters."),
    ("forward_auth", "trusted_proxies", List, "Proxies that may ask whether a request is valid (auth_request, forward_auth, ext_authz)."),
    ("forward_auth", "cache_seconds", Number, "How long a proxy can cache a response; at most a lease."),
    ("envoy", "listen", Text, "Address of Envoy’s external authorization (gRPC)."),
    ("envoy", "trusted_proxies", List, "Envoy instances whose requests are accepted."),
    ("cors", "origins", List, "Origins whose pages can send requests: scheme, host, and port; * for every origin."),
    ("cors", "methods", List, "Methods that they can use, by default all."),
    ("cors", "headers", List, "Headers that they can send, by default all."),
    ("cors", "exposed_headers", List, "Response headers that they can read, in addition to Keydesk’s own."),
    ("cors", "max_age_seconds", Number, "How long browsers cache a preflight."),
    ("cors", "accounts", Flag, "Whether an account’s administrators can set their own policy."),
    ("token_locations", "x_api_key", Flag, "Whether a token is accepted in X-Api-Key. By default false."),
    ("token_locations", "basic", Flag, "Whether a token is accepted as the user name of Basic authentication. By default false."),
    ("token_locations", "websocket_protocol", Flag, "Whether a browser’s WebSocket can send a token as subprotocol. By default false."),
];

/// The keys that are also options of the command line.
const OPTIONS: [(&str, &str); 9] = [
    ("data", "Folder for the database and the key file, by default keydesk-data."),
    ("console", "Address that the console listens on, or a list. By default 127.0.0.1:8080."),
    ("gateway", "Address that the gateway listens on, or a list. By default 127.0.0.1:8081."),
    ("public_console_url", "URL at which users reach the console."),
    ("public_gateway_url", "URL at which clients reach the gateway."),
    (
        "database_url",
        "Database: sqlite:FILE or postgres://…, by default a file in the data folder.",
    ),
    ("role", "Role of this node: all (the default), console, or gateway."),
    ("upstream", "URL of the API, by default the built-in sample API."),
    (
        "openapi",
        "OpenAPI document of the API: a file or a URL, by default /openapi.json of the upstream.",
    ),
];

fn schema_of(kind: Kind, about: &str) -> Value {
    match kind {
        Text => json!({ "type": "string", "description": about }),
        Number => json!({ "type": "integer", "minimum": 0, "description": about }),
        Fraction => json!({ "type": "number", "description": about }),
        Flag => json!({ "type": "boolean", "description": about }),
        List => json!({
            "type": "array", "items": { "type": ["string", "integer"] }, "description": about
        }),
    }
}

fn table_of(properties: &Map<String, Value>) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// Returns the properties of a table within others, and adds the table if it isn't there yet.
fn table_in<'a>(properties: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let is_repeated = REPEATED.contains(&name);
    let table = properties.entry(name).or_insert_with(|| {
        let table = table_of(&Map::new());
        if is_repeated { json!({ "type": "array", "items": table }) } else { table }
    });
    let table = if is_repeated { &mut table["items"] } else { table };
    table["properties"].as_object_mut().expect("a table has properties")
}

/// Returns the JSON Schema of the configuration file, with which editors complete and check it.
pub fn schema() -> Value {
    let mut root = Map::new();
    for (key, about) in OPTIONS {
        let mut schema = schema_of(Text, about);
        if ["console", "gateway"].contains(&key) {
            schema["type"] = json!(["string", "array"]);
            schema["items"] = json!({ "type": "string" });
        }
        root.insert(key.to_owned(), schema);
    }
    for (section, key, kind, about) in KEYS {
        let names = section.split('.').filter(|name| !name.is_empty());
        let table = names.fold(&mut root, |table, name| table_in(table, name));
        table.insert((*key).to_owned(), schema_of(*kind, about));
    }
    let mut schema = table_of(&root);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Keydesk configuration (keydesk.toml)".into();
    schema
}

/// Returns the reference of all keys as Markdown.
pub fn reference() -> String {
    let mut out = String::from(
        "# Configuration reference\n\nAll keys of the configuration file, as `keydesk config reference` prints them. \
         [Configuration](configuration.md) explains\nhow to use them. `keydesk config schema` prints a JSON Schema, with \
         which editors complete and check the file.\n\nEach key has an environment variable: `limits.max_headers` is \
         `KEYDESK_LIMITS_MAX_HEADERS`, and the first `[[upstreams]]` has\n`KEYDESK_UPSTREAMS_0_PREFIX`. With `_FILE` \
         appended, the variable names a file with the value.\n",
    );
    let row = |out: &mut String, key: &str, kind: &str, about: &str| {
        let _ = writeln!(out, "| `{key}` | {kind} | {about} |");
    };
    let head = "| Key | Type | Meaning |\n|---|---|---|\n";
    let _ = write!(out, "\n## Top level\n\n{head}");
    for (key, about) in OPTIONS {
        row(&mut out, key, "text", about);
    }
    let mut section = "";
    for (of, key, kind, about) in KEYS {
        if *of != section {
            section = of;
            let brackets = if REPEATED.contains(of) { ("[[", "]]") } else { ("[", "]") };
            let _ = write!(out, "\n## `{}{of}{}`\n\n{head}", brackets.0, brackets.1);
        }
        let kind = match kind {
            Text => "text",
            Number => "number",
            Fraction => "fraction",
            Flag => "true or false",
            List => "list",
        };
        row(&mut out, key, kind, &about.replace('|', "\\|").replace('*', "\\*"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_in_the_guide_is_that_of_the_code() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/configuration-reference.md");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == reference(), "run: keydesk config reference > {path}");
    }

    #[test]
    fn the_schema_has_every_key_where_it_belongs() {
        let schema = schema();
        let properties = &schema["properties"];
        assert_eq!(properties["limits"]["properties"]["max_headers"]["type"], "integer");
        assert_eq!(properties["upstreams"]["items"]["properties"]["urls"]["type"], "array");
        assert_eq!(
            properties["tls"]["properties"]["acme"]["properties"]["contact"]["type"],
            "string"
        );
        assert_eq!(properties["sign_up"]["type"], "boolean");
        let count = |value: &Value| value.to_string().matches("\"description\"").count();
        assert_eq!(count(&schema), KEYS.len() + OPTIONS.len());
    }
}
