//! Access logs of Squid, in its native format.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "squid",
    about: "Squid, in its native format",
    samples: &[
        Sample {
            text: r#"1773497130.250    456 203.0.113.7 TCP_MISS/200 1234 GET http://www.example/ ann HIER_DIRECT/198.51.100.9 text/html"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"1773497130.250    456 203.0.113.7 TCP_MISS/200 1234 GET http://www.example/ ann HIER_DIRECT/198.51.100.9 text/html","duration_ms":456,"client":"203.0.113.7","result":"TCP_MISS","status":200,"bytes":1234,"method":"GET","url":"http://www.example/","user":"ann","hierarchy":"HIER_DIRECT/198.51.100.9","content_type":"text/html"}"#,
        },
        Sample {
            text: r#"1773497130.250      6 2001:db8::1 NONE/000 0 NONE error:invalid-request - HIER_NONE/- -"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","message":"1773497130.250      6 2001:db8::1 NONE/000 0 NONE error:invalid-request - HIER_NONE/- -","duration_ms":6,"client":"2001:db8::1","result":"NONE","status":"000","bytes":0,"method":"NONE","url":"error:invalid-request","hierarchy":"HIER_NONE/-"}"#,
        },
    ],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "squid",
    shape: "epoch-s",
    required: &[
        Column::Time,
        Column::Number("duration_ms"),
        Column::Word("client"),
        Column::Slashed("result", "status"),
        Column::Number("bytes"),
        Column::Word("method"),
        Column::Word("url"),
    ],
    optional: &[
        Column::Word("user"),
        Column::Word("hierarchy"),
        Column::Word("content_type"),
    ],
};
