//! A page's main content as text: a line for each block, with the targets of links and the values of fields.

/// Elements within a line. The empty name stands for the text before the first element.
const INLINE: [&str; 12] =
    ["", "a", "abbr", "b", "code", "em", "i", "kbd", "span", "strong", "time", "wbr"];
const SKIPPED: [&str; 4] = ["script", "style", "svg", "template"];

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// A link's target, or a field with its value.
fn shown_tag(name: &str, tag: &str) -> String {
    let part = |name| attribute(tag, name).unwrap_or_default();
    match name {
        "a" => format!("({}) ", part("href")),
        "option" => format!("[option {}] ", part("value")),
        "input" if part("type") == "hidden" => String::new(),
        "input" | "textarea" | "select" => {
            let kind = attribute(tag, "type").unwrap_or(name);
            let words = [kind, part("name"), part("value")].map(str::trim);
            let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
            format!("[{}] ", words.join(" "))
        }
        _ => String::new(),
    }
}

fn decoded(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let entities =
        [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    entities.iter().fold(words.join(" "), |line, (entity, text)| line.replace(entity, text))
}

pub fn readable(html: &str) -> String {
    let main = html.split_once("<main").map_or(html, |(_, rest)| rest);
    let main = main.split_once("</main>").map_or(main, |(main, _)| main);
    let (mut text, mut skipped) = (String::new(), None);
    // The first piece is the rest of the opening tag.
    for piece in main.split('<').skip(usize::from(main != html)) {
        let (tag, content) = piece.split_once('>').unwrap_or((piece, ""));
        let (name, is_opening) = match tag.strip_prefix('/') {
            Some(name) => (name, false),
            None => (tag.split([' ', '\n']).next().unwrap_or_default(), true),
        };
        if skipped.is_some() {
            skipped = skipped.filter(|skipped| is_opening || *skipped != name);
        } else if is_opening && SKIPPED.contains(&name) {
            skipped = Some(name);
        }
        if skipped.is_some() {
            continue;
        }
        text.push_str(match INLINE.contains(&name) {
            true if is_opening => " ",
            true => "",
            false => "\n",
        });
        if is_opening {
            text.push_str(&shown_tag(name, tag));
        }
        text.push_str(content);
    }
    let lines: Vec<_> = text.lines().map(decoded).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}
