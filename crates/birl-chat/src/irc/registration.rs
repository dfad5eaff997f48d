//! How we are let in, and what we are called.

use std::time::Duration;

use birl_net::Secret;
use birl_source::link::Failure;
use tokio::time::Instant;

use super::caps::Caps;
use super::line::{Line, text};
use super::{Irc, sasl};
use crate::service::Turn;

/// How long a server may take to let us in: the first answer of some comes after a look into DNS and at
/// the other side's port of ident.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a server may go on telling of itself once we are in.
const MOTD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before asking again for the nick that we want.
const REGAIN_EVERY: Duration = Duration::from_secs(60);

/// So many nicks are tried.
const NICKS_MAX: u32 = 10;

/// The longest user and host that others may see, as long as ours are not known.
const MASK_BYTES_MAX: usize = 1 + 10 + 1 + 63;

/// Being let in over one connection, and what we are called there.
#[derive(Clone, Debug, Default)]
pub(super) struct Registration {
    pub(super) caps: Caps,
    password: Option<Secret>,
    /// The password of the account.
    account: Option<Secret>,
    stage: Stage,
    /// When the server has to have answered, while we wait for that.
    until: Option<Instant>,
    /// What we are called now, or have asked to be.
    nick: String,
    /// `user@host`, as others see it.
    user_and_host: Option<String>,
    /// So many nicks were taken.
    taken: u32,
    /// When to ask again for the nick that we want.
    regain_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing is agreed on.
    #[default]
    Greeting,
    /// The account is being shown.
    LoggingIn,
    /// Nothing is left to agree on but the nick.
    Agreed,
    /// We are in, and the server tells of itself.
    Welcomed,
    /// We may join rooms.
    Over,
}

impl Registration {
    pub(super) fn new(password: Option<Secret>, account: Option<Secret>) -> Self {
        Self {
            password,
            account,
            ..Self::default()
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    pub(super) fn nick(&self) -> &str {
        &self.nick
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.until, self.regain_at].into_iter().flatten().min()
    }

    /// `nick!user@host`, or something as long as that may be.
    pub(super) fn mask(&self) -> String {
        match &self.user_and_host {
            Some(user_and_host) => format!("{}!{user_and_host}", self.nick),
            None => format!("{}{}", self.nick, "x".repeat(MASK_BYTES_MAX)),
        }
    }

    /// We have sent this line ourselves, so its source is how others see us.
    pub(super) fn see_mask(&mut self, line: &Line<'_>) {
        let source = text(line.source.unwrap_or_default());
        if let Some((_, user_and_host)) = source.split_once('!')
            && self.user_and_host.as_deref() != Some(user_and_host)
        {
            self.user_and_host = Some(user_and_host.to_owned());
        }
    }

    fn is_welcomed(&self) -> bool {
        matches!(self.stage, Stage::Welcomed | Stage::Over)
    }
}

impl Irc {
    /// Says what is said first.
    pub(super) fn register(&mut self, turn: &mut Turn) {
        let registration = &mut self.state.registration;
        registration.nick = match self.is_twitch {
            true => self.nick.to_ascii_lowercase(),
            false => self.nick.clone(),
        };
        registration.until = Some(turn.now() + WELCOME_TIMEOUT);
        turn.say("CAP LS 302");
        if let Some(password) = &registration.password {
            let password = password.reveal();
            let kind = match self.is_twitch && !password.starts_with("oauth:") {
                true => "oauth:",
                false => "",
            };
            turn.say(format!("PASS :{kind}{}", one_line(password)));
        }
        turn.say(format!("NICK {}", registration.nick));
        let user = self.user.split_whitespace().next().unwrap_or("birl");
        turn.say(format!("USER {user} 0 * :{}", one_line(&self.real_name)));
    }

    /// A moment has come that was waited for.
    pub(super) fn registration_due(&mut self, turn: &mut Turn) -> Result<(), Failure> {
        let now = turn.now();
        let registration = &mut self.state.registration;
        if registration.until.is_some_and(|until| until <= now) {
            registration.until = None;
            match registration.stage {
                // There are servers whose message of the day has no end.
                Stage::Welcomed => self.let_in(turn),
                Stage::Over => {}
                _ => {
                    let seconds = WELCOME_TIMEOUT.as_secs();
                    let reason = format!("the server did not let us in within {seconds} s");
                    return Err(Failure::passing(reason));
                }
            }
        }
        if self
            .state
            .registration
            .regain_at
            .is_some_and(|at| at <= now)
        {
            self.regain(turn);
        }
        Ok(())
    }

