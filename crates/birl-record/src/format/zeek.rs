//! Zeek's own logs: tables with tabs between their cells, whose header says what the columns are.

use super::table::{Column, Dialect, Header, Kind, Quoting, Syntax, Tables};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "zeek",
    about: "Zeek (Bro), with tabs",
    samples: &[
        Sample {
            text: "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2026-03-14-14-05-30\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tproto\tservice\tduration\tlocal_orig\ttunnel_parents\n#types\ttime\tstring\taddr\tport\tenum\tstring\tinterval\tbool\tset[string]\n1773497130.250000\tCHhAvV\t203.0.113.7\t4022\tudp\t-\t0.5\tT\tCx,Cy",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"1773497130.250000\tCHhAvV\t203.0.113.7\t4022\tudp\t-\t0.5\tT\tCx,Cy","uid":"CHhAvV","id.orig_h":"203.0.113.7","id.orig_p":4022,"proto":"udp","duration":0.5,"local_orig":true,"tunnel_parents":"Cx,Cy"}"#,
        },
        // Two logs in one
        Sample {
            text: "#separator \\x09\n#fields\tts\tuid\n#types\ttime\tstring\n1773497129.0\tCx\n#fields\tts\tlevel\tmessage\tlocation\n#types\ttime\tenum\tstring\tstring\n1773497130.250000\tReporter::WARNING\tsay \\x22no\\x22\t1\n#close\t2026-03-14-15-00-00",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"say \"no\"","location":"1"}"#,
        },
    ],
    open: |lines| Tables::open(KNOWN.name, lines, SYNTAX),
};

const SYNTAX: Syntax = Syntax {
    mark: b"#fields\t",
    read: header,
};

/// The header that a line is, if it is one; the line behind it has the types.
fn header(line: &[u8], behind: &[&[u8]]) -> Option<Header> {
    let names = line.strip_prefix(b"#fields\t")?;
    let types = behind
        .first()
        .and_then(|line| line.strip_prefix(b"#types\t"));
    let types = types.unwrap_or_default();
    let mut types = types.split(|byte| *byte == b'\t');
    let columns = names.split(|byte| *byte == b'\t').map(|name| Column {
        name: name.to_vec(),
        kind: match types.next() {
            Some(b"bool") => Kind::Bool,
            Some(b"count" | b"int" | b"double" | b"interval" | b"port" | b"time") => Kind::Any,
            _ => Kind::Text,
        },
    });
    let dialect = Dialect {
        separator: b'\t',
        quoting: Quoting::Backslashes,
        absent: b"-",
    };
    Some(Header::new(dialect, columns.collect()))
}
