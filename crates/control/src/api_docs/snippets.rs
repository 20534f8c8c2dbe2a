//! A first request in eight languages, with the user's endpoint URL. The page replaces a placeholder with the token:
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
    /// Whether the page shows it first.
    pub is_chosen: bool,
}

/// Returns the snippets for `path`, with the language that was chosen before.
pub(crate) fn snippets(endpoint_url: &str, path: &str, chosen: Option<&str>) -> Vec<Snippet> {
    let mut all = all_snippets(endpoint_url, path);
    let first = all.iter().position(|one| Some(one.id) == chosen).unwrap_or_default();
    all[first].is_chosen = true;
    all
}

/// Returns the snippets for `path`, the first operation that a plain GET can request.
fn all_snippets(endpoint_url: &str, path: &str) -> Vec<Snippet> {
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
    .chain(more_snippets(&url))
    .map(|(id, label, text)| {
        let (before, after) = text.split_once(TOKEN).unwrap_or((&text, ""));
        let (before, after) = (before.to_owned(), after.to_owned());
        Snippet { id, label, before, after, is_chosen: false }
    })
    .collect()
}

fn more_snippets(url: &str) -> [(&'static str, &'static str, String); 3] {
    [
        (
            "php",
            "PHP",
            format!(
                "<?php\n$request = curl_init(\"{url}\");\ncurl_setopt_array($request, [\n    CURLOPT_RETURNTRANSFER => true,\n    CURLOPT_FAILONERROR => true,\n    CURLOPT_HTTPHEADER => [\"Authorization: Bearer {TOKEN}\"],\n]);\n$response = curl_exec($request);\nif ($response === false) {{\n    throw new RuntimeException(curl_error($request));\n}}\necho $response;"
            ),
        ),
        (
            "java",
            "Java",
            format!(
                "var request = HttpRequest.newBuilder(URI.create(\"{url}\"))\n    .header(\"Authorization\", \"Bearer {TOKEN}\")\n    .build();\nvar response = HttpClient.newHttpClient()\n    .send(request, HttpResponse.BodyHandlers.ofString());\nif (response.statusCode() >= 400) throw new IOException(response.body());\nSystem.out.println(response.body());"
            ),
        ),
        (
            "ruby",
            "Ruby",
            format!(
                "require \"net/http\"\n\nresponse = Net::HTTP.get_response(\n  URI(\"{url}\"),\n  \"Authorization\" => \"Bearer {TOKEN}\"\n)\nresponse.value\nputs response.body"
            ),
        ),
    ]
}
