//! What `docker logs -t` puts before each line: its time, to the nanosecond.
//!
//! So begin lines of other programs as well: what follows must be in a format of its own.

use super::enclosed::Enclosed;
use super::{Known, Sample};
use crate::envelope::Envelope;

pub(super) const KNOWN: Known = Known {
    name: "stamped",
    about: "docker logs -t, around lines of any format",
    samples: &[
        Sample {
            text: "2026-03-14T14:05:30.123456789Z 2026-03-14 15:05:30,100 ERROR [main] c.s.Main - no luck\n2026-03-14T14:05:30.123456799Z \tat c.s.Main.main(Main.java:7)",
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456789Z","level":"error","message":"no luck\n\tat c.s.Main.main(Main.java:7)","thread":"main","logger":"c.s.Main"}"#,
        },
        Sample {
            text: r#"2026-03-14T14:05:30.123456789Z 203.0.113.7 - - [14/Mar/2026:14:05:30 +0000] "GET / HTTP/1.1" 200 5 "-" "curl""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456789Z","message":"GET / HTTP/1.1","client":"203.0.113.7","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"bytes":5,"user_agent":"curl"}"#,
        },
    ],
    open: |lines| Enclosed::of_formats(KNOWN.name, Envelope::Stamped, lines),
};
