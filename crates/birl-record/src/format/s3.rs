//! Access logs of AWS S3.

use super::columns::{Column, Columns};
use super::{Known, Sample};

pub(super) const KNOWN: Known = Known {
    name: "s3",
    about: "AWS S3 server access log",
    samples: &[
        Sample {
            text: r#"79a59df900b949e55d96a1e698fbaced bucket [14/Mar/2026:14:05:30 +0000] 203.0.113.7 arn:aws:iam::1:user/ann 3E57427F3EXAMPLE REST.GET.OBJECT a/b.png "GET /bucket/a/b.png?x=y HTTP/1.1" 404 NoSuchKey 113 - 7 6 "-" "curl/8.5" - s9lzHYrFp76ZVxRcpX9= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader bucket.s3.example TLSv1.2 - -"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /bucket/a/b.png?x=y HTTP/1.1","bucket_owner":"79a59df900b949e55d96a1e698fbaced","bucket":"bucket","client":"203.0.113.7","requester":"arn:aws:iam::1:user/ann","request_id":"3E57427F3EXAMPLE","operation":"REST.GET.OBJECT","key":"a/b.png","method":"GET","path":"/bucket/a/b.png","query":"x=y","protocol":"HTTP/1.1","status":404,"error_code":"NoSuchKey","bytes":113,"total_time_ms":7,"turn_around_time_ms":6,"user_agent":"curl/8.5","host_id":"s9lzHYrFp76ZVxRcpX9=","signature_version":"SigV4","cipher_suite":"ECDHE-RSA-AES128-GCM-SHA256","authentication_type":"AuthHeader","host":"bucket.s3.example","tls_version":"TLSv1.2"}"#,
        },
        // What S3 does by itself
        Sample {
            text: r#"79a59df900b949e55d96a1e698fbaced bucket [14/Mar/2026:14:05:30 +0000] - AmazonS3 3E57427F3EXAMPLE S3.EXPIRE.OBJECT a/b.png "-" - - - 57 - - "-" "-" - -"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"79a59df900b949e55d96a1e698fbaced bucket [14/Mar/2026:14:05:30 +0000] - AmazonS3 3E57427F3EXAMPLE S3.EXPIRE.OBJECT a/b.png \"-\" - - - 57 - - \"-\" \"-\" - -","bucket_owner":"79a59df900b949e55d96a1e698fbaced","bucket":"bucket","requester":"AmazonS3","request_id":"3E57427F3EXAMPLE","operation":"S3.EXPIRE.OBJECT","key":"a/b.png","object_size":57}"#,
        },
    ],
    open: |_| COLUMNS.open(),
};

static COLUMNS: Columns = Columns {
    name: "s3",
    shape: "apache",
    required: &[
        Column::Word("bucket_owner"),
        Column::Word("bucket"),
        Column::BracketedTime,
        Column::Word("client"),
        Column::Word("requester"),
        Column::Word("request_id"),
        Column::Word("operation"),
        Column::Word("key"),
        Column::Request,
        Column::Number("status"),
        Column::Word("error_code"),
        Column::Number("bytes"),
        Column::Number("object_size"),
        Column::Number("total_time_ms"),
    ],
    optional: &[
        Column::Number("turn_around_time_ms"),
        Column::Quoted("referer"),
        Column::Quoted("user_agent"),
        Column::Word("version_id"),
        Column::Word("host_id"),
        Column::Word("signature_version"),
        Column::Word("cipher_suite"),
        Column::Word("authentication_type"),
        Column::Word("host"),
        Column::Word("tls_version"),
        Column::Word("access_point"),
        Column::Word("acl_required"),
    ],
};
