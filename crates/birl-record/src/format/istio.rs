//! Access logs of Istio's proxies, as they write them by default.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "istio",
    about: "Istio, in its default format",
    samples: &[Sample {
        text: r#"[2026-03-14T14:05:30.123Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 123 5 4 "-" "curl/8.5" "5f3a-1" "web:80" "198.51.100.9:80" outbound|80||web 198.51.100.2:4022 198.51.100.3:80 198.51.100.2:4021 - default"#,
        record: r#"{"timestamp":"2026-03-14T14:05:30.123Z","message":"GET /a HTTP/1.1","method":"GET","path":"/a","protocol":"HTTP/1.1","status":200,"response_code_details":"via_upstream","received_bytes":0,"sent_bytes":123,"duration_ms":5,"upstream_time_ms":4,"user_agent":"curl/8.5","request_id":"5f3a-1","authority":"web:80","upstream_host":"198.51.100.9:80","upstream_cluster":"outbound|80||web","upstream_local_address":"198.51.100.2:4022","downstream_local_address":"198.51.100.3:80","downstream_remote_address":"198.51.100.2:4021","route_name":"default"}"#,
    }],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "istio",
    shape: "iso",
    required: &[
        Column::BracketedTime,
        Column::Request,
        Column::Number("status"),
        Column::Word("response_flags"),
        Column::Word("response_code_details"),
        Column::Word("connection_termination_details"),
        Column::Quoted("upstream_failure"),
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
        Column::Word("upstream_cluster"),
        Column::Word("upstream_local_address"),
        Column::Word("downstream_local_address"),
        Column::Word("downstream_remote_address"),
        Column::Word("requested_server_name"),
        Column::Word("route_name"),
    ],
};
