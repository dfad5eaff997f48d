//! W3C's extended log format, as IIS, CloudFront and Exchange write it. A header says what the
//! columns are; it may come again, with other columns.

use super::table::{Column, Dialect, Header, Kind, Quoting, Syntax, Tables};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "w3c",
    about: "W3C extended log format: IIS, CloudFront, Exchange",
    samples: &[
        Sample {
            text: "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-03-14 14:00:00\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status time-taken\n2026-03-14 14:05:30 192.0.2.1 GET /a b=c 80 - 203.0.113.7 curl/8.5+(x) 500 31",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /a","s-ip":"192.0.2.1","cs-method":"GET","cs-uri-stem":"/a","cs-uri-query":"b=c","s-port":80,"c-ip":"203.0.113.7","cs(User-Agent)":"curl/8.5+(x)","sc-status":500,"time-taken":31}"#,
        },
        // CloudFront
        Sample {
            text: "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status\n2026-03-14\t14:05:30\tFRA2\t2390\t203.0.113.7\tGET\td1.cloudfront.example\t/a%20b\t200",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"/a%20b","x-edge-location":"FRA2","sc-bytes":2390,"c-ip":"203.0.113.7","cs-method":"GET","cs(Host)":"d1.cloudfront.example","sc-status":200}"#,
        },
        // Exchange
        Sample {
            text: "#Software: Microsoft Exchange Server\r\n#Log-type: Message Tracking Log\r\n#Fields: date-time,client-ip,event-id,message-subject\r\n2026-03-14T14:05:30.250Z,203.0.113.7,SEND,\"Hello, \"\"Ann\"\"\"",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"2026-03-14T14:05:30.250Z,203.0.113.7,SEND,\"Hello, \"\"Ann\"\"\"","client-ip":"203.0.113.7","event-id":"SEND","message-subject":"Hello, \"Ann\""}"#,
        },
        // Only a time; then the columns change.
        Sample {
            text: "#Fields: time cs-uri\n14:05:29 /a\n#Fields: date time cs-method cs-uri x-comment\n2026-03-14 14:05:30 GET /b \"so \"\"what\"\" now\"",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /b","cs-method":"GET","cs-uri":"/b","x-comment":"so \"what\" now"}"#,
        },
    ],
    open: |lines| Tables::open(KNOWN.name, lines, SYNTAX),
};

const SYNTAX: Syntax = Syntax {
    mark: b"#Fields:",
    read: header,
};

/// The header that a line is, if it is one; its first row tells what stands between cells.
fn header(line: &[u8], behind: &[&[u8]]) -> Option<Header> {
    let names = line.strip_prefix(b"#Fields:")?.trim_ascii();
    let row = behind.iter().find(|line| !line.starts_with(b"#"));
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let (separator, names): (u8, Vec<_>) = match memchr::memchr2(b' ', b'\t', names) {
        None if names.contains(&b',') => (b',', names.split(|byte| *byte == b',').collect()),
        _ => {
            let has_tabs = row.is_some_and(|row| row.contains(&b'\t'));
            let names = names.split(is_space).filter(|name| !name.is_empty());
            (if has_tabs { b'\t' } else { b' ' }, names.collect())
        }
    };
    let column = |name: &[u8]| Column {
        name: name.to_vec(),
        kind: Kind::Any,
    };
    let dialect = Dialect {
        separator,
        quoting: Quoting::Quotes,
        absent: b"-",
    };
    Some(Header::new(
        dialect,
        names.into_iter().map(column).collect(),
    ))
}
