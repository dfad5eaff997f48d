//! What Docker's driver json-file writes: a line of any format in a string of JSON, with its stream
//! and its time.

use super::enclosed::Enclosed;
use super::{Known, Sample};
use crate::envelope::Envelope;

pub(super) const KNOWN: Known = Known {
    name: "docker",
    about: "Docker's json-file, around lines of any format",
    samples: &[
        Sample {
            text: r#"{"log":"say \"no\"\t\u003cluck\u003e\n","stream":"stdout","time":"2026-03-14T14:05:30.123456789Z"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.123456789Z","message":"say \"no\"\t<luck>","stream":"stdout"}"#,
        },
        Sample {
            text: r#"{"log":"{\"level\":\"error\",\"ts\":1773497130.1,\"msg\":\"say \\\"no\\\"\",\"req\":{\"id\":7},\"dir\":\"C:\\\\a\"}\n","stream":"stderr","attrs":{"env":"test"},"time":"2026-03-14T14:05:30.1Z"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","level":"error","message":"say \"no\"","ts":1773497130.1,"req":"{\"id\":7}","dir":"C:\\a","stream":"stderr","attrs":{"env":"test"}}"#,
        },
        Sample {
            text: r#"{"log":"level=warn msg=\"say \\\"no\\\"\" n=1\n","stream":"stderr","time":"2026-03-14T14:05:30.1Z"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","level":"warn","message":"say \"no\"","n":"1","stream":"stderr"}"#,
        },
        Sample {
            text: r#"{"log":"203.0.113.7 - - [14/Mar/2026:14:05:30 +0000] \"GET /\\x22 HTTP/1.1\" 200 5 \"-\" \"curl/8.5\"\n","stream":"stdout","time":"2026-03-14T14:05:30.1Z"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","message":"GET /\" HTTP/1.1","client":"203.0.113.7","method":"GET","path":"/\"","protocol":"HTTP/1.1","status":200,"bytes":5,"user_agent":"curl/8.5","stream":"stdout"}"#,
        },
        Sample {
            text: r#"{"log":"2026-03-14 14:05:30,100 ERROR [main] c.s.Main - say \"no\"\n","stream":"stdout","time":"2026-03-14T14:05:30.1Z"}
{"log":"\u0009at c.s.Main.main(Main.java:7)\n","stream":"stdout","time":"2026-03-14T14:05:30.1Z"}
{"log":"\tat c.s.Main.run(Main.java:9)\n","stream":"stdout","time":"2026-03-14T14:05:30.1Z"}"#,
            record: r#"{"timestamp":"2026-03-14T14:05:30.1Z","level":"error","message":"say \"no\"\n\tat c.s.Main.main(Main.java:7)\n\tat c.s.Main.run(Main.java:9)","thread":"main","logger":"c.s.Main","stream":"stdout"}"#,
        },
    ],
    open: |lines| Enclosed::of(KNOWN.name, Envelope::Docker, lines),
};

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use crate::value::Value;

    #[test]
    fn what_is_nested_in_the_line_is_found_by_its_path() {
        let text = br#"{"log":"{\"msg\":\"a\",\"req\":{\"id\":7,\"user\":{\"name\":\"a\\\"b\"}}}\n","stream":"stdout","attrs":{"env":"test"},"time":"2026-03-14T14:05:30.1Z"}"#;
        let parser = Parser::detect(&[text], 0);
        let value = |path: &str| {
            let value = parser.get(text, path.as_bytes())?;
            Some(String::from_utf8(value.bytes().into_owned()).unwrap())
        };
        assert_eq!(value("req.id").as_deref(), Some("7"));
        assert_eq!(value("req.user.name").as_deref(), Some("a\"b"));
        assert_eq!(value("attrs.env").as_deref(), Some("test"));
        assert_eq!(value("stream").as_deref(), Some("stdout"));
        assert_eq!(value("req.none"), None);
        assert_eq!(parser.get(text, b"req.id"), Some(Value::Number(b"7")));
    }

    #[test]
    fn a_line_without_its_envelope_is_no_record_of_it() {
        let text = br#"{"log":{"level":"info"},"stream":"stdout","time":"2026-03-14T14:05:30.1Z"}"#;
        let parser = Parser::detect(&[text], 0);
        let names: Vec<_> = parser.formats().map(|format| format.name()).collect();
        assert_eq!(names, ["json"]);
    }
}
