//! AWS VPC flow logs, version 2.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "vpc",
    about: "AWS VPC flow logs",
    samples: &[
        Sample {
            text: "2 123456789010 eni-1235b8ca1 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1773497130 1773497190 REJECT OK",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"2 123456789010 eni-1235b8ca1 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1773497130 1773497190 REJECT OK","version":2,"account":"123456789010","interface":"eni-1235b8ca1","source_address":"172.31.16.139","destination_address":"172.31.16.21","source_port":20641,"destination_port":22,"protocol":6,"packets":20,"bytes":4249,"end":1773497190,"action":"REJECT","log_status":"OK"}"#,
        },
        Sample {
            text: "2 123456789010 eni-1235b8ca1 - - - - - - - 1773497130 1773497190 - NODATA",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"2 123456789010 eni-1235b8ca1 - - - - - - - 1773497130 1773497190 - NODATA","version":2,"account":"123456789010","interface":"eni-1235b8ca1","end":1773497190,"log_status":"NODATA"}"#,
        },
    ],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "vpc",
    shape: "epoch-s",
    required: &[
        Column::Number("version"),
        Column::Word("account"),
        Column::Word("interface"),
        Column::Word("source_address"),
        Column::Word("destination_address"),
        Column::Number("source_port"),
        Column::Number("destination_port"),
        Column::Number("protocol"),
        Column::Number("packets"),
        Column::Number("bytes"),
        Column::Time,
        Column::Number("end"),
        Column::OneOf("action", &[b"ACCEPT", b"REJECT", b"-"]),
        Column::OneOf("log_status", &[b"OK", b"NODATA", b"SKIPDATA"]),
    ],
    optional: &[],
};
