//! What holds of picking, and of reading one record after the other: they find what reading each
//! record by itself finds.

use proptest::prelude::*;

use super::{Parser, Picked, Picker, Reader, Wanted};
use crate::extent::Extents;
use crate::record::Record;
use crate::search::laws::{json, key, logs};

/// Lines of few objects that come again and again, whole and broken, as one logger writes them.
fn repeated() -> impl Strategy<Value = Vec<u8>> {
    let objects = prop::collection::vec(json(), 1..4);
    let order = prop::collection::vec((any::<prop::sample::Index>(), 0..12usize), 2..16);
    (objects, order).prop_map(|(objects, order)| {
        let lines = order.iter().map(|(index, cut)| {
            let line = index.get(&objects).as_bytes();
            let cut = if *cut < 4 { *cut } else { 0 };
            &line[..line.len().saturating_sub(cut)]
        });
        lines.collect::<Vec<_>>().join(&b'\n')
    })
}

/// Access logs, with fields that other lines do not have.
fn accesses() -> impl Strategy<Value = Vec<u8>> {
    let request = prop::sample::select(vec![
        "GET /a?b=c HTTP/1.1",
        "GET / HTTP/1.1",
        "-",
        "\\x16",
        "",
        "a b",
    ]);
    let rest = prop::sample::select(vec![
        "200 5",
        "404 -",
        "000 0",
        "404 - \"-\" \"curl\" bytes=7 path=/z",
        "200 007 \"-\" \"curl\" rt=0.010 urt=\"0.009\"",
        "502 5 \"-\" \"a\" 0.5",
        "5 5",
    ]);
    let line = (request, rest).prop_map(|(request, rest)| {
        format!("192.0.2.1 - ann [14/Mar/2026:14:05:30 +0000] \"{request}\" {rest}")
    });
    prop::collection::vec(line, 1..8).prop_map(|lines| lines.join("\n").into_bytes())
}

fn path() -> impl Strategy<Value = String> {
    let near = [
        "status", "bytes", "method", "path", "query", "protocol", "client", "user",
    ];
    let near = prop::sample::select(near.to_vec());
    prop_oneof![3 => key().prop_map(str::to_owned), 1 => near.prop_map(str::to_owned)]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let paths = prop::collection::vec(path().prop_map(|path| path.into_bytes().into()), 0..4);
    let wanted = (any::<bool>(), any::<bool>(), any::<bool>(), paths);
    wanted.prop_map(|(timestamp, severity, message, paths)| Wanted {
        timestamp,
        severity,
        message,
        paths,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_picked_is_what_whole_records_say(
        chunk in prop_oneof![3 => repeated(), 1 => accesses(), 2 => logs()],
        wanted in wanted(),
    ) {
        let parser = Parser::detect(&[&chunk], 0);
        let mut picker = Picker::new(&parser, wanted.clone());
        let mut picked = Picked::default();
        for extent in Extents::new(&parser, &chunk, true).into_all() {
            let text = &chunk[extent.range];
            picker.pick(text, &mut picked);
            let record = parser.parse(text);
            let fields = wanted.paths.iter().map(|path| parser.get(text, path));
            let expected = Picked {
                timestamp: record.timestamp,
                severity: record.severity,
                message: record.message,
                fields: fields.collect(),
            };
            // What is not wanted may be anything.
            let found = Picked {
                timestamp: if wanted.timestamp { picked.timestamp } else { expected.timestamp },
                severity: if wanted.severity { picked.severity } else { expected.severity },
                message: if wanted.message { picked.message } else { expected.message },
                fields: picked.fields.clone(),
            };
            prop_assert_eq!(found, expected, "{}", String::from_utf8_lossy(text));
        }
    }
    #[test]
    fn what_is_read_one_after_the_other_is_what_each_record_says(
        chunk in prop_oneof![3 => repeated(), 1 => accesses(), 2 => logs()],
    ) {
        let parser = Parser::detect(&[&chunk], 0);
        let mut reader = Reader::new(&parser);
        let mut record = Record::default();
        for extent in Extents::new(&parser, &chunk, true).into_all() {
            let text = &chunk[extent.range];
            reader.read_into(text, &mut record);
            prop_assert_eq!(&record, &parser.parse(text), "{}", String::from_utf8_lossy(text));
        }
    }
}
