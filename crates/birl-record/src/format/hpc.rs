//! What the log collectors of supercomputers write: a flag or a number, the node, and seconds since
//! 1970, before a line of another program.

use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample};
use crate::level::Severity;

pub(super) const KNOWN: Known = Known {
    name: "hpc",
    about: "supercomputers: Blue Gene, Thunderbird, Spirit, Liberty, System 20",
    samples: &[
        // Blue Gene/L
        Sample {
            text: "- 1773497130 2026.03.14 R02-M1-N0-C:J12-U11 2026-03-14-06.05.30.250123 R02-M1-N0-C:J12-U11 RAS KERNEL FATAL cache: no",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"fatal","message":"cache: no","node":"R02-M1-N0-C:J12-U11","local_time":"2026-03-14-06.05.30.250123","event":"RAS","component":"KERNEL"}"#,
        },
        Sample {
            text: "APPREAD 1773497130 2026.03.14 NULL 2026-03-14-06.05.30.250123 NULL RAS APP INFO ciod: gone",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"ciod: gone","alert":"APPREAD","node":"NULL","local_time":"2026-03-14-06.05.30.250123","event":"RAS","component":"APP"}"#,
        },
        // Thunderbird
        Sample {
            text: "- 1773497130 2026.03.14 tbird-7 Mar 14 06:05:30 tbird-7/tbird-7 crond(pam_unix)[42]: session closed: ann",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"session closed: ann","node":"tbird-7","location":"tbird-7/tbird-7","component":"crond(pam_unix)","pid":"42"}"#,
        },
        Sample {
            text: "VAPI 1773497130 2026.03.14 an7 Mar 14 06:05:30 an7/an7 kernel: no",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"no","alert":"VAPI","node":"an7","location":"an7/an7","component":"kernel"}"#,
        },
        // System 20
        Sample {
            text: "134681 node-7 unix.hw state_change.unavailable 1773497130 1 Component State Change: gone",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"Component State Change: gone","id":134681,"node":"node-7","component":"unix.hw","state":"state_change.unavailable","flag":1}"#,
        },
        Sample {
            text: "134682 full partition status 1773497130 -1 running",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"running","id":134682,"node":"full","component":"partition","state":"status","flag":-1}"#,
        },
    ],
    open: |_| STYLE.open(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &["epoch-s"],
            head: &[
                Token("alert", b""),
                Is(" "),
                Time,
                Is(" "),
                Token("", b""),
                Is(" "),
                Token("node", b""),
                Is(" "),
                Either(&[
                    &[
                        Token("local_time", b""),
                        Is(" "),
                        Token("", b""),
                        Is(" "),
                        Token("event", b""),
                        Is(" "),
                        Token("component", b""),
                        Is(" "),
                        Level,
                        Pad,
                    ],
                    &[
                        Name(""),
                        Space,
                        Number(""),
                        Space,
                        Token("", b""),
                        Space,
                        Token("location", b""),
                        Space,
                        Maybe(&[
                            Token("component", b"[:"),
                            Maybe(&[Within("pid", b'[', b']')]),
                            Is(":"),
                            Pad,
                        ]),
                    ],
                ]),
            ],
            message: whole,
        },
        Layout {
            shapes: &["epoch-s"],
            head: &[
                Number("id"),
                Is(" "),
                Token("node", b""),
                Is(" "),
                Token("component", b""),
                Is(" "),
                Token("state", b""),
                Is(" "),
                Time,
                Is(" "),
                Integer("flag"),
                Is(" "),
            ],
            message: whole,
        },
    ],
};
