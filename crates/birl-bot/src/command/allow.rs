//! Who may use a command.

use std::fmt;

use crate::record::MessageRecord;

/// Those who may use something: anybody whom one of the patterns fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// Anybody, anywhere.
    Anybody,
    /// Anybody in a room that is called so, but nobody who talks to us alone.
    Room(String),
    /// Whose account is called so, which the service vouches for.
    Account(String),
    /// Who is called so, as anybody may be in most services.
    Sender(String),
}

impl Allow {
    /// Anybody in any room, but nobody who talks to us alone.
    pub fn in_rooms() -> Self {
        Self(vec![Pattern::Room("*".to_owned())])
    }

    /// Anybody, anywhere.
    pub fn anybody() -> Self {
        Self(vec![Pattern::Anybody])
    }

    /// Nobody.
    pub fn nobody() -> Self {
        Self(Vec::new())
    }

    /// Those whom patterns fit: `*` is anybody, `account:NAME` whose account the service vouches for,
    /// `room:NAME` anybody in that room, and so is a name that begins with `#`; any other is what somebody
    /// is called. A `*` in a name stands for any characters.
    ///
    /// # Errors
    /// Says which pattern is none.
    pub fn parse<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, String> {
        let patterns = patterns.into_iter().map(|typed| {
            let name = |kind: &str, name: &str| match name {
                "" => Err(format!("{typed:?} has no name behind {kind}:")),
                name => Ok(name.to_owned()),
            };
            Ok(match typed.split_once(':') {
                Some(("account", account)) => Pattern::Account(name("account", account)?),
                Some(("room", room)) => Pattern::Room(name("room", room)?),
                Some(("user", user)) => Pattern::Sender(name("user", user)?),
                Some((kind, _)) => {
                    return Err(format!(
                        "{typed:?} names nobody: {kind} is none of account, room and user"
                    ));
                }
                None if typed == "*" => Pattern::Anybody,
                None if typed.starts_with('#') => Pattern::Room(typed.to_owned()),
                None if typed.is_empty() => return Err("\"\" fits nobody".to_owned()),
                None => Pattern::Sender(typed.to_owned()),
            })
        });
        patterns.collect::<Result<_, String>>().map(Self)
    }

    /// Whether whoever has said this is one of them.
    pub fn has(&self, record: &MessageRecord) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Anybody => true,
            Pattern::Room(room) => !record.is_private && fits(room, &record.room),
            Pattern::Account(account) => {
                let of = record.account.as_deref();
                of.is_some_and(|of| fits(account, of))
            }
            Pattern::Sender(sender) => fits(sender, &record.sender),
        })
    }

    /// Whether some of them are known by their accounts.
    pub fn names_accounts(&self) -> bool {
        let is_account = |pattern: &Pattern| matches!(pattern, Pattern::Account(_));
        self.0.iter().any(is_account)
    }

    /// Whether it is nobody.
    pub fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Allow {
    /// For people: `anybody in a room`, `the account ann`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nobody() {
            return f.write_str("nobody");
        }
        for (at, pattern) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            match pattern {
                Pattern::Anybody => f.write_str("anybody"),
                Pattern::Room(room) if room == "*" => f.write_str("anybody in a room"),
                Pattern::Room(room) => write!(f, "anybody in {room}"),
                Pattern::Account(account) if account == "*" => f.write_str("any account"),
                Pattern::Account(account) => write!(f, "the account {account}"),
                Pattern::Sender(sender) => f.write_str(sender),
            }?;
        }
        Ok(())
    }
}

/// Whether `text` is what `pattern` says, where `*` stands for any characters. Case matters.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let fitting = [
            ("ann", "ann"),
            ("*", ""),
            ("*", "ann"),
            ("a*", "a"),
            ("a*n", "an"),
            ("a*n*", "ann"),
            ("*nn", "ann"),
            ("a*b*c", "aXbYbZc"),
            ("a**c", "abc"),
            ("[x]*", "[x]y"),
        ];
        for (pattern, text) in fitting {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        let others = [
            ("ann", "anna"),
            ("ann", "Ann"),
            ("a*a", "a"),
            ("a*n", "nan"),
            ("", "a"),
            ("a*b*c", "acb"),
            ("*ab*ab", "ab"),
        ];
        for (pattern, text) in others {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn who_may_is_who_a_pattern_fits() {
        let record = |room: &str, sender: &str, account: Option<&str>, is_private| MessageRecord {
            room: room.to_owned(),
            sender: sender.to_owned(),
            account: account.map(str::to_owned),
            is_private,
            ..MessageRecord::default()
        };
        let ann = record("#ops", "ann", Some("ann"), false);
        let posing = record("#ops", "ann", None, false);
        let alone = record("bob", "bob", Some("bob"), true);
        let may = |patterns: &[&str]| {
            let allow = Allow::parse(patterns.iter().copied()).unwrap();
            [&ann, &posing, &alone].map(|record| allow.has(record))
        };
        assert_eq!(may(&[]), [false; 3]);
        assert_eq!(may(&["*"]), [true; 3]);
        assert_eq!(may(&["ann"]), [true, true, false]);
        assert_eq!(may(&["account:ann"]), [true, false, false]);
        assert_eq!(may(&["account:*"]), [true, false, true]);
        assert_eq!(may(&["#ops"]), [true, true, false]);
        assert_eq!(may(&["room:*"]), [true, true, false]);
        assert_eq!(may(&["#dev", "user:b*"]), [false, false, true]);
        // A room that is called as somebody who talks to us alone is not meant.
        assert_eq!(may(&["room:bob"]), [false; 3]);
        for wrong in ["", "account:", "room:", "accounts:ann"] {
            assert!(Allow::parse([wrong]).is_err(), "{wrong:?}");
        }
    }
}
