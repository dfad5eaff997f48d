//! How Discord writes what is said.

use std::collections::HashMap;

use serde_json::Value;

/// What a message says, as it is shown: with names where it has ids.
pub(super) fn plain(message: &Value, rooms: &HashMap<String, String>) -> String {
    let text = message["content"].as_str().unwrap_or_default();
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find('>').map(|len| at + len);
        let shown = end.and_then(|end| marked(&rest[at + 1..end], message, rooms));
        match (shown, end) {
            (Some(shown), Some(end)) => {
                plain.push_str(&shown);
                rest = &rest[end + 1..];
            }
            _ => {
                plain.push('<');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// What stands between `<` and `>`, as it is shown; `None` if that is only text.
fn marked(mark: &str, message: &Value, rooms: &HashMap<String, String>) -> Option<String> {
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(id) = mark.strip_prefix('@') {
        let id = id.strip_prefix('!').unwrap_or(id);
        let mut mentions = message["mentions"].as_array()?.iter();
        let user = mentions.find(|user| user["id"] == id)?;
        return Some(format!("@{}", user["username"].as_str()?));
    }
    if let Some(id) = mark.strip_prefix('#') {
        return Some(format!("#{}", rooms.get(id)?));
    }
    // An emoji of a server's own, which may move.
    let (name, id) = mark
        .strip_prefix("a:")
        .or(mark.strip_prefix(':'))?
        .split_once(':')?;
    is_id(id).then(|| format!(":{name}:"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_read_as_names_and_anything_else_as_it_stands() {
        let rooms = HashMap::from([("2".to_owned(), "ops".to_owned())]);
        let cases = [
            ("<@1> <@!1> <@3>", "@ann @ann <@3>"),
            ("<#2> <#4>", "#ops <#4>"),
            ("<:ok:12> <a:no:13> <:x:y>", ":ok: :no: <:x:y>"),
            ("a < b <<@1>> <", "a < b <@ann> <"),
            ("<é>", "<é>"),
        ];
        for (text, expected) in cases {
            let message = json!({
                "content": text, "mentions": [{ "id": "1", "username": "ann" }],
            });
            assert_eq!(plain(&message, &rooms), expected, "{text}");
        }
    }
}
