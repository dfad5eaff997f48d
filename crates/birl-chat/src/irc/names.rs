//! Names as a server compares them, and what the server says of itself.

use super::line::Line;

/// Which letters are the same (`CASEMAPPING`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Casemapping {
    Ascii,
    /// `{}|^` are the small letters of `[]\~`.
    #[default]
    Rfc1459,
    /// The same without `^` and `~`.
    Rfc1459Strict,
}

/// What a server says of itself (`RPL_ISUPPORT`, 005).
#[derive(Clone, Debug)]
pub(super) struct Support {
    casemapping: Casemapping,
    /// What names of rooms begin with.
    room_types: String,
    /// What may stand before a room to mean some of those in it.
    status_prefixes: String,
    /// The mode of users who are programs.
    pub(super) bot_mode: Option<char>,
    /// The most bytes of a nick.
    pub(super) nick_bytes_max: Option<usize>,
}

impl Default for Support {
    fn default() -> Self {
        Self {
            casemapping: Casemapping::default(),
            room_types: "#&".to_owned(),
            status_prefixes: "@+".to_owned(),
            bot_mode: None,
            nick_bytes_max: None,
        }
    }
}

impl Support {
    /// Takes what a line of 005 says.
    pub(super) fn take(&mut self, line: &Line<'_>) {
        // Before them stands our nick, behind them a text.
        let count = line.params().len().saturating_sub(1);
        for at in 1..count {
            let token = line.param(at);
            let (key, value) = token.split_once('=').unwrap_or((&token, ""));
            match key {
                "CASEMAPPING" => {
                    self.casemapping = match value {
                        "ascii" => Casemapping::Ascii,
                        "rfc1459-strict" | "strict-rfc1459" => Casemapping::Rfc1459Strict,
                        _ => Casemapping::Rfc1459,
                    }
                }
                "CHANTYPES" => self.room_types = value.to_owned(),
                "STATUSMSG" => self.status_prefixes = value.to_owned(),
                "BOT" => self.bot_mode = value.chars().next(),
                "NICKLEN" => self.nick_bytes_max = value.parse().ok(),
                _ => {}
            }
        }
    }

    /// Whether two names are the same.
    pub(super) fn is_same(&self, a: &str, b: &str) -> bool {
        a.len() == b.len()
            && a.bytes()
                .zip(b.bytes())
                .all(|(a, b)| self.small(a) == self.small(b))
    }

    fn small(&self, byte: u8) -> u8 {
        match (self.casemapping, byte) {
            (Casemapping::Ascii, byte) => byte.to_ascii_lowercase(),
            (Casemapping::Rfc1459, b'~') => b'^',
            (_, b'[') => b'{',
            (_, b']') => b'}',
            (_, b'\\') => b'|',
            (_, byte) => byte.to_ascii_lowercase(),
        }
    }

    /// The room that a target means, if it is one.
    pub(super) fn room<'a>(&self, target: &'a str) -> Option<&'a str> {
        let is_room = |name: &str| name.starts_with(|first| self.room_types.contains(first));
        if is_room(target) {
            return Some(target);
        }
        let room = target.trim_start_matches(|prefix| self.status_prefixes.contains(prefix));
        is_room(room).then_some(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support(line: &str) -> Support {
        let mut support = Support::default();
        support.take(&Line::parse(line.as_bytes()).unwrap());
        support
    }

    #[test]
    fn names_are_compared_as_the_server_does() {
        let rfc = Support::default();
        assert!(rfc.is_same("Bot[1]~\\", "bot{1}^|"));
        assert!(!rfc.is_same("a", "ab"));
        let ascii = support(":h 005 me CASEMAPPING=ascii :are supported");
        assert!(ascii.is_same("BoT", "bot") && !ascii.is_same("[", "{"));
        let strict = support(":h 005 me CASEMAPPING=rfc1459-strict :are supported");
        assert!(strict.is_same("[", "{") && !strict.is_same("~", "^"));
    }

    #[test]
    fn rooms_are_told_from_people() {
        let support = support(":h 005 me CHANTYPES=# STATUSMSG=@% BOT=B NICKLEN=30 :are supported");
        assert_eq!(support.room("#ops"), Some("#ops"));
        assert_eq!(support.room("@%#ops"), Some("#ops"));
        assert_eq!(support.room("&ops"), None);
        assert_eq!(support.room("ann"), None);
        assert_eq!(
            (support.bot_mode, support.nick_bytes_max),
            (Some('B'), Some(30))
        );
    }
}
