//! A first request in five languages, with the user's endpoint URL. The page replaces a placeholder with the token:
//! masked on the screen, in full in the clipboard.

/// The placeholder for the token.
const TOKEN: char = '\u{1}';

/// A snippet, split at the placeholder.
#[derive(Debug)]
pub(crate) struct Snippet {
    pub id: &'static str,
    pub label: &'static str,
    pub before: String,
    pub after: String,
}

/// Returns the snippets for `path`, the first operation that a plain GET can request.
pub(crate) fn snippets(endpoint_url: &str, path: &str) -> Vec<Snippet> {
    let url = format!("{endpoint_url}{path}");
    [
        ("curl", "curl", format!("curl {url} \\\n  -H \"Authorization: Bearer {TOKEN}\"")),
        (
            "python",
            "Python",
            format!(
                "import requests\n\nresponse = requests.get(\n    \"{url}\",\n    headers={{\"Authorization\": \"Bearer {TOKEN}\"}},\n    timeout=30,\n)\nresponse.raise_for_status()\nprint(response.json())"
            ),
        ),
        (
            "javascript",
            "JavaScript",
            format!(
                "const response = await fetch(\"{url}\", {{\n  headers: {{ Authorization: \"Bearer {TOKEN}\" }},\n}});\nif (!response.ok) throw new Error(await response.text());\nconsole.log(await response.json());"
            ),
        ),
        (
            "rust",
            "Rust",
            format!(
                "let response = reqwest::Client::new()\n    .get(\"{url}\")\n    .bearer_auth(\"{TOKEN}\")\n    .send()\n    .await?\n    .error_for_status()?;\nprintln!(\"{{}}\", response.text().await?);"
            ),
        ),
        (
            "go",
            "Go",
            format!(
                "req, err := http.NewRequest(\"GET\", \"{url}\", nil)\nif err != nil {{\n\tlog.Fatal(err)\n}}\nreq.Header.Set(\"Authorization\", \"Bearer {TOKEN}\")\nresp, err := http.DefaultClient.Do(req)\nif err != nil {{\n\tlog.Fatal(err)\n}}\ndefer resp.Body.Close()\nio.Copy(os.Stdout, resp.Body)"
            ),
        ),
    ]
    .into_iter()
    .map(|(id, label, text)| {
        let (before, after) = text.split_once(TOKEN).unwrap_or((&text, ""));
        Snippet { id, label, before: before.to_owned(), after: after.to_owned() }
    })
    .collect()
}
