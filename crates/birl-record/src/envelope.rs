//! What container engines put around each line of a log.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use crate::json;

/// Who put something around each line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// Kubernetes' runtimes: `2026-03-14T14:05:30.5Z stdout F line`.
    Cri,
    /// `docker compose logs`: `web-1  | line`.
    Compose,
    /// `kubectl logs --prefix`: `[pod/web-1/app] line`.
    Pod,
    /// `docker logs -t`: `2026-03-14T14:05:30.123456789Z line`.
    Stamped,
    /// Docker's json-file: `{"log":"line\n","stream":"stdout","time":"…"}`.
    Docker,
}

/// A line in its envelope.
#[derive(Clone, Debug)]
pub(crate) struct Enclosed<'a> {
    whole: &'a [u8],
    /// Where the line stands in it.
    pub(crate) range: Range<usize>,
    /// Whether the line goes on with the next one.
    pub(crate) is_partial: bool,
    /// When it was written.
    pub(crate) time: Option<&'a [u8]>,
    /// Which stream it was written to, or which container wrote it.
    pub(crate) origin: (&'static str, &'a [u8]),
}

impl<'a> Enclosed<'a> {
    /// The line as it is written: in a string of JSON with what that escapes.
    pub(crate) fn line(&self) -> &'a [u8] {
        &self.whole[self.range.clone()]
    }

    /// The name of the container, where there are several; else none.
    pub(crate) fn writer(&self) -> &'a [u8] {
        match self.origin {
            ("container", name) => name,
            _ => b"",
        }
    }
}

impl Envelope {
    /// Opens the envelope, if `text` is a line in one.
    pub(crate) fn open(self, text: &[u8]) -> Option<Enclosed<'_>> {
        match self {
            Envelope::Cri => open_cri(text),
            Envelope::Compose => open_compose(text),
            Envelope::Pod => open_pod(text),
            Envelope::Stamped => open_stamped(text),
            Envelope::Docker => open_docker(text),
        }
    }

    /// The bytes that a line means.
    pub(crate) fn decode(self, line: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Envelope::Docker => json::unescape(line),
            _ => Cow::Borrowed(line),
        }
    }

    /// The text that lines mean together, of which the first begins without its envelope, and
    /// perhaps behind its beginning.
    pub(crate) fn join(self, text: &[u8], mut is_partial: bool) -> Vec<u8> {
        let mut meant = Vec::with_capacity(text.len());
        let mut lines = text.split(|byte| *byte == b'\n');
        let mut first = lines.next().unwrap_or_default();
        if self == Envelope::Docker {
            let end = json::string_end(first).map_or(first.len(), |(end, _)| end);
            (first, is_partial) = without_newline(&first[..end]);
        }
        meant.extend_from_slice(&self.decode(first));
        for line in lines {
            if !is_partial {
                meant.push(b'\n');
            }
            match self.open(line) {
                Some(enclosed) => {
                    meant.extend_from_slice(&self.decode(enclosed.line()));
                    is_partial = enclosed.is_partial;
                }
                None => meant.extend_from_slice(line),
            }
        }
        meant
    }
}

fn open_cri(text: &[u8]) -> Option<Enclosed<'_>> {
    let at = memchr(b' ', text)?;
    let (time, rest) = text.split_at(at);
    let (stream, rest) = rest[1..].split_at_checked("stdout".len())?;
    let rest = rest.strip_prefix(b" ")?;
    if !matches!(stream, b"stdout" | b"stderr") {
        return None;
    }
    // Behind the first letter there may be more tags, with colons between them.
    let end = memchr(b' ', rest).unwrap_or(rest.len());
    let is_partial = match &rest[..end] {
        [b'F'] | [b'F', b':', ..] => false,
        [b'P'] | [b'P', b':', ..] => true,
        _ => return None,
    };
    let start = text.len() - rest.len() + end;
    Some(Enclosed {
        whole: text,
        range: (start + 1).min(text.len())..text.len(),
        is_partial,
        time: Some(time),
        origin: ("stream", stream),
    })
}

fn open_compose(text: &[u8]) -> Option<Enclosed<'_>> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let len = text.iter().take_while(is_part).count();
    let spaces = text[len..].iter().take_while(|byte| **byte == b' ').count();
    let bar = len + spaces;
    if len == 0 || spaces == 0 || text.get(bar) != Some(&b'|') {
        return None;
    }
    let start = match text.get(bar + 1) {
        None => bar + 1,
        Some(b' ') => bar + 2,
        Some(_) => return None,
    };
    Some(Enclosed {
        whole: text,
        range: start..text.len(),
        is_partial: false,
        time: None,
        origin: ("container", &text[..len]),
    })
}

fn open_pod(text: &[u8]) -> Option<Enclosed<'_>> {
    const START: &[u8] = b"[pod/";
    let inside = text.strip_prefix(START)?;
    let (name, behind) = inside.split_at(memchr(b']', inside)?);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-./_".contains(byte);
    if !name.contains(&b'/') || !name.iter().all(is_part) {
        return None;
    }
    let space = match behind {
        [_] => 0,
        [_, b' ', ..] => 1,
        _ => return None,
    };
    Some(Enclosed {
        whole: text,
        range: START.len() + name.len() + 1 + space..text.len(),
        is_partial: false,
        time: None,
        origin: ("container", name),
    })
}

