//! Access logs of AWS's application load balancers.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "alb",
    about: "AWS application load balancer",
    samples: &[
        Sample {
            text: r#"https 2026-03-14T14:05:30.186641Z app/shop/50dc6c495c0c9188 203.0.113.7:4022 198.51.100.9:80 0.086 0.048 0.037 200 200 12 57 "GET https://www.example:443/a?b=c HTTP/1.1" "curl/8.5" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/t/7 "Root=1-58337281" "www.example" "arn:aws:acm:us-east-2:1:certificate/1" 1 2026-03-14T14:05:30.048000Z "forward" "-" "-" "198.51.100.9:80" "200" "-" "-" TID_7"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.186641Z","message":"GET https://www.example:443/a?b=c HTTP/1.1","type":"https","elb":"app/shop/50dc6c495c0c9188","client":"203.0.113.7","client_port":4022,"target":"198.51.100.9","target_port":80,"request_processing_time":0.086,"target_processing_time":0.048,"response_processing_time":0.037,"status":200,"target_status":200,"received_bytes":12,"sent_bytes":57,"method":"GET","path":"https://www.example:443/a","query":"b=c","protocol":"HTTP/1.1","user_agent":"curl/8.5","ssl_cipher":"ECDHE-RSA-AES128-GCM-SHA256","ssl_protocol":"TLSv1.2","target_group":"arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/t/7","trace_id":"Root=1-58337281","domain":"www.example","certificate":"arn:aws:acm:us-east-2:1:certificate/1","rule_priority":1,"request_creation_time":"2026-03-14T14:05:30.048000Z","actions":"forward","targets":"198.51.100.9:80","target_statuses":"200","conn_trace_id":"TID_7"}"#,
        },
        // As it was before there were more columns, without an answer
        Sample {
            text: r#"http 2026-03-14T14:05:30.186641Z app/shop/50dc 203.0.113.7:4022 - -1 -1 -1 503 - 0 0 "GET http://www.example:80/ HTTP/1.1" "-" - -"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.186641Z","message":"GET http://www.example:80/ HTTP/1.1","type":"http","elb":"app/shop/50dc","client":"203.0.113.7","client_port":4022,"request_processing_time":-1,"target_processing_time":-1,"response_processing_time":-1,"status":503,"received_bytes":0,"sent_bytes":0,"method":"GET","path":"http://www.example:80/","protocol":"HTTP/1.1"}"#,
        },
    ],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "alb",
    shape: "iso",
    required: &[
        Column::OneOf("type", &[b"http", b"https", b"h2", b"grpcs", b"ws", b"wss"]),
        Column::Time,
        Column::Word("elb"),
        Column::Address("client", "client_port"),
        Column::Address("target", "target_port"),
        Column::Number("request_processing_time"),
        Column::Number("target_processing_time"),
        Column::Number("response_processing_time"),
        Column::Number("status"),
        Column::Number("target_status"),
        Column::Number("received_bytes"),
        Column::Number("sent_bytes"),
        Column::Request,
    ],
    optional: &[
        Column::Quoted("user_agent"),
        Column::Word("ssl_cipher"),
        Column::Word("ssl_protocol"),
        Column::Word("target_group"),
        Column::Quoted("trace_id"),
        Column::Quoted("domain"),
        Column::Quoted("certificate"),
        Column::Number("rule_priority"),
        Column::Word("request_creation_time"),
        Column::Quoted("actions"),
        Column::Quoted("redirect_url"),
        Column::Quoted("error_reason"),
        Column::Quoted("targets"),
        Column::Quoted("target_statuses"),
        Column::Quoted("classification"),
        Column::Quoted("classification_reason"),
        Column::Word("conn_trace_id"),
    ],
};
