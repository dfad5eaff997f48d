//! Log lines of several kinds, one after the other, as fast as a disk would take them.

use crate::planted::{PLANTED, Planter};
use crate::random::Random;

/// What the lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An application's lines: time, level, service, thread, message.
    Plain,
    /// One JSON object a line.
    Json,
    /// A web server's access log in the combined format.
    Access,
    /// Any of the others, line by line.
    Mixed,
}

impl Kind {
    /// Every kind under the name that people type.
    pub const NAMES: [(&'static str, Kind); 4] = [
        ("plain", Kind::Plain),
        ("json", Kind::Json),
        ("access", Kind::Access),
        ("mixed", Kind::Mixed),
    ];

    /// The kind of this name, if there is one.
    pub fn named(name: &str) -> Option<Kind> {
        let found = Kind::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|&(_, kind)| kind)
    }
}

/// How far apart two lines are at most, unless somebody says otherwise.
const GAP_US: u64 = 2_000;

/// An endless log: equal kinds, seeds and lengths give equal lines.
#[derive(Clone, Debug)]
pub struct Lines {
    kind: Kind,
    line_bytes: usize,
    random: Random,
    clock: Clock,
    planters: [Planter; PLANTED.len()],
}

impl Lines {
    /// A log whose lines are `line_bytes` long on average, from half of that to one and a half
    /// times that. A line never gets shorter than its kind's fixed parts (about 150 bytes).
    pub fn new(kind: Kind, seed: u64, line_bytes: usize) -> Lines {
        Lines {
            kind,
            line_bytes,
            random: Random::new(seed),
            clock: Clock::default(),
            planters: PLANTED.map(Planter::new),
        }
    }

    /// The same log, but each line is less than `gap_us` microseconds later than the one before: half
    /// of that on average. The default is 2,000.
    pub fn with_gap_us(mut self, gap_us: u64) -> Lines {
        self.clock.gap_us = gap_us;
        self
    }

    /// Appends the next line, with its newline, to `out`.
    ///
    /// # Panics
    /// Where the log would get into the next year.
    pub fn append(&mut self, out: &mut Vec<u8>) {
        self.clock.advance(&mut self.random);
        let kind = match self.kind {
            Kind::Mixed => [Kind::Plain, Kind::Json, Kind::Access][self.random.below(3) as usize],
            kind => kind,
        };
        match kind {
            Kind::Json => self.append_json(out),
            Kind::Access => self.append_access(out),
            Kind::Plain | Kind::Mixed => self.append_plain(out),
        }
        out.push(b'\n');
    }

    fn append_plain(&mut self, out: &mut Vec<u8>) {
        let end = self.line_end(out, 1);
        out.extend_from_slice(self.clock.iso());
        push(
            out,
            self.random
                .choose(&[" INFO ", " INFO ", " DEBUG ", " WARN ", " ERROR "]),
        );
        out.push(b'[');
        push(out, self.random.choose(SERVICES));
        push(out, "] [worker-");
        push_number(out, self.random.below(64));
        push(out, "] request=");
        push_hex(out, self.random.number());
        push(out, " user=");
        push_number(out, self.random.below(100_000));
        push(out, " ip=");
        self.append_address(out);
        out.push(b' ');
        push(out, self.random.choose(PATHS));
        push_number(out, self.random.below(10_000));
        push(out, " took ");
        push_number(out, self.random.below(3_000));
        push(out, "ms: ");
        self.append_message(out, end, b' ');
    }

