//! syslog as it was before RFC 5424: what RFC 3164 found in use, with and without a priority, and
//! what `rsyslog`, `journalctl`, `busybox` and routers make of it.

use std::sync::Arc;

use super::cursor::Cursor;
use super::timed::late_severity;
use super::{Format, Known, Sample, access, field, haproxy, json, klog, logfmt};
use crate::level::Severity;
use crate::record::{Record, Timestamp};
use crate::time::Shape;
use crate::value::Text;

pub(super) const KNOWN: Known = Known {
    name: "syslog",
    about: "syslog (RFC 3164), as in files and on the wire; journalctl, busybox, Cisco",
    samples: &[
        Sample {
            text: "Mar 14 14:05:30 web-1 sshd[812]: Accepted publickey for ann from 203.0.113.7 port 4022",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"Accepted publickey for ann from 203.0.113.7 port 4022","host":"web-1","app":"sshd","pid":812}"#,
        },
        Sample {
            text: "<86>Mar  4 14:05:30 web-1 sshd(pam_unix)[812]: session opened for user ann",
            record: r#"{"timestamp":"2026-03-04T14:05:30Z","level":"info","message":"session opened for user ann","facility":"authpriv","host":"web-1","app":"sshd(pam_unix)","pid":812}"#,
        },
        Sample {
            text: "<11>Mar 14 14:05:30 backup[7]: disk full",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"disk full","facility":"user","app":"backup","pid":7}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 web-1 sudo:      ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/ls","host":"web-1","app":"sudo"}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 web-1 kernel: [  812.345678] eth0: link is down",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"[  812.345678] eth0: link is down","host":"web-1","app":"kernel"}"#,
        },
        Sample {
            text: "Mar 14 14:05:29 web-1 cron[9]: (ann) CMD (true)\nMar 14 14:05:30 web-1 last message repeated 3 times",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"last message repeated 3 times","host":"web-1"}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 web-1 NetworkManager[641]: <warn>  [1773497130.1234] dhcp4 (eth0): request timed out",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"<warn>  [1773497130.1234] dhcp4 (eth0): request timed out","host":"web-1","app":"NetworkManager","pid":641}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 web-1 sshd[812]: error: kex_exchange_identification: read: Connection reset",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"error: kex_exchange_identification: read: Connection reset","host":"web-1","app":"sshd","pid":812}"#,
        },
        // rsyslog, with the precision that it has by default now
        Sample {
            text: "2026-03-14T15:05:30.123456+01:00 web-1 systemd[1]: Started job.\n2026-03-14T15:05:31.123456+01:00 web-1 kernel: usb 1-1: reset",
            record: r#"{"timestamp":"2026-03-14T14:05:31.123456Z","message":"usb 1-1: reset","host":"web-1","app":"kernel"}"#,
        },
        Sample {
            text: "2026-03-14T15:05:30.123456+01:00 db-1 postgres[911]: [4410-1] ERROR:  no such table",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456Z","level":"error","message":"[4410-1] ERROR:  no such table","host":"db-1","app":"postgres","pid":911}"#,
        },
        // journalctl -o short-full and short-unix
        Sample {
            text: "Sat 2026-03-14 14:05:30 UTC web-1 systemd[1]: Started job.",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"Started job.","host":"web-1","app":"systemd","pid":1}"#,
        },
        Sample {
            text: "1773497130.250000 web-1 systemd[1]: Started job.",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"Started job.","host":"web-1","app":"systemd","pid":1}"#,
        },
        // macOS
        Sample {
            text: "Mar 14 14:05:30 anns-mac com.apple.xpc.launchd[1] (com.example.agent[812]): Service exited",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"Service exited","host":"anns-mac","app":"com.apple.xpc.launchd","pid":1,"unit":"com.example.agent[812]"}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 anns-mac Web Helper[812]: ready",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"ready","host":"anns-mac","app":"Web Helper","pid":812}"#,
        },
        // busybox, and FreeBSD when told to say more
        Sample {
            text: "Mar 14 14:05:30 router daemon.warn dnsmasq[99]: no servers",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"no servers","facility":"daemon","host":"router","app":"dnsmasq","pid":99}"#,
        },
        Sample {
            text: "Sat Mar 14 14:05:30 2026 daemon.err hostapd: no interface",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"no interface","facility":"daemon","app":"hostapd"}"#,
        },
        Sample {
            text: "Sat Mar 14 14:05:30 2026 user.notice : Added device handler",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"Added device handler","facility":"user"}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 <auth.notice> bsd su[77]: ann to root",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"ann to root","facility":"auth","host":"bsd","app":"su","pid":77}"#,
        },
        // Solaris
        Sample {
            text: "Mar 14 14:05:30 sol mail[77]: [ID 801593 mail.crit] queue is full",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"queue is full","facility":"mail","host":"sol","app":"mail","pid":77,"msgid":"801593"}"#,
        },
        // Cisco
        Sample {
            text: "<166>Mar 14 2026 14:05:30 fw-1 : %ASA-6-302013: Built inbound TCP connection 7",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"Built inbound TCP connection 7","facility":"local4","host":"fw-1","app":"%ASA-6-302013"}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 sw-1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"error","message":"Interface Gi0/1, changed state to down","host":"sw-1","app":"%LINK-3-UPDOWN"}"#,
        },
        Sample {
            text: "<189>123: sw-1: 000045: *Mar 14 14:05:30.123: %SYS-5-CONFIG_I: Configured by ann",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","level":"info","message":"Configured by ann","facility":"local7","host":"sw-1","app":"%SYS-5-CONFIG_I"}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 192.0.2.1 125: Mar 14 14:05:29.001 UTC: %LINEPROTO-5-UPDOWN: Line protocol is up",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"Line protocol is up","host":"192.0.2.1","app":"%LINEPROTO-5-UPDOWN"}"#,
        },
        Sample {
            text: "000047: Mar 14 14:05:30.123: %SYS-4-RESTART: 100% new",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","level":"warn","message":"100% new","app":"%SYS-4-RESTART"}"#,
        },
        // What a program wrote that has a format of its own.
        Sample {
            text: r#"Mar 14 14:05:30 web-1 dockerd[7]: time="2026-03-14T14:05:29.5Z" level=error msg="no luck" id=7"#,
            record: r#"{"timestamp":"2026-03-14T14:05:29.5Z","level":"error","message":"no luck","host":"web-1","app":"dockerd","pid":7,"id":"7"}"#,
        },
        Sample {
            text: r#"Mar 14 14:05:30 web-1 api[7]: {"level":"error","ts":"2026-03-14T14:05:29.5Z","msg":"down","n":1}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:29.5Z","level":"error","message":"down","host":"web-1","app":"api","pid":7,"n":1}"#,
        },
        Sample {
            text: r#"<190>Mar 14 14:05:30 web-1 nginx: 203.0.113.7 - - [14/Mar/2026:14:05:29 +0000] "GET /a HTTP/1.1" 200 5"#,
            record: r#"{"timestamp":"2026-03-14T14:05:29Z","level":"info","message":"GET /a HTTP/1.1","facility":"local7","host":"web-1","app":"nginx","client":"203.0.113.7","method":"GET","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":5}"#,
        },
        Sample {
            text: "Mar 14 14:05:30 lb-1 haproxy[7]: 203.0.113.7:4022 [14/Mar/2026:14:05:25.123] db db/pg1 1/2/5007 212 -- 1/2/3/4/0 5/6",
            record: r#"{"timestamp":"2026-03-14T14:05:25.123Z","message":"db db/pg1 1/2/5007 212 -- 1/2/3/4/0 5/6","host":"lb-1","app":"haproxy","pid":7,"client":"203.0.113.7","client_port":4022,"frontend":"db","backend":"db","server":"pg1","queue_time_ms":1,"connect_time_ms":2,"total_time_ms":5007,"bytes":212,"termination":"--","actconn":1,"feconn":2,"beconn":3,"srv_conn":4,"retries":0,"srv_queue":5,"backend_queue":6}"#,
        },
        // Without anything that RFC 3164 wants
        Sample {
            text: "<3>[   12.5] usb 1-1: device not accepting address",
            record: r#"{"level":"error","message":"[   12.5] usb 1-1: device not accepting address","facility":"kern"}"#,
        },
    ],
    open: |lines| {
        let mut syslog = Syslog {
            shapes: Shapes::new()?,
            inner: inner(lines)?,
            tags_iso: true,
            tags_few: true,
        };
        let heads = lines.iter().filter_map(|line| syslog.read(line));
        let heads: Vec<_> = heads.filter(|head| head.priority.is_none()).collect();
        let count = |is: fn(&Head<'_>) -> bool| heads.iter().filter(|head| is(head)).count();
        let tags = count(|head| !head.app.is_empty());
        let iso_tags = count(|head| head.is_iso && head.is_process());
        syslog.tags_iso = iso_tags > 0;
        syslog.tags_few = tags * 2 >= heads.len();
        Some(Arc::new(syslog))
    },
};

