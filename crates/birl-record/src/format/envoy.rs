//! Access logs of Envoy, as it writes them by default.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "envoy",
    about: "Envoy, in its default format",
    samples: &[
        Sample {
            text: r#"[2026-03-14T14:05:30.123Z] "GET /a?b=c HTTP/2" 200 - 0 123 5 4 "203.0.113.7" "curl/8.5" "5f3a-1" "www.example" "198.51.100.9:80""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"GET /a?b=c HTTP/2","method":"GET","path":"/a","query":"b=c","protocol":"HTTP/2","status":200,"received_bytes":0,"sent_bytes":123,"duration_ms":5,"upstream_time_ms":4,"x_forwarded_for":"203.0.113.7","user_agent":"curl/8.5","request_id":"5f3a-1","authority":"www.example","upstream_host":"198.51.100.9:80"}"#,
        },
        Sample {
            text: r#"[2026-03-14T14:05:30.123Z] "POST /b HTTP/1.1" 503 UF,URX 0 91 5 - "-" "-" "5f3a-2" "www.example" "-""#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"POST /b HTTP/1.1","method":"POST","path":"/b","protocol":"HTTP/1.1","status":503,"response_flags":"UF,URX","received_bytes":0,"sent_bytes":91,"duration_ms":5,"request_id":"5f3a-2","authority":"www.example"}"#,
        },
    ],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "envoy",
    shape: "iso",
    required: &[
        Column::BracketedTime,
        Column::Request,
        Column::Number("status"),
        Column::Word("response_flags"),
        Column::Number("received_bytes"),
        Column::Number("sent_bytes"),
        Column::Number("duration_ms"),
    ],
    optional: &[
        Column::Number("upstream_time_ms"),
        Column::Quoted("x_forwarded_for"),
        Column::Quoted("user_agent"),
        Column::Quoted("request_id"),
        Column::Quoted("authority"),
        Column::Quoted("upstream_host"),
    ],
};
