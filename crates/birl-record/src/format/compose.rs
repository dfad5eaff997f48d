//! What `docker compose` prints: a line of any format, behind the name of the container.

use super::enclosed::Enclosed;
use super::{Known, Sample};
use crate::envelope::Envelope;

pub(super) const KNOWN: Known = Known {
    name: "compose",
    about: "docker compose, around lines of any format",
    samples: &[
        Sample {
            text: "web-1  | no luck",
            record: r#"{"message":"no luck","container":"web-1"}"#,
        },
        Sample {
            text: "db-1   | ready\nweb-1  | {\"level\":\"warn\",\"time\":\"2026-03-14T14:05:30Z\",\"msg\":\"late\",\"n\":1}",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"late","n":1,"container":"web-1"}"#,
        },
        Sample {
            text: "shop_web_1  | 2026-03-14 14:05:30,100 ERROR [main] c.s.Main - no luck\nshop_web_1  | \tat c.s.Main.main(Main.java:7)",
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","level":"error","message":"no luck\n\tat c.s.Main.main(Main.java:7)","thread":"main","logger":"c.s.Main","container":"shop_web_1"}"#,
        },
        // Each container has its own formats.
        Sample {
            text: "db-1   | 2026-03-14 14:05:29.123 UTC [7] ERROR:  no relation\nweb-1  | {\"level\":\"info\",\"time\":\"2026-03-14T14:05:30Z\",\"msg\":\"ok\"}\ncache  | 1:M 14 Mar 2026 14:05:30.123 # low memory",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","level":"warn","message":"low memory","pid":1,"role":"M","container":"cache"}"#,
        },
    ],
    open: |lines| {
        // A word before a bar may be a level: the names of most containers end in a number.
        let is_numbered = |line: &&&[u8]| {
            let name = Envelope::Compose.open(line).map(|line| line.origin.1);
            name.is_some_and(|name| matches!(name, [.., b'-' | b'_', b'0'..=b'9']))
        };
        lines.iter().find(is_numbered)?;
        Enclosed::of(KNOWN.name, Envelope::Compose, lines)
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_before_a_bar_is_no_container() {
        let lines: [&[u8]; 2] = [b"INFO  | started", b"ERROR | no luck"];
        assert!((KNOWN.open)(&lines).is_none());
        let lines: [&[u8]; 2] = [b"db    | ready", b"web-1 | started"];
        let format = (KNOWN.open)(&lines).unwrap();
        assert!(lines.iter().all(|line| format.begins(line)));
    }
}
