//! What `kubectl logs --prefix` puts before each line: the pod and the container that wrote it.

use super::enclosed::Enclosed;
use super::{Known, Sample};
use crate::envelope::Envelope;

pub(super) const KNOWN: Known = Known {
    name: "pod",
    about: "kubectl logs --prefix, around lines of any format",
    samples: &[
        Sample {
            text: "[pod/web-6d/app] up\n[pod/web-6d/app] 2026-03-14 14:05:30,250 ERROR [main] c.s.Main - no luck",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"no luck","thread":"main","logger":"c.s.Main","container":"web-6d/app"}"#,
        },
        // Each container writes in a format of its own.
        Sample {
            text: "[pod/web-6d/app] 2026-03-14 14:05:30,250 INFO [main] c.s.Main - up\n[pod/web-6d/mesh] {\"level\":\"warn\",\"msg\":\"late\"}",
            record: r#"{"level":"warn","message":"late","container":"web-6d/mesh"}"#,
        },
    ],
    open: |lines| Enclosed::of(KNOWN.name, Envelope::Pod, lines),
};
