//! What uWSGI writes for each request.

use super::cursor::Cursor;
use super::layout::Part::*;
use super::layout::{Layout, Style, whole};
use super::{Known, Lines, Sample, field};
use crate::level::Severity;
use crate::record::Record;

pub(super) const KNOWN: Known = Known {
    name: "uwsgi",
    about: "requests to uWSGI",
    samples: &[
        Sample {
            text: "[pid: 7|app: 0|req: 12/40] 203.0.113.7 (ann) {40 vars in 600 bytes} [Sat Mar 14 14:05:30 2026] GET /cart?id=7 => generated 1207 bytes in 12 msecs (HTTP/1.1 200) 2 headers in 79 bytes (1 switches on core 0)",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET /cart?id=7 => generated 1207 bytes in 12 msecs (HTTP/1.1 200) 2 headers in 79 bytes (1 switches on core 0)","pid":7,"app":"0","request":"12/40","client":"203.0.113.7","user":"ann","method":"GET","path":"/cart?id=7","bytes":1207,"duration_ms":12,"status":200}"#,
        },
        Sample {
            text: "[pid: 7|app: 0|req: 1/1] 203.0.113.7 () {4 vars in 60 bytes} [Sat Mar 14 14:05:30 2026] GET / => refused",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","message":"GET / => refused","pid":7,"app":"0","request":"1/1","client":"203.0.113.7"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::One,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[Layout {
        shapes: &["ctime"],
        head: &[
            Is("[pid: "),
            Number("pid"),
            Is("|app: "),
            Token("app", b"|"),
            Is("|req: "),
            Token("request", b"]"),
            Is("] "),
            Token("client", b""),
            Is(" "),
            Within("user", b'(', b')'),
            Is(" "),
            Within("", b'{', b'}'),
            Is(" ["),
            Time,
            Is("] "),
        ],
        message: request,
    }],
};

/// `GET / => generated 12 bytes in 3 msecs (HTTP/1.1 200)`, and more.
fn request<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    whole(text, head, record);
    let mut cursor = Cursor::new(&text[head..]);
    let read = |cursor: &mut Cursor<'a>| {
        let method = cursor.until(b' ')?;
        let path = cursor.until(b' ')?;
        cursor.skip(b"=> generated ")?;
        let bytes = cursor.digits()?;
        cursor.skip(b" bytes in ")?;
        let duration = cursor.digits()?;
        cursor.skip(b" msecs (")?;
        cursor.until(b' ')?;
        Some((method, path, bytes, duration, cursor.digits()?))
    };
    let Some((method, path, bytes, duration, status)) = read(&mut cursor) else {
        return;
    };
    field::text(record, "method", method);
    field::text(record, "path", path);
    field::number(record, "bytes", bytes);
    field::number(record, "duration_ms", duration);
    field::number(record, "status", status);
}