/// What programs write that only hand their lines to syslog.
fn inner(lines: &[&[u8]]) -> Option<Vec<Arc<dyn Format>>> {
    let known = [
        &json::KNOWN,
        &haproxy::KNOWN,
        &access::KNOWN,
        &klog::KNOWN,
        &logfmt::KNOWN,
    ];
    known.into_iter().map(|known| (known.open)(lines)).collect()
}

/// Lines that went through syslog.
#[derive(Debug)]
struct Syslog {
    shapes: Shapes,
    inner: Vec<Arc<dyn Format>>,
    /// Whether behind times of ISO 8601, with which other lines begin as well, there is what only
    /// syslog has: a host, and a program with the number of its process.
    tags_iso: bool,
    /// Whether most lines name their program, so that those are taken, too, that do not.
    tags_few: bool,
}

#[derive(Debug)]
struct Shapes {
    yearless: Shape,
    with_year: Shape,
    ctime: Shape,
    iso: Shape,
    epoch: Shape,
}

/// What stands before the message.
#[derive(Default)]
struct Head<'a> {
    priority: Option<u8>,
    time: Option<Timestamp<'a>>,
    is_iso: bool,
    /// `daemon.warn`, in words.
    spelled: Option<(&'a [u8], Severity)>,
    host: &'a [u8],
    app: &'a [u8],
    pid: &'a [u8],
    unit: &'a [u8],
    msgid: &'a [u8],
    message: &'a [u8],
}

