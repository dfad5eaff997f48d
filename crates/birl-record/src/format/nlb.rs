//! Access logs of AWS's network load balancers, which are of TLS connections.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "nlb",
    about: "AWS network load balancer",
    samples: &[Sample {
        text: r#"tls 2.0 2026-03-14T14:05:30 net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd 203.0.113.7:4022 198.51.100.9:443 5 2 98 246 - arn:aws:acm:us-east-2:1:certificate/2 - ECDHE-RSA-AES128-SHA tlsv12 - shop.example h2 - "h2" 2026-03-14T14:05:20"#,
        record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"tls 2.0 2026-03-14T14:05:30 net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd 203.0.113.7:4022 198.51.100.9:443 5 2 98 246 - arn:aws:acm:us-east-2:1:certificate/2 - ECDHE-RSA-AES128-SHA tlsv12 - shop.example h2 - \"h2\" 2026-03-14T14:05:20","type":"tls","version":2.0,"elb":"net/shop/c6e77e28c25b2234","listener":"g3d4b5e8bb8464cd","client":"203.0.113.7","client_port":4022,"destination":"198.51.100.9","destination_port":443,"connection_time_ms":5,"tls_handshake_time_ms":2,"received_bytes":98,"sent_bytes":246,"certificate":"arn:aws:acm:us-east-2:1:certificate/2","tls_cipher":"ECDHE-RSA-AES128-SHA","tls_protocol":"tlsv12","domain":"shop.example","alpn_fe_protocol":"h2","alpn_client_preference_list":"h2","connection_creation_time":"2026-03-14T14:05:20"}"#,
    }],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "nlb",
    shape: "iso",
    required: &[
        Column::OneOf("type", &[b"tls", b"tcp"]),
        Column::Number("version"),
        Column::Time,
        Column::Word("elb"),
        Column::Word("listener"),
        Column::Address("client", "client_port"),
        Column::Address("destination", "destination_port"),
        Column::Number("connection_time_ms"),
        Column::Number("tls_handshake_time_ms"),
        Column::Number("received_bytes"),
        Column::Number("sent_bytes"),
    ],
    optional: &[
        Column::Word("incoming_tls_alert"),
        Column::Word("certificate"),
        Column::Word("certificate_serial"),
        Column::Word("tls_cipher"),
        Column::Word("tls_protocol"),
        Column::Word("tls_named_group"),
        Column::Word("domain"),
        Column::Word("alpn_fe_protocol"),
        Column::Word("alpn_be_protocol"),
        Column::Quoted("alpn_client_preference_list"),
        Column::Word("connection_creation_time"),
    ],
};