    /// Rooms may be joined from now on.
    fn let_in(&mut self, turn: &mut Turn) {
        let registration = &mut self.state.registration;
        registration.stage = Stage::Over;
        registration.until = None;
        if let Some(mode) = self.state.support.bot_mode {
            turn.say(format!("MODE {} +{mode}", registration.nick));
        }
        self.state.rooms.enter(turn.now());
    }

    /// Takes a line that concerns how we are let in, and what we are called.
    pub(super) fn registration_line(
        &mut self,
        line: &Line<'_>,
        turn: &mut Turn,
    ) -> Result<(), Failure> {
        match line.command {
            b"CAP" => self.cap(line, turn)?,
            b"AUTHENTICATE" => self.authenticate(line, turn),
            b"NICK" => self.renamed(line, turn),
            b"QUIT" if self.state.support.is_same(&line.sender(), &self.nick) => self.regain(turn),
            b"CHGHOST" if self.is_me(&line.sender()) => {
                let user_and_host = format!("{}@{}", line.param(0), line.param(1));
                self.state.registration.user_and_host = Some(user_and_host);
            }
            _ => {
                if let Some(number) = line.numeric() {
                    self.registration_numeric(number, line, turn)?;
                }
            }
        }
        Ok(())
    }

    fn registration_numeric(
        &mut self,
        number: u16,
        line: &Line<'_>,
        turn: &mut Turn,
    ) -> Result<(), Failure> {
        let registration = &mut self.state.registration;
        match number {
            1 if !registration.is_welcomed() => {
                registration.stage = Stage::Welcomed;
                registration.until = Some(turn.now() + MOTD_TIMEOUT);
                registration.nick = line.param(0).into_owned();
                if !self.state.support.is_same(&line.param(0), &self.nick) && !self.is_twitch {
                    let registration = &mut self.state.registration;
                    registration.regain_at = Some(turn.now() + REGAIN_EVERY);
                    turn.tell(format!(
                        "{} is taken; called {}",
                        self.nick, registration.nick
                    ));
                }
            }
            // The end of the message of the day, or there is none.
            376 | 422 if registration.stage == Stage::Welcomed => self.let_in(turn),
            // The host that others see is another.
            396 => {
                let shown = line.param(1).into_owned();
                let known = registration.user_and_host.take();
                let user = known.and_then(|known| Some(known.split_once('@')?.0.to_owned()));
                registration.user_and_host = match (shown.contains('@'), user) {
                    (true, _) => Some(shown),
                    (false, Some(user)) => Some(format!("{user}@{shown}")),
                    (false, None) => None,
                };
            }
            433 | 436 | 437 => self.nick_is_taken(line, turn)?,
            432 if !registration.is_welcomed() => {
                let reason = format!(
                    "the server does not take the nick {:?}: {}",
                    registration.nick,
                    line.last()
                );
                return Err(Failure::lasting(reason));
            }
            // Wrong password; banned.
            464 | 465 => {
                let reason = format!("the server does not let us in: {}", line.last());
                return Err(Failure::lasting(reason));
            }
            903 | 907 if registration.stage == Stage::LoggingIn => self.agree(turn),
            902 | 904 | 905 | 906 | 908 if registration.stage == Stage::LoggingIn => {
                let reason = format!("the server does not accept the account: {}", line.last());
                return Err(Failure::lasting(reason));
            }
            _ => {}
        }
        Ok(())
    }