impl Format for Syslog {
    fn name(&self) -> &str {
        KNOWN.name
    }

    fn begins(&self, line: &[u8]) -> bool {
        self.read(line).is_some()
    }

    fn parse<'a>(&'a self, text: &'a [u8], record: &mut Record<'a>) {
        let Some(head) = self.read(text) else {
            return;
        };
        let facility = match (head.priority, head.spelled) {
            (Some(priority), _) => FACILITIES[usize::from(priority >> 3)].as_bytes(),
            (None, Some((facility, _))) => facility,
            (None, None) => b"",
        };
        field::text(record, "facility", facility);
        field::text(record, "host", head.host);
        field::text(record, "app", head.app);
        field::number(record, "pid", head.pid);
        field::text(record, "unit", head.unit);
        field::text(record, "msgid", head.msgid);
        if let Some(inner) = self.inner_of(head.message) {
            inner.parse(head.message, record);
        }
        record.timestamp = record.timestamp.or(head.time);
        record.severity = record.severity.or_else(|| head.severity());
        record.message = record.message.or(Some(Text::plain(head.message)));
    }
}

impl Syslog {
    fn inner_of(&self, message: &[u8]) -> Option<&dyn Format> {
        let mut inner = self.inner.iter().map(|format| &**format);
        let format = inner.find(|format| format.begins(message))?;
        // Others write nothing but pairs, too, and do not mean what loggers mean by their names.
        let is_meant = format.name() != logfmt::KNOWN.name || logfmt::has_level(message);
        is_meant.then_some(format)
    }

    fn read<'a>(&self, line: &'a [u8]) -> Option<Head<'a>> {
        let mut head = Head::default();
        let mut cursor = Cursor::new(line);
        head.priority = priority(&mut cursor);
        let before_time = cursor;
        let has_time = self.shapes.read(&mut cursor, &mut head);
        match (has_time, head.priority) {
            (Some(()), _) => cursor.skip_space(),
            (None, _) if self.shapes.read_cisco(&mut cursor, &mut head).is_some() => {
                head.message = cursor.rest();
                return Some(head);
            }
            // RFC 5424 has its version here.
            (None, Some(_)) if !before_time.rest().starts_with(b"1 ") => cursor = before_time,
            (None, _) => return None,
        }
        let is_read = match head.time {
            Some(_) => self.read_origin(&mut cursor, &mut head),
            None => read_tag(&mut cursor, &mut head),
        };
        if head.priority.is_none() && !(is_read && self.is_own(&head)) {
            return None;
        }
        head.message = cursor.rest();
        Some(head)
    }

    /// Takes what stands between the time and the message; whether it may be what it seems.
    fn read_origin<'a>(&self, cursor: &mut Cursor<'a>, head: &mut Head<'a>) -> bool {
        head.spelled = spelled_priority(cursor);
        // A program without a name
        if head.spelled.is_some() && cursor.skip(b": ").is_some() {
            return true;
        }
        if !read_tag(cursor, head) {
            let Some(host) = host(cursor) else {
                return false;
            };
            head.host = host;
            head.spelled = head.spelled.or_else(|| spelled_priority(cursor));
            let has_tag = self.shapes.read_cisco(cursor, head).is_some() || read_tag(cursor, head);
            if !has_tag {
                let _ = read_spaced_tag(cursor, head);
            }
        }
        read_message_id(cursor, head);
        true
    }

    /// Whether what stands before the message is syslog's, and not another's.
    fn is_own(&self, head: &Head<'_>) -> bool {
        let is_timed_well =
            !head.is_iso || self.tags_iso && !head.host.is_empty() || head.is_heroku();
        is_timed_well && (self.tags_few || !head.app.is_empty() || head.spelled.is_some())
    }
}

