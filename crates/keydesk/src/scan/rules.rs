//! Rules with which other scanners find tokens, and what an operator sends to GitHub and GitLab.

use clap::ValueEnum;
use keydesk_token::Prefix;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scanner or service to print for
    #[arg(long = "for", value_enum, value_name = "SCANNER")]
    target: Target,
    /// Token prefix of the Keydesk instance
    #[arg(long, default_value = "kd")]
    prefix: Prefix,
    /// Endpoint URL that betterleaks and Kingfisher use to check which tokens work
    #[arg(long, value_name = "URL", value_parser = url)]
    endpoint: Option<String>,
    /// Console URL that GitHub or GitLab sends reports to
    #[arg(
        long,
        value_name = "URL",
        value_parser = url,
        required_if_eq_any = [("target", "github"), ("target", "gitlab")]
    )]
    console: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    Gitleaks,
    Betterleaks,
    Kingfisher,
    Trufflehog,
    Github,
    Gitlab,
}

/// The number of characters after the kind. The last six are the checksum.
const SECRET: &str = "[0-9A-Za-z]{38}";
/// The letters of the kinds.
const KINDS: &str = "[uam]";

pub fn print(args: &Args) {
    print_line!("{}", text(args).trim_end());
}

fn text(args: &Args) -> String {
    let prefix = &args.prefix;
    let endpoint = args.endpoint.as_deref();
    let console = args.console.as_deref().unwrap_or_default();
    let pattern = format!(r"\b{prefix}_{KINDS}_{SECRET}\b");
    match args.target {
        Target::Gitleaks => gitleaks(prefix, &pattern, ""),
        Target::Betterleaks => {
            let validate = |endpoint: &str| {
                format!(
                    "validate = '''\nlet r = http.get(\"{endpoint}/keydesk/whoami\", {{\n    \"Authorization\": \"Bearer \" + finding[\"secret\"]\n  }});\n\
                 r.status == 200 || r.status == 403 ? {{ \"result\": \"valid\" }} :\n\
                 r.status == 401 ? {{ \"result\": \"invalid\", \"reason\": r.json?.code ?? \"\" }} : validate.unknown(r)\n'''\n"
                )
            };
            gitleaks(prefix, &pattern, &endpoint.map(validate).unwrap_or_default())
        }
        Target::Kingfisher => kingfisher(prefix, endpoint),
        Target::Trufflehog => format!(
            "# trufflehog filesystem --config trufflehog.yaml PATH\n\
             detectors:\n  - name: {prefix}_token\n    keywords:\n      - {prefix}_\n    regex:\n      token: '\\b({prefix}_{KINDS}_{SECRET})\\b'\n"
        ),
        Target::Github => format!(
            "To: secret-scanning@github.com\nSubject: Secret scanning partner program: {prefix} tokens\n\n\
             We would like to join the secret scanning partner program.\n\n\
             Name of the secret type: {prefix}_token\n\
             Regular expression: {pattern}\n\
             Format: the prefix, the kind (u: bearer token, a: API token, m: management key), 32 random base62\n\
             characters, and a checksum of 6 base62 characters (CRC-32 of everything before it; digits, then A to Z, then a to z).\n\
             Endpoint for reports: {console}/secret-scanning/github\n\
             Test account: (create an account in the console, invite GitHub to it, and enter its name here)\n\n\
             We verify your signature, revoke every reported token that works, notify its owners, and respond with “token_hash”,\n\
             “token_type”, and “label”.\n"
        ),
        Target::Gitlab => format!(
            "For GitLab’s partner program, send this to your contact at GitLab:\n\n\
             Name of the secret type: {prefix}_token\n\
             Regular expression: {pattern}\n\
             Endpoint for reports: {console}/secret-scanning/gitlab\n\n\
             For your own GitLab, add the rule of “keydesk scan rules --for gitleaks” to the ruleset of secret detection, and set\n\
             these in its Token Revocation API:\n\n\
             Token types URL: {console}/secret-scanning/gitlab/v1/revocable_token_types\n\
             Token revocation URL: {console}/secret-scanning/gitlab/v1/revoke_tokens\n\
             Authorization token: the content of secret_scanning.gitlab_revocation_token_file\n"
        ),
    }
}

fn gitleaks(prefix: &Prefix, pattern: &str, validate: &str) -> String {
    format!(
        "[[rules]]\nid = \"{prefix}-token\"\ndescription = \"A token with the prefix {prefix}_\"\nregex = '''{pattern}'''\n\
         keywords = [\"{prefix}_\"]\n{validate}"
    )
}

/// Returns rules for Kingfisher, which verifies the checksum.
fn kingfisher(prefix: &Prefix, endpoint: Option<&str>) -> String {
    let validation = endpoint.map(kingfisher_validation).unwrap_or_default();
    format!(
        r#"rules:
  - name: Token with the prefix {prefix}_
    id: keydesk.{prefix}.1
    pattern: |
      (?x)
      \b
      (
        (?P<BODY>{prefix}_{KINDS}_[0-9A-Za-z]{{32}})
        (?P<CHECKSUM>[0-9A-Za-z]{{6}})
      )
      \b
    min_entropy: 3.0
    confidence: high
    pattern_requirements:
      checksum:
        actual:
          template: "{{{{ CHECKSUM }}}}"
          requires_capture: CHECKSUM
        expected: "{{{{ BODY | crc32 | base62: 6 }}}}"
{validation}"#
    )
}

/// Returns the request with which Kingfisher checks a token.
fn kingfisher_validation(endpoint: &str) -> String {
    format!(
        r#"    validation:
      type: Http
      content:
        request:
          method: GET
          url: {endpoint}/keydesk/whoami
          headers:
            Authorization: "Bearer {{{{ TOKEN }}}}"
          response_matcher:
            - report_response: true
            - type: StatusMatch
              status: [200, 403]
"#
    )
}

/// Reads a URL, without a trailing slash.
fn url(text: &str) -> Result<String, String> {
    let url = text.parse::<http::Uri>().ok();
    let is_url = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
    });
    if is_url {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("give a URL such as https://console.example.com".to_owned())
    }
}