    fn cap(&mut self, line: &Line<'_>, turn: &mut Turn) -> Result<(), Failure> {
        let wants_sasl = self.account.is_some() && !self.state.registration.is_welcomed();
        let registration = &mut self.state.registration;
        let caps = &mut registration.caps;
        let (subcommand, list) = (line.param(1), line.last());
        let mut requests = Vec::new();
        match &*subcommand.to_ascii_uppercase() {
            "LS" => {
                caps.offered(&list);
                // The list goes on in another line.
                if line.params().len() > 3 && line.param(2) == "*" {
                    return Ok(());
                }
                requests = caps.requests(wants_sasl);
            }
            "NEW" => {
                caps.offered(&list);
                requests = caps.requests(wants_sasl);
            }
            "DEL" => caps.withdrawn(&list),
            "ACK" => caps.granted(&list),
            "NAK" => requests = caps.denied(&list),
            _ => return Ok(()),
        }
        for request in requests {
            turn.say(request);
        }
        if !caps.are_settled() || registration.stage != Stage::Greeting {
            return Ok(());
        }
        if self.account.is_none() {
            self.agree(turn);
            return Ok(());
        }
        let mechanisms = caps.value("sasl").unwrap_or_default();
        if !caps.has("sasl") {
            return Err(Failure::lasting(
                "the server has no accounts to log in to (SASL)",
            ));
        }
        if !mechanisms.is_empty() && !mechanisms.split(',').any(|it| it == "PLAIN") {
            return Err(Failure::lasting(format!(
                "the server takes no password for accounts, but {mechanisms}"
            )));
        }
        registration.stage = Stage::LoggingIn;
        turn.say("AUTHENTICATE PLAIN");
        Ok(())
    }

    /// The server waits for the password of the account.
    fn authenticate(&mut self, line: &Line<'_>, turn: &mut Turn) {
        let registration = &self.state.registration;
        if registration.stage == Stage::LoggingIn
            && line.param(0) == "+"
            && let (Some(account), Some(password)) = (&self.account, &registration.account)
        {
            for line in sasl::lines(&sasl::plain(&account.name, password)) {
                turn.say(line);
            }
        }
    }

    fn agree(&mut self, turn: &mut Turn) {
        self.state.registration.stage = Stage::Agreed;
        turn.say("CAP END");
    }

    /// Somebody else has the nick that we have asked for.
    fn nick_is_taken(&mut self, line: &Line<'_>, turn: &mut Turn) -> Result<(), Failure> {
        let registration = &mut self.state.registration;
        if registration.is_welcomed() {
            // It is asked for again.
            return Ok(());
        }
        registration.taken += 1;
        if registration.taken >= NICKS_MAX {
            let reason = format!("no nick is free: {}", line.last());
            return Err(Failure::passing(reason));
        }
        registration.nick = another(&self.nick, registration.taken);
        turn.say(format!("NICK {}", registration.nick));
        Ok(())
    }

    /// Somebody is called something else.
    fn renamed(&mut self, line: &Line<'_>, turn: &mut Turn) {
        let sender = line.sender();
        let to = line.param(0);
        if self.is_me(&sender) {
            self.state.registration.nick = to.into_owned();
            if self
                .state
                .support
                .is_same(self.state.registration.nick(), &self.nick)
            {
                self.state.registration.regain_at = None;
            } else if !self.is_twitch {
                self.state.registration.regain_at = Some(turn.now() + REGAIN_EVERY);
            }
        } else if self.state.support.is_same(&sender, &self.nick) {
            self.regain(turn);
        }
    }

    /// The nick that we want may be free.
    fn regain(&mut self, turn: &mut Turn) {
        if self.state.registration.regain_at.is_some() {
            self.state.registration.regain_at = Some(turn.now() + REGAIN_EVERY);
            turn.say(format!("NICK {}", self.nick));
        }
    }

    /// The server ends the connection.
    pub(super) fn registration_error(&self, line: &Line<'_>) -> Failure {
        let why = line.last();
        let reason = format!("the server ends the connection: {}", why.escape_debug());
        let is_banned = [
            "banned",
            "K-Line",
            "G-Line",
            "Z-Line",
            "k-line",
            "Bad password",
        ]
        .iter()
        .any(|word| why.contains(word));
        match is_banned && !self.state.registration.is_welcomed() {
            true => Failure::lasting(reason),
            false => Failure::passing(reason),
        }
    }
}

/// Another nick than `nick`, for the `n`th time; one that is as short as any server demands, in the end.
fn another(nick: &str, n: u32) -> String {
    match n {
        1..=2 => format!("{nick}{}", "_".repeat(n as usize)),
        _ => {
            let end = nick.floor_char_boundary(6);
            format!("{}_{n}", &nick[..end])
        }
    }
}

/// A text without what ends a line.
fn one_line(text: &str) -> &str {
    let end = text.find(['\r', '\n', '\0']);
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_nick_is_longer_and_then_short() {
        let nicks: Vec<_> = (1..5).map(|n| another("monitoring", n)).collect();
        assert_eq!(
            nicks,
            ["monitoring_", "monitoring__", "monito_3", "monito_4"]
        );
        assert_eq!(another("ééééé", 3), "ééé_3");
    }
}
