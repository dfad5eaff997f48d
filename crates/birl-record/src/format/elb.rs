//! Access logs of AWS's classic load balancers.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "elb",
    about: "AWS classic load balancer",
    samples: &[
        Sample {
            text: r#"2026-03-14T14:05:30.945958Z shop 203.0.113.7:4022 198.51.100.9:80 0.000073 0.001048 0.000057 200 201 0 29 "GET http://www.example:80/a HTTP/1.1" "curl/8.5" - -"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.945958Z","message":"GET http://www.example:80/a HTTP/1.1","elb":"shop","client":"203.0.113.7","client_port":4022,"backend":"198.51.100.9","backend_port":80,"request_processing_time":0.000073,"backend_processing_time":0.001048,"response_processing_time":0.000057,"status":200,"backend_status":201,"received_bytes":0,"sent_bytes":29,"method":"GET","path":"http://www.example:80/a","protocol":"HTTP/1.1","user_agent":"curl/8.5"}"#,
        },
        // A connection of TCP
        Sample {
            text: r#"2026-03-14T14:05:30.945958Z shop 203.0.113.7:4022 198.51.100.9:80 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.945958Z","message":"2026-03-14T14:05:30.945958Z shop 203.0.113.7:4022 198.51.100.9:80 0.001069 0.000028 0.000041 - - 82 305 \"- - - \" \"-\" ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2","elb":"shop","client":"203.0.113.7","client_port":4022,"backend":"198.51.100.9","backend_port":80,"request_processing_time":0.001069,"backend_processing_time":0.000028,"response_processing_time":0.000041,"received_bytes":82,"sent_bytes":305,"ssl_cipher":"ECDHE-ECDSA-AES128-GCM-SHA256","ssl_protocol":"TLSv1.2"}"#,
        },
    ],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "elb",
    shape: "iso",
    required: &[
        Column::Time,
        Column::Word("elb"),
        Column::Address("client", "client_port"),
        Column::Address("backend", "backend_port"),
        Column::Number("request_processing_time"),
        Column::Number("backend_processing_time"),
        Column::Number("response_processing_time"),
        Column::Number("status"),
        Column::Number("backend_status"),
        Column::Number("received_bytes"),
        Column::Number("sent_bytes"),
        Column::Request,
    ],
    optional: &[
        Column::Quoted("user_agent"),
        Column::Word("ssl_cipher"),
        Column::Word("ssl_protocol"),
    ],
};