fn open_stamped(text: &[u8]) -> Option<Enclosed<'_>> {
    const STAMP: &[u8] = b"0000-00-00T00:00:00.000000000Z";
    let (time, behind) = text.split_at_checked(STAMP.len())?;
    let mut pairs = time.iter().zip(STAMP);
    let is_stamp = pairs.all(|(byte, like)| match like {
        b'0' => byte.is_ascii_digit(),
        like => byte == like,
    });
    let start = match behind {
        [] => 0,
        [b' ', ..] => 1,
        _ => return None,
    };
    is_stamp.then_some(Enclosed {
        whole: text,
        range: STAMP.len() + start..text.len(),
        is_partial: false,
        time: Some(time),
        origin: ("", b""),
    })
}

fn open_docker(text: &[u8]) -> Option<Enclosed<'_>> {
    const START: &[u8] = br#"{"log":""#;
    const TIME: &[u8] = br#","time":""#;
    if !text.starts_with(START) {
        return None;
    }
    let (end, _) = json::string_end(&text[START.len()..])?;
    let (line, behind) = text[START.len()..].split_at(end);
    let behind = behind.strip_prefix(br#"","stream":""#)?;
    let (stream, behind) = behind.split_at(memchr(b'"', behind)?);
    // Labels may stand between them.
    let time = memmem::rfind(behind, TIME).map(|at| &behind[at + TIME.len()..])?;
    let time = &time[..memchr(b'"', time)?];
    let (line, is_partial) = without_newline(line);
    Some(Enclosed {
        whole: text,
        range: START.len()..START.len() + line.len(),
        is_partial,
        time: Some(time),
        origin: ("stream", stream),
    })
}

/// A line in a string of JSON without the newline at its end, and whether it has none.
fn without_newline(line: &[u8]) -> (&[u8], bool) {
    match line.strip_suffix(br"\n") {
        Some(line) => (line.strip_suffix(br"\r").unwrap_or(line), false),
        None => (line, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(envelope: Envelope, text: &str) -> Option<(String, bool)> {
        let enclosed = envelope.open(text.as_bytes())?;
        let line = String::from_utf8_lossy(&envelope.decode(enclosed.line())).into_owned();
        Some((line, enclosed.is_partial))
    }

    #[track_caller]
    fn assert_opened(envelope: Envelope, text: &str, line: &str, is_partial: bool) {
        assert_eq!(opened(envelope, text), Some((line.to_owned(), is_partial)));
    }

    #[test]
    fn lines_are_taken_out_of_their_envelopes() {
        let time = "2026-03-14T14:05:30.5Z";
        assert_opened(Envelope::Cri, &format!("{time} stdout F a b"), "a b", false);
        assert_opened(Envelope::Cri, &format!("{time} stderr P:x  a"), " a", true);
        assert_opened(Envelope::Cri, &format!("{time} stdout F"), "", false);
        assert_opened(Envelope::Compose, "web-1   | a | b", "a | b", false);
        assert_opened(Envelope::Compose, "web-1 |", "", false);
        assert_opened(Envelope::Pod, "[pod/web-1/app]  a ] b", " a ] b", false);
        assert_opened(Envelope::Pod, "[pod/web-1/app]", "", false);
        let stamp = "2026-03-14T14:05:30.123456789Z";
        assert_opened(Envelope::Stamped, &format!("{stamp} \ta"), "\ta", false);
        assert_opened(Envelope::Stamped, stamp, "", false);
        let docker = r#"{"log":"a \"b\"\r\n","stream":"stdout","time":"x"}"#;
        assert_opened(Envelope::Docker, docker, "a \"b\"", false);
        let docker = r#"{"log":"a","stream":"stdout","attrs":{"k":"v"},"time":"x"}"#;
        assert_opened(Envelope::Docker, docker, "a", true);
    }

    #[test]
    fn other_lines_have_no_envelope() {
        for text in [
            "",
            "a b c",
            "2026-03-14T14:05:30.5Z stdout x a",
            "2026-03-14T14:05:30.5Z stdout",
            "web-1|x",
            "web-1 |x",
            "| x",
            r#"{"log":{"level":"info"},"stream":"a","time":"b"}"#,
            r#"{"log":"a","stream":"stdout"}"#,
            r#"{"log":"a"#,
            "[pod/web-1] a",
            "[pod/a b/c] a",
            "[pod/web-1/app]a",
            "2026-03-14T14:05:30.12345678Z a",
            "2026-03-14T14:05:30.123456789Za",
        ] {
            for envelope in [
                Envelope::Cri,
                Envelope::Compose,
                Envelope::Pod,
                Envelope::Stamped,
                Envelope::Docker,
            ] {
                assert_eq!(opened(envelope, text), None, "{text}");
            }
        }
    }

    #[test]
    fn lines_are_joined_without_their_envelopes() {
        let join = |envelope: Envelope, text: &str, is_partial| {
            String::from_utf8(envelope.join(text.as_bytes(), is_partial)).unwrap()
        };
        let cri = "a\n2026-03-14T14:05:30Z stderr P  b\n2026-03-14T14:05:30Z stderr F c\nd";
        assert_eq!(join(Envelope::Cri, cri, false), "a\n bc\nd");
        assert_eq!(join(Envelope::Cri, cri, true), "a bc\nd");
        let docker = r#"\ta\n","stream":"stdout","time":"x"}
{"log":"\tb","stream":"stdout","time":"x"}
{"log":"c\n","stream":"stdout","time":"x"}"#;
        assert_eq!(join(Envelope::Docker, docker, false), "\ta\n\tbc");
        assert_eq!(join(Envelope::Compose, "a\nweb-1 | b", false), "a\nb");
    }
}
