//! What somebody types to use a command: its name and the words behind it.

/// A command that is called, such as `!errors 15m service="the api"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name, in lower case.
    pub name: String,
    /// All that stands behind it, without white space around it.
    pub rest: String,
}

/// A word behind the name of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The name of the argument that it is for, where it has one: `name=word`.
    pub(super) name: Option<String>,
    /// The word, without its quotes.
    pub(super) text: String,
}

impl Call {
    /// The command that a message calls; `None` where it calls none. That begins with `prefix`, and its
    /// name with a letter: `!!!`, `!=` and `! errors` call nothing.
    pub fn of(message: &str, prefix: &str) -> Option<Self> {
        let rest = message.trim_start().strip_prefix(prefix)?;
        rest.starts_with(char::is_alphabetic).then_some(())?;
        let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        Some(Self {
            name: name.to_lowercase(),
            rest: rest.trim().to_owned(),
        })
    }

    /// The command that a message calls by our name, as in `birl: errors 15m`, `@birl errors` or `birl errors`, in
    /// whatever case; and whether it is sure that we are meant: the last may be a sentence about us.
    pub(super) fn by_name(message: &str, me: &str, prefix: &str) -> Option<(Self, bool)> {
        let message = message.trim_start();
        let (message, is_mention) = match message.strip_prefix('@') {
            Some(behind) => (behind, true),
            None => (message, false),
        };
        let mut letters = message.char_indices();
        let end = letters.nth(me.chars().count())?.0;
        let (name, behind) = message.split_at(end);
        if me.is_empty() || name.to_lowercase() != me.to_lowercase() {
            return None;
        }
        let rest = behind.trim_start_matches([':', ',']);
        let is_addressed = rest.len() < behind.len();
        if !is_addressed && !behind.starts_with(char::is_whitespace) {
            return None;
        }
        let rest = rest.trim_start();
        let call = Self::of(rest, prefix).or_else(|| Self::of(rest, ""))?;
        Some((call, is_mention || is_addressed))
    }

    /// The words behind the name. A word in quotes, `"` or `'`, has white space in it; in double quotes
    /// `\"` is a quote and `\\` a backslash.
    ///
    /// # Errors
    /// Where quotes are not closed.
    pub(super) fn words(&self) -> Result<Vec<Word>, String> {
        let mut words = Vec::new();
        let mut rest = self.rest.trim_start();
        while !rest.is_empty() {
            let name = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
            let name = name
                .filter(|end| *end > 0 && rest[*end..].starts_with('='))
                .map(|end| rest[..end].to_owned());
            if let Some(name) = &name {
                rest = &rest[name.len() + 1..];
            }
            let text = word(&mut rest)?;
            words.push(Word { name, text });
            rest = rest.trim_start();
        }
        Ok(words)
    }
}

/// Takes a word from the beginning of `rest`.
fn word(rest: &mut &str) -> Result<String, String> {
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        *rest = behind;
        return Ok(word.to_owned());
    };
    let mut word = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if quote == '"' => match letters.next() {
                Some((_, escaped @ ('"' | '\\'))) => word.push(escaped),
                Some((_, other)) => word.extend(['\\', other]),
                None => break,
            },
            _ if letter == quote => {
                *rest = &rest[at + 1..];
                return Ok(word);
            }
            _ => word.push(letter),
        }
    }
    Err(format!("a {quote} is missing at the end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(rest: &str) -> Result<Vec<(Option<String>, String)>, String> {
        let call = Call {
            name: "x".to_owned(),
            rest: rest.to_owned(),
        };
        let words = call.words()?.into_iter();
        Ok(words.map(|word| (word.name, word.text)).collect())
    }

    #[test]
    fn a_message_that_begins_so_calls_a_command() {
        let call = |message| Call::of(message, "!").map(|call| (call.name, call.rest));
        let called = |name: &str, rest: &str| Some((name.to_owned(), rest.to_owned()));
        assert_eq!(call("!errors"), called("errors", ""));
        assert_eq!(call(" !Errors  15m  x "), called("errors", "15m  x"));
        assert_eq!(call("!ask\tlevel:error"), called("ask", "level:error"));
        for message in [
            "",
            "!",
            "!!",
            "! errors",
            "!=3",
            "!3",
            "hello !errors",
            "errors",
        ] {
            assert_eq!(call(message), None, "{message:?}");
        }
        assert_eq!(Call::of("birl: help", "birl: ").unwrap().name, "help");
    }

    #[test]
    fn a_message_calls_by_name_in_the_forms_that_people_use() {
        let call = |message| {
            let (call, is_sure) = Call::by_name(message, "Birl", "!")?;
            Some((call.name, call.rest, is_sure))
        };
        let called =
            |name: &str, rest: &str, is_sure| Some((name.to_owned(), rest.to_owned(), is_sure));
        for (message, is_sure) in [
            ("birl: errors 15m", true),
            ("birl, errors 15m", true),
            ("  BIRL:errors  15m ", true),
            ("@birl errors 15m", true),
            ("@Birl: !Errors 15m", true),
            ("birl errors 15m", false),
        ] {
            assert_eq!(call(message), called("errors", "15m", is_sure), "{message}");
        }
        for message in [
            "",
            "birl",
            "birl:",
            "@birl",
            "birl: 3",
            "birling errors",
            "birl-2: errors",
            "so birl: errors",
            "@ birl errors",
            "errors birl",
        ] {
            assert_eq!(call(message), None, "{message}");
        }
        // Names are of letters of any kind, and a letter may have more bytes in the other case.
        let call = Call::by_name("STRAẞE: help", "straße", "!");
        assert_eq!(call.unwrap().0.name, "help");
        assert_eq!(Call::by_name(": help", "", "!"), None);
    }

    #[test]
    fn words_have_names_and_quotes() {
        let plain = |text: &str| (None, text.to_owned());
        let named = |name: &str, text: &str| (Some(name.to_owned()), text.to_owned());
        assert_eq!(words(""), Ok(vec![]));
        assert_eq!(words("15m  api"), Ok(vec![plain("15m"), plain("api")]));
        assert_eq!(
            words(r#"service="the \"api\" \x" 'it"s'"#),
            Ok(vec![named("service", r#"the "api" \x"#), plain("it\"s")])
        );
        assert_eq!(words("a= b==c"), Ok(vec![named("a", ""), named("b", "=c")]));
        assert_eq!(words("=x a.b=c"), Ok(vec![plain("=x"), plain("a.b=c")]));
        assert_eq!(words("\"\""), Ok(vec![plain("")]));
        assert!(words("\"open").is_err());
        assert!(words("it's 'open \\").is_err());
        assert!(words("\"open\\").is_err());
    }
}
