//! How Slack writes what is said.

use serde_json::Value;

use super::names::Names;

/// `text` as it has to be written, so that it is nothing but text.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// `text` as somebody has typed it.
pub(super) fn plain(text: &str, names: &Names) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&unescaped(&rest[..at]));
        let Some(len) = rest[at..].find('>') else {
            rest = &rest[at..];
            break;
        };
        plain.push_str(&unescaped(&marked(&rest[at + 1..at + len], names)));
        rest = &rest[at + len + 1..];
    }
    plain.push_str(&unescaped(rest));
    plain
}

/// What stands between `<` and `>`, as it is shown.
fn marked(mark: &str, names: &Names) -> String {
    let (target, label) = match mark.split_once('|') {
        Some((target, label)) => (target, Some(label)),
        None => (mark, None),
    };
    if let Some(user) = target.strip_prefix('@') {
        let name = label.or_else(|| names.user(user)).unwrap_or(user);
        return format!("@{name}");
    }
    if let Some(channel) = target.strip_prefix('#') {
        let label = label.filter(|label| !label.is_empty());
        let name = label.or_else(|| names.room(channel)).unwrap_or(channel);
        return format!("#{}", name.trim_start_matches('#'));
    }
    match target.strip_prefix('!') {
        // A date, or a group of users.
        Some(_) if label.is_some() => label.unwrap_or_default().to_owned(),
        Some(special) => format!("@{special}"),
        // What was typed, where Slack has made a link of it.
        None => label.unwrap_or(target).to_owned(),
    }
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

/// An error of the Web API, for people: with what is missing, or what to do.
pub(super) fn error(error: &str, answer: &Value) -> String {
    let named = error.escape_debug();
    let needed = answer["needed"].as_str();
    let what = match error {
        "missing_scope" => match needed {
            Some(needed) => &*format!("the token lacks the scope {}", needed.escape_debug()),
            None => "the token lacks a scope",
        },
        "not_in_channel" => "the bot has to be invited to the room",
        "channel_not_found" => "there is no such room, or the bot has not been invited to it",
        "invalid_auth" | "not_authed" => "the token is wrong",
        "not_allowed_token_type" => "the token is of another kind",
        "token_revoked" | "token_expired" => "the token is good no more",
        "account_inactive" => "the bot was removed",
        _ => return named.to_string(),
    };
    format!("{named}: {what}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::names::Whose;
    use super::*;

    #[test]
    fn what_is_marked_is_read_as_it_is_shown() {
        let mut names = Names::default();
        names.know(Whose::User("U1".to_owned()), "ann");
        names.know(Whose::Room("C1".to_owned()), "ops");
        let cases = [
            ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
            ("<@U1> <@U2> <@U3|bob>", "@ann @U2 @bob"),
            ("<#C1> <#C1|> <#C2|dev> <#C3>", "#ops #ops #dev #C3"),
            ("<!here> <!subteam^S1|@oncall>", "@here @oncall"),
            ("<!date^1392734382^{date}|Feb 18> x", "Feb 18 x"),
            (
                "<http://h.example|h.example> <https://h/?a=1&amp;b=2>",
                "h.example https://h/?a=1&b=2",
            ),
            ("<mailto:a@b.c|a@b.c>", "a@b.c"),
            ("a < b <", "a < b <"),
            ("<>", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text, &names), expected, "{text}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let scope = json!({"needed": "chat:write"});
        let cases = [
            (
                "missing_scope",
                "missing_scope: the token lacks the scope chat:write",
            ),
            (
                "not_in_channel",
                "not_in_channel: the bot has to be invited to the room",
            ),
            ("new\u{1b}", "new\\u{1b}"),
        ];
        for (named, expected) in cases {
            assert_eq!(error(named, &scope), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_as_it_was_and_marks_nothing(text in any::<String>()) {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>']));
            prop_assert_eq!(plain(&escaped, &Names::default()), text);
        }
    }
}