impl Shapes {
    fn new() -> Option<Self> {
        Some(Self {
            yearless: Shape::named("syslog")?,
            with_year: Shape::named("month-day-year")?,
            ctime: Shape::named("ctime")?,
            iso: Shape::named("iso")?,
            epoch: Shape::named("epoch-s")?,
        })
    }

    /// Takes the time, and the space or colon behind it.
    fn read<'a>(&self, cursor: &mut Cursor<'a>, head: &mut Head<'a>) -> Option<()> {
        let mut after = *cursor;
        let is_number = after.rest().first()?.is_ascii_digit();
        let time = match is_number {
            // A small number is a time only to those who expect one.
            true => take(&mut after, &[self.iso, self.epoch])
                .filter(|time| time.text().len() >= "1773497130".len())?,
            false => take(&mut after, &[self.yearless, self.with_year, self.ctime])
                .or_else(|| self.behind_weekday(&mut after))?,
        };
        let _ = after.skip(b":");
        if !after.rest().starts_with(b" ") {
            return None;
        }
        head.is_iso = is_number;
        head.time = Some(time);
        *cursor = after;
        Some(())
    }

    /// Takes `Sat 2026-03-14 14:05:30 UTC`.
    fn behind_weekday<'a>(&self, cursor: &mut Cursor<'a>) -> Option<Timestamp<'a>> {
        cursor.word().filter(|word| word.len() == 3)?;
        cursor.skip_space();
        take(cursor, &[self.iso])
    }

    /// Takes what Cisco's routers have before their messages, all of it perhaps: `123: sw-1: 000045:
    /// *Mar 14 14:05:30.123: %SYS-5-CONFIG_I: `.
    fn read_cisco<'a>(&self, cursor: &mut Cursor<'a>, head: &mut Head<'a>) -> Option<()> {
        let mut after = *cursor;
        let start = &after.rest()[..after.rest().len().min(CISCO_BYTES_MAX)];
        memchr::memchr(b'%', start)?;
        let mut time = None;
        let mut host = None;
        while !after.rest().starts_with(b"%") {
            // The clock is not set, or has lost its source.
            let _ = after.take_while(|byte| matches!(byte, b'*' | b'.'));
            if let Some(taken) = take(&mut after, &[self.yearless, self.with_year]) {
                time = Some(taken);
                after.skip(b":")?;
            } else {
                let word = after.word()?.strip_suffix(b":")?;
                let is_number = word.iter().all(u8::is_ascii_digit);
                host = host.or(Some(word).filter(|_| !is_number));
            }
            after.skip_space();
        }
        if !read_tag(&mut after, head) {
            return None;
        }
        head.time = head.time.or(time);
        head.host = host.unwrap_or(head.host);
        *cursor = after;
        Some(())
    }
}

/// What Cisco's routers have before `%` is no longer.
const CISCO_BYTES_MAX: usize = 96;

/// Takes a time of one of these shapes.
fn take<'a>(cursor: &mut Cursor<'a>, shapes: &[Shape]) -> Option<Timestamp<'a>> {
    let taken = |shape: &Shape| Some(Timestamp::of_shape(cursor.timestamp_of(*shape)?, *shape));
    shapes.iter().find_map(taken)
}

impl Head<'_> {
    /// Whether it names a process.
    fn is_process(&self) -> bool {
        !self.host.is_empty()
            && (self.pid.first().is_some_and(u8::is_ascii_digit) || self.app == b"kernel")
    }

    fn is_heroku(&self) -> bool {
        self.host.is_empty() && !self.pid.is_empty() && matches!(self.app, b"heroku" | b"app")
    }

    fn severity(&self) -> Option<Severity> {
        self.priority
            .and_then(|priority| Severity::from_syslog(priority & 7))
            .or(self.spelled.map(|(_, severity)| severity))
            .or_else(|| mnemonic_severity(self.app))
            .or_else(|| opening_severity(self.message))
            .or_else(|| late_severity(self.message))
    }
}