    fn append_json(&mut self, out: &mut Vec<u8>) {
        let end = self.line_end(out, 3);
        push(out, r#"{"time":""#);
        out.extend_from_slice(self.clock.iso());
        push(out, r#"","level":""#);
        // Errors are rare where things go well.
        let level = match self.random.below(100) {
            0 => "error",
            1..10 => "warn",
            10..30 => "debug",
            _ => "info",
        };
        push(out, level);
        push(out, r#"","service":""#);
        push(out, self.random.choose(SERVICES));
        push(out, r#"","user":"#);
        push_number(out, self.random.below(100_000));
        push(out, r#","path":""#);
        push(out, self.random.choose(PATHS));
        push_number(out, self.random.below(10_000));
        push(out, r#"","ms":"#);
        push_number(out, self.random.below(3_000));
        push(out, r#","message":""#);
        self.append_message(out, end, b' ');
        push(out, r#""}"#);
    }

    fn append_access(&mut self, out: &mut Vec<u8>) {
        let end = self.line_end(out, 82);
        self.append_address(out);
        push(out, " - - [");
        out.extend_from_slice(self.clock.common());
        push(
            out,
            self.random
                .choose(&["] \"GET ", "] \"GET ", "] \"GET ", "] \"POST ", "] \"PUT "]),
        );
        push(out, self.random.choose(PATHS));
        push_number(out, self.random.below(10_000));
        push(out, "?q=");
        self.append_message(out, end, b'+');
        push(
            out,
            self.random.choose(&[
                " HTTP/1.1\" 200 ",
                " HTTP/1.1\" 200 ",
                " HTTP/1.1\" 304 ",
                " HTTP/1.1\" 404 ",
                " HTTP/1.1\" 502 ",
            ]),
        );
        push_number(out, self.random.below(100_000));
        push(out, r#" "-" "#);
        push(out, self.random.choose(AGENTS));
    }

    /// Appends words with `space` between them until the line reaches `end`; the planted words go
    /// among the first.
    fn append_message(&mut self, out: &mut Vec<u8>, end: usize, space: u8) {
        self.append_word(out);
        for index in 0..self.planters.len() {
            if let Some(word) = self.planters[index].next_line(&mut self.random) {
                out.push(space);
                push(out, word);
            }
            out.push(space);
            self.append_word(out);
        }
        while out.len() < end {
            out.push(space);
            self.append_word(out);
        }
    }

    fn append_word(&mut self, out: &mut Vec<u8>) {
        let number = self.random.number();
        push(out, WORDS[(number % WORDS.len() as u64) as usize]);
        if number >> 61 == 0 {
            out.push(b'=');
            push_number(out, number >> 40 & 0xfffff);
        }
    }

    fn append_address(&mut self, out: &mut Vec<u8>) {
        let number = self.random.number();
        push(out, "10.");
        push_number(out, number & 0xff);
        out.push(b'.');
        push_number(out, number >> 8 & 0xff);
        out.push(b'.');
        push_number(out, number >> 16 & 0xff);
    }

    /// Where in `out` the words of a line should end that has `tail` bytes after them.
    fn line_end(&mut self, out: &[u8], tail: usize) -> usize {
        let drawn = self.line_bytes / 2 + self.random.below(self.line_bytes as u64 + 1) as usize;
        // A line goes on to the end of its last word, half a word further than asked for.
        let word_half = 4;
        out.len() + drawn.saturating_sub(tail + word_half)
    }
}

/// The time of the current line, rendered once a second and patched in between: a calendar would
/// cost more than the rest of the line.
#[derive(Clone, Debug)]
struct Clock {
    /// Microseconds since the log began.
    elapsed_us: u64,
    /// The next line is less than so many microseconds later.
    gap_us: u64,
    iso: [u8; 27],
    common: [u8; 26],
}

/// The log begins at this second; a generated log stays within its year.
const START: &[u8; 27] = b"2026-03-01T00:00:00.000000Z";

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            elapsed_us: 0,
            gap_us: GAP_US,
            iso: *START,
            common: *b"01/Mar/2026:00:00:00 +0000",
        }
    }
}

impl Clock {
    /// Moves on by less than the gap.
    fn advance(&mut self, random: &mut Random) {
        let second = self.elapsed_us / 1_000_000;
        self.elapsed_us += random.below(self.gap_us);
        put_digits(&mut self.iso[20..26], self.elapsed_us % 1_000_000);
        if self.elapsed_us / 1_000_000 != second {
            self.render_second();
        }
    }

    fn render_second(&mut self) {
        let second = self.elapsed_us / 1_000_000;
        let (month, day) = date(second / 86_400);
        put_digits(&mut self.iso[5..7], month as u64 + 3);
        put_digits(&mut self.iso[8..10], day);
        put_digits(&mut self.iso[11..13], second / 3_600 % 24);
        put_digits(&mut self.iso[14..16], second / 60 % 60);
        put_digits(&mut self.iso[17..19], second % 60);
        put_digits(&mut self.common[0..2], day);
        self.common[3..6].copy_from_slice(MONTHS[month].0);
        self.common[12..20].copy_from_slice(&self.iso[11..19]);
    }

    /// `2026-03-01T00:00:00.000000Z`
    fn iso(&self) -> &[u8] {
        &self.iso
    }

    /// `01/Mar/2026:00:00:00 +0000`
    fn common(&self) -> &[u8] {
        &self.common
    }
}

/// The months that a log may be in, and how many days they have.
const MONTHS: [(&[u8; 3], u64); 10] = [
    (b"Mar", 31),
    (b"Apr", 30),
    (b"May", 31),
    (b"Jun", 30),
    (b"Jul", 31),
    (b"Aug", 31),
    (b"Sep", 30),
    (b"Oct", 31),
    (b"Nov", 30),
    (b"Dec", 31),
];

/// The month, counted from March, and the day in it, so many days after March 1st.
fn date(mut days: u64) -> (usize, u64) {
    for (month, (_, length)) in MONTHS.iter().enumerate() {
        if days < *length {
            return (month, days + 1);
        }
        days -= length;
    }
    panic!("a generated log stays within its year");
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a number of at most eight digits in decimal.
fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 8];
    put_digits(&mut digits, number);
    let zeros = digits
        .iter()
        .take(7)
        .take_while(|&&digit| digit == b'0')
        .count();
    out.extend_from_slice(&digits[zeros..]);
}

/// Appends the low 32 bits in hexadecimal.
fn push_hex(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 8];
    for (index, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * index) & 0xf) as usize];
    }
    out.extend_from_slice(&digits);
}

/// Fills `digits` with the last digits of `number`, zeros in front.
fn put_digits(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

// No entry of these tables may contain a planted word: the counts that `planted` promises would be
// off.

const SERVICES: &[&str] = &[
    "checkout",
    "inventory",
    "payments",
    "search-api",
    "mailer",
    "gateway",
    "accounts",
    "ledger",
];

const PATHS: &[&str] = &[
    "/api/v1/orders/",
    "/api/v1/users/",
    "/api/v2/items/",
    "/static/img/",
    "/health/",
    "/login/",
    "/cart/add/",
    "/reports/daily/",
];

const AGENTS: &[&str] = &[
    r#""Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0""#,
    r#""Mozilla/5.0 (Macintosh) Version/19.1 Safari/605""#,
    r#""curl/8.14.1 (x86_64-pc-linux-gnu) libcurl/8.14.1""#,
    r#""Go-http-client/2.0 (+https://probe.example.com)""#,
];

const WORDS: &[&str] = &[
    "order",
    "accepted",
    "by",
    "the",
    "payment",
    "provider",
    "after",
    "retry",
    "cache",
    "miss",
    "for",
    "key",
    "session",
    "opened",
    "connection",
    "pool",
    "size",
    "is",
    "now",
    "waiting",
    "on",
    "lock",
    "query",
    "returned",
    "rows",
    "from",
    "replica",
    "primary",
    "batch",
    "flushed",
    "to",
    "disk",
    "in",
    "segment",
    "compaction",
    "finished",
    "token",
    "refreshed",
    "user",
    "profile",
    "loaded",
    "with",
    "defaults",
    "stock",
    "level",
    "changed",
    "message",
    "queued",
    "consumer",
    "lag",
    "partition",
    "leader",
    "elected",
    "snapshot",
    "written",
    "email",
    "sent",
    "template",
    "rendered",
    "upstream",
    "answered",
    "status",
    "ok",
    "slow",
    "request",
    "logged",
    "audit",
    "event",
    "stored",
    "checksum",
    "verified",
    "certificate",
    "expires",
    "soon",
    "thread",
    "idle",
    "worker",
    "started",
    "shutting",
    "down",
    "config",
    "reloaded",
    "feature",
    "flag",
    "enabled",
    "metric",
    "exported",
    "trace",
    "sampled",
    "span",
    "closed",
    "tenant",
    "quota",
    "used",
    "region",
    "eu-west-1",
    "us-east-2",
    "shard",
    "moved",
    "node",
    "joined",
    "cluster",
    "voted",
    "index",
    "rebuilt",
    "document",
    "parsed",
    "invoice",
    "created",
    "currency",
    "converted",
    "rate",
    "limit",
    "reached",
    "backoff",
    "seconds",
    "attempt",
    "succeeded",
    "handshake",
    "done",
    "cipher",
    "negotiated",
    "socket",
    "buffer",
    "grown",
    "gc",
    "pause",
    "heap",
    "megabytes",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn log(kind: Kind, seed: u64, lines: usize) -> String {
        let mut generated = Lines::new(kind, seed, 250);
        let mut out = Vec::new();
        for _ in 0..lines {
            generated.append(&mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_seed_names_one_log() {
        for (_, kind) in Kind::NAMES {
            assert_eq!(log(kind, 1, 100), log(kind, 1, 100));
            assert_ne!(log(kind, 1, 100), log(kind, 2, 100));
        }
    }

    #[test]
    fn planted_words_are_on_their_share_of_the_lines_and_nowhere_else() {
        for (name, kind) in Kind::NAMES {
            let log = log(kind, 5, 20_000);
            for planted in PLANTED {
                let word = planted.spellings[0].to_lowercase();
                let hits = log
                    .lines()
                    .filter(|line| line.to_lowercase().contains(&word))
                    .count();
                assert_eq!(hits as u64, 20_000 / planted.period, "{word} in {name}");
            }
        }
    }

    #[test]
    fn lines_are_as_long_as_asked_on_average() {
        for (name, kind) in Kind::NAMES {
            let bytes = log(kind, 9, 10_000).len() / 10_000;
            assert!((235..=265).contains(&bytes), "{bytes} bytes in {name}");
        }
    }

    #[test]
    fn times_never_fall() {
        let log = log(Kind::Plain, 2, 5_000);
        let times: Vec<&str> = log.lines().map(|line| &line[..27]).collect();
        assert!(times.is_sorted());
        assert_ne!(times.first(), times.last());
    }

    #[test]
    fn the_clock_carries_into_minutes_hours_and_days() {
        let mut clock = Clock {
            elapsed_us: (86_400 + 3_600 + 60) * 1_000_000,
            ..Clock::default()
        };
        clock.render_second();
        assert_eq!(clock.iso(), b"2026-03-02T01:01:00.000000Z");
        assert_eq!(clock.common(), b"02/Mar/2026:01:01:00 +0000");
    }

    #[test]
    fn numbers_have_no_leading_zeros() {
        let mut out = Vec::new();
        for number in [0, 7, 10, 99_999_999] {
            push_number(&mut out, number);
            out.push(b' ');
        }
        assert_eq!(out, b"0 7 10 99999999 ");
    }
}
