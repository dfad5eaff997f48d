//! What Kubernetes' container runtimes write (CRI logging): a line of any format, with its time, its
//! stream, and whether it is whole.

use super::enclosed::Enclosed;
use super::{Known, Sample};
use crate::envelope::Envelope;

pub(super) const KNOWN: Known = Known {
    name: "cri",
    about: "Kubernetes' container runtimes (CRI), around lines of any format",
    samples: &[
        Sample {
            text: "2026-03-14T14:05:30.123456789Z stdout F no luck",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456789Z","message":"no luck","stream":"stdout"}"#,
        },
        Sample {
            text: r#"2026-03-14T15:05:30.123456789+01:00 stderr F {"level":"error","ts":1773497130.1,"msg":"no \"luck\"","req":{"id":7}}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456789Z","level":"error","message":"no \"luck\"","ts":1773497130.1,"req":{"id":7},"stream":"stderr"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.1Z stdout F 2026-03-14 15:05:30,100 ERROR [main] c.s.Main - no luck\n2026-03-14T14:05:30.2Z stdout F java.io.IOException: no\n2026-03-14T14:05:30.2Z stdout F \tat c.s.Main.main(Main.java:7)",
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","level":"error","message":"no luck\njava.io.IOException: no\n\tat c.s.Main.main(Main.java:7)","thread":"main","logger":"c.s.Main","stream":"stdout"}"#,
        },
        Sample {
            text: "2026-03-14T14:05:30.1Z stderr F E0314 14:05:30.100000       1 main.go:7] no luck",
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","level":"error","message":"no luck","thread":1,"caller":"main.go:7","stream":"stderr"}"#,
        },
        Sample {
            text: r#"2026-03-14T14:05:30.1Z stdout F 203.0.113.7 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","message":"GET / HTTP/1.1","client":"203.0.113.7","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5,"stream":"stdout"}"#,
        },
    ],
    open: |lines| Enclosed::of(KNOWN.name, Envelope::Cri, lines),
};

#[cfg(test)]
mod tests {
    use super::super::Parser;

    #[test]
    fn pieces_of_a_line_are_put_together() {
        let text = "2026-03-14T14:05:30.1Z stdout P 2026-03-14 15:05:30 ERROR no\n2026-03-14T14:05:30.1Z stdout F  luck\n2026-03-14T14:05:30.1Z stdout F 2026-03-14 15:05:31 INFO ok\n";
        let parser = Parser::detect(&[text.as_bytes()], 0);
        let begins = text.lines().map(|line| parser.begins(line.as_bytes()));
        let begins: Vec<_> = begins.collect();
        assert_eq!(begins, [true, false, true]);
        let message = parser
            .parse(&text.as_bytes()[..text.rfind("2026-03-14T").unwrap()])
            .message;
        assert_eq!(&*message.unwrap().decode(), b"no luck");
    }

    #[test]
    fn a_source_may_begin_in_the_middle_of_a_record() {
        let text =
            b"2026-03-14T14:05:30.1Z stdout F   banner\n2026-03-14T14:05:30.1Z stdout F  _|_\n";
        let parser = Parser::detect(&[text], 0);
        let record = parser.parse(text);
        assert_eq!(&*record.message.unwrap().decode(), b"  banner\n _|_");
        assert!(record.timestamp.is_some());
    }
}