/// What priorities above 7 say of who wrote it (RFC 5424, section 6.2.1).
pub(super) static FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// Takes `<34>`, which is at most `<191>`.
pub(super) fn priority(cursor: &mut Cursor<'_>) -> Option<u8> {
    if !cursor.rest().starts_with(b"<") {
        return None;
    }
    let mut after = *cursor;
    let digits = after.between(b'<', b'>')?;
    let is_one = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number = |number: u16, digit: &u8| number * 10 + u16::from(digit - b'0');
    let priority = is_one.then(|| digits.iter().fold(0, number))?;
    let priority = u8::try_from(priority)
        .ok()
        .filter(|priority| *priority < 192)?;
    *cursor = after;
    Some(priority)
}

/// Takes `daemon.warn` or `<daemon.warn>`, and space.
fn spelled_priority<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], Severity)> {
    let mut after = *cursor;
    let word = after.word()?;
    after.skip_space();
    let spelled = word
        .strip_prefix(b"<")
        .and_then(|word| word.strip_suffix(b">"));
    let spelled = read_spelled(spelled.unwrap_or(word))?;
    *cursor = after;
    Some(spelled)
}

fn read_spelled(word: &[u8]) -> Option<(&[u8], Severity)> {
    let dot = memchr::memchr(b'.', word)?;
    let (facility, severity) = (&word[..dot], &word[dot + 1..]);
    let is_facility = FACILITIES.iter().any(|known| known.as_bytes() == facility)
        || matches!(facility, b"security" | b"console");
    let severity = is_facility.then(|| Severity::from_syslog_word(severity))??;
    Some((facility, severity))
}

/// Takes the name or the address of a host, and space; not a level, which others have there.
fn host<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut after = *cursor;
    let host = after.word()?;
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:/%@~".contains(byte) || !byte.is_ascii();
    let is_host = host.iter().all(is_part)
        && host.iter().any(u8::is_ascii_alphanumeric)
        && host[0] != b'-'
        && !is_level(host);
    if !is_host {
        return None;
    }
    after.skip_space();
    // As Cisco's firewalls write it.
    if after.skip(b": ").is_some() {
        after.skip_space();
    }
    *cursor = after;
    Some(host)
}

/// Takes `sshd[812]: ` or `kernel: `.
fn read_tag<'a>(cursor: &mut Cursor<'a>, head: &mut Head<'a>) -> bool {
    let mut after = *cursor;
    let Some(app) = after.take_while(|byte| !b" \t[:\"=<>{,".contains(&byte)) else {
        return false;
    };
    let pid = after.between(b'[', b']').unwrap_or_default();
    if is_level(app) || pid.contains(&b' ') {
        return false;
    }
    let unit = unit(&mut after, pid).unwrap_or_default();
    let colon = after.skip(b":").is_some();
    let ends = matches!(after.rest().first(), None | Some(b' ' | b'\t'));
    let is_tag = match colon {
        true => ends || app.starts_with(b"%"),
        false => ends && !pid.is_empty() && pid.iter().all(u8::is_ascii_digit),
    };
    if is_tag {
        (head.app, head.pid, head.unit) = (app, pid, unit);
        after.skip_space();
        *cursor = after;
    }
    is_tag
}

/// Takes ` (com.example.agent[812])`, which on macOS may stand behind the number of a process.
fn unit<'a>(cursor: &mut Cursor<'a>, pid: &[u8]) -> Option<&'a [u8]> {
    let mut after = *cursor;
    after.skip(b" ").filter(|()| !pid.is_empty())?;
    let unit = after.between(b'(', b')')?;
    if !after.rest().starts_with(b":") {
        return None;
    }
    *cursor = after;
    Some(unit)
}

/// Takes `Web Helper[812]: `, the name of a program with spaces in it.
fn read_spaced_tag<'a>(cursor: &mut Cursor<'a>, head: &mut Head<'a>) -> Option<()> {
    let mut after = *cursor;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b" ._-()".contains(&byte);
    let app = after.take_while(is_part).filter(|app| app.len() <= 48)?;
    let pid = after.between(b'[', b']')?;
    after.skip(b": ")?;
    if !pid.iter().all(u8::is_ascii_digit) {
        return None;
    }
    after.skip_space();
    (head.app, head.pid) = (app, pid);
    *cursor = after;
    Some(())
}

