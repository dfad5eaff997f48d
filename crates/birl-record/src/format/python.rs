//! What Python programs write: the styles of `logging`, and of the servers and libraries that have
//! their own.

use super::cursor::Cursor;
use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample, field};
use crate::level::Severity;
use crate::record::Record;
use crate::value::Text;

pub(super) const KNOWN: Known = Known {
    name: "python",
    about: "Python: logging, loguru, Django, gunicorn, uvicorn, Celery, Jupyter",
    samples: &[
        Sample {
            text: "2026-03-14 14:05:30,250 - shop.cart - ERROR - cannot pay: - no -\nTraceback (most recent call last):\n  File \"cart.py\", line 7, in pay\nValueError: no",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"cannot pay: - no -\nTraceback (most recent call last):\n  File \"cart.py\", line 7, in pay\nValueError: no","logger":"shop.cart"}"#,
        },
        // logging.basicConfig()
        Sample {
            text: "WARNING:root:late: 3 s",
            record: r#"{"level":"warn","message":"late: 3 s","logger":"root"}"#,
        },
        // gunicorn
        Sample {
            text: "[2026-03-14 14:05:30 +0100] [7] [INFO] Listening at: http://0.0.0.0:8000 (7)",
            record: r#"{"timestamp":"2026-03-14T13:05:30Z","level":"info","message":"Listening at: http://0.0.0.0:8000 (7)","pid":7}"#,
        },
        // Celery
        Sample {
            text: "[2026-03-14 14:05:30,250: INFO/ForkPoolWorker-1] Task pay[7] succeeded",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"Task pay[7] succeeded","process":"ForkPoolWorker-1"}"#,
        },
        // loguru
        Sample {
            text: "2026-03-14 14:05:30.250 | SUCCESS  | __main__:<module>:12 - paid | all",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"paid | all","caller":"__main__:<module>:12"}"#,
        },
        // Django, as its documentation sets it up
        Sample {
            text: "ERROR 2026-03-14 14:05:30,250 views 7 140213 cannot pay",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"cannot pay","module":"views","pid":7,"thread":140213}"#,
        },
        // Django's development server
        Sample {
            text: r#"[14/Mar/2026 14:05:30] "GET /cart?id=7 HTTP/1.1" 404 1207"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /cart?id=7 HTTP/1.1","method":"GET","path":"/cart","query":"id=7","protocol":"HTTP/1.1","status":404,"bytes":1207}"#,
        },
        // uvicorn
        Sample {
            text: "INFO:     Application startup complete.",
            record: r#"{"level":"info","message":"Application startup complete."}"#,
        },
        // Jupyter
        Sample {
            text: "[W 2026-03-14 14:05:30.250 ServerApp] 404 GET /x: no",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"404 GET /x: no","logger":"ServerApp"}"#,
        },
        // Tornado
        Sample {
            text: "[I 260314 14:05:30 web:2348] 200 GET / (::1) 0.8ms",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"200 GET / (::1) 0.8ms","logger":"web:2348"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: level,
    parts: &[],
    layouts: &[
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Is(" - "),
                Token("logger", b""),
                Is(" - "),
                Level,
                Is(" - "),
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Time,
                Is(" | "),
                Level,
                Pad,
                Is("| "),
                Token("caller", b""),
                Is(" - "),
            ],
            message: whole,
        },
        Layout {
            shapes: &[],
            head: &[
                Level,
                Is(":"),
                Either(&[&[Is("    "), Pad], &[Token("logger", b":"), Is(":")]]),
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Is("["),
                Time,
                Is("] ["),
                Number("pid"),
                Is("] ["),
                Level,
                Is("] "),
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Is("["),
                Time,
                Is(": "),
                Level,
                Is("/"),
                Token("process", b"]"),
                Is("] "),
            ],
            message: whole,
        },
        Layout {
            shapes: &["iso"],
            head: &[
                Level,
                Space,
                Time,
                Space,
                Token("module", b""),
                Space,
                Number("pid"),
                Space,
                Number("thread"),
                Space,
            ],
            message: whole,
        },
        Layout {
            shapes: &["day-month-year"],
            head: &[Is("["), Time, Is("] "), Ahead(&[Is("\"")])],
            message: request,
        },
        Layout {
            shapes: &["iso", "basic-short", "clock"],
            head: &[
                Is("["),
                Level,
                Is(" "),
                Time,
                Is(" "),
                Token("logger", b"]"),
                Is("] "),
            ],
            message: whole,
        },
    ],
};

/// A level as Python has them: in capitals, or the first letter.
fn level(word: &[u8]) -> Option<Severity> {
    match word {
        b"TRACE" | b"DEBUG" | b"INFO" | b"SUCCESS" | b"WARNING" | b"ERROR" | b"CRITICAL" | b"D"
        | b"I" | b"W" | b"E" | b"C" => Severity::from_word(word),
        _ => None,
    }
}

/// `"GET / HTTP/1.1" 200 12`.
fn request<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    let mut cursor = Cursor::new(&text[head..]);
    let Some(request) = cursor.quoted() else {
        return whole(text, head, record);
    };
    record.message = Some(Text::escaped(request));
    let parts: Vec<_> = request.split(|byte| *byte == b' ').collect();
    if let [method, target, protocol] = parts[..] {
        let mark = memchr::memchr(b'?', target).unwrap_or(target.len());
        field::escaped(record, "method", method);
        field::escaped(record, "path", &target[..mark]);
        field::escaped(record, "query", target.get(mark + 1..).unwrap_or_default());
        field::escaped(record, "protocol", protocol);
    }
    for name in ["status", "bytes"] {
        cursor.skip_space();
        field::number(record, name, cursor.digits().unwrap_or_default());
    }
}