/// Takes `[ID 801593 mail.info] `, as Solaris writes it.
fn read_message_id<'a>(cursor: &mut Cursor<'a>, head: &mut Head<'a>) {
    if !cursor.rest().starts_with(b"[ID ") {
        return;
    }
    let mut after = *cursor;
    let Some(inside) = after.between(b'[', b']') else {
        return;
    };
    let mut words = Cursor::new(&inside["ID ".len()..]);
    let msgid = words.word();
    words.skip_space();
    if let (Some(msgid), Some(spelled)) = (msgid, read_spelled(words.rest())) {
        head.msgid = msgid;
        head.spelled = Some(spelled);
        after.skip_space();
        *cursor = after;
    }
}

/// The severity in `%LINK-3-UPDOWN`.
fn mnemonic_severity(app: &[u8]) -> Option<Severity> {
    let mut parts = app.strip_prefix(b"%")?.split(|byte| *byte == b'-');
    let severity = parts.nth(1)?;
    match severity {
        [digit @ b'0'..=b'7'] => Severity::from_syslog(digit - b'0'),
        _ => None,
    }
}

/// The level that a message begins with, if it cannot be just a word: `error: `, `[warn]`, `<info>`,
/// `ERROR `.
pub(super) fn opening_severity(message: &[u8]) -> Option<Severity> {
    let mut cursor = Cursor::new(message);
    let bracketed = match message.first()? {
        b'[' => cursor.between(b'[', b']'),
        b'<' => cursor.between(b'<', b'>'),
        b'(' => cursor.between(b'(', b')'),
        _ => None,
    };
    if let Some(word) = bracketed {
        return level(word.trim_ascii());
    }
    let word = cursor.take_while(|byte| byte.is_ascii_alphabetic())?;
    let is_set_off = match cursor.rest().first() {
        Some(b':') => true,
        Some(b' ' | b'\t') => word.iter().all(u8::is_ascii_uppercase),
        _ => false,
    };
    is_set_off.then(|| level(word))?
}

/// A level, if the word is long enough to be nothing else.
fn level(word: &[u8]) -> Option<Severity> {
    let is_long = word.len() >= 3 && !word.eq_ignore_ascii_case(b"log");
    is_long.then(|| Severity::from_syslog_word(word))?
}

fn is_level(word: &[u8]) -> bool {
    let word = word.strip_suffix(b":").unwrap_or(word);
    let is_capital = word.iter().all(u8::is_ascii_uppercase);
    (is_capital || word.len() >= 4) && level(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_begins_like_syslog_is_not_claimed() {
        for line in [
            "Mar 14 14:05:30 ERROR worker: no luck",
            "Mar 14 14:05:30.000 [notice] Bootstrapped 5%: Connecting",
            "2026-03-14T14:05:30Z INFO worker: started",
            "2026-03-14T14:05:30Z worker started: ok",
            "2026-03-14 14:05:30 root[12]: no host",
            "1773497130.250    456 203.0.113.7 TCP_MISS/200 12 GET http://www.example/",
            "[Sat Mar 14 14:05:30 2026] [error] oops",
            "<192>Mar 14 14:05:30 web-1 api: no such priority",
            "<34>1 2026-03-14T14:05:30Z web-1 api 7 - - hello",
            "123: not a time: but %d",
            "Mar 14 14:05:30 : %d of them",
            "<html>Mar 14 14:05:30 web-1 api: hello",
        ] {
            let format = (KNOWN.open)(&[line.as_bytes()]).unwrap();
            assert!(!format.begins(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_level_counts_where_it_cannot_be_a_word() {
        let level = |message: &str| {
            let severity = opening_severity(message.as_bytes())?;
            Some(severity.level().name())
        };
        for (message, expected) in [
            ("error: no luck", Some("error")),
            ("ERROR no luck", Some("error")),
            ("[warn] no luck", Some("warn")),
            ("<info>  [1.5] dhcp", Some("info")),
            ("CRITICAL: no luck", Some("error")),
            ("error in line 7", None),
            ("Failed password for ann", None),
            ("Warning lights are on", None),
            ("I: see", None),
            ("log: x", None),
            ("[warn", None),
            ("", None),
        ] {
            assert_eq!(level(message), expected, "{message}");
        }
    }
}
