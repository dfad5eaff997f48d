use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

/// A format with an encoder that is not ours.
struct Format {
    content: Content,
    name: &'static str,
    encode: fn(&[u8]) -> Vec<u8>,
}

const FORMATS: [Format; 5] = [
    Format {
        content: Content::Gzip,
        name: "gzip",
        encode: |text| {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        },
    },
    Format {
        content: Content::Zstd,
        name: "zstd",
        encode: |text| {
            let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        },
    },
    Format {
        content: Content::Bzip2,
        name: "bzip2",
        encode: |text| {
            let level = ::bzip2::Compression::fast();
            let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), level);
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        },
    },
    Format {
        content: Content::Xz,
        name: "xz",
        encode: |text| {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        },
    },
    Format {
        content: Content::Lz4,
        name: "lz4",
        encode: |text| {
            let info = lz4_flex::frame::FrameInfo::new()
                .block_size(lz4_flex::frame::BlockSize::Max64KB)
                .content_checksum(true);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        },
    },
];

/// Lines that compress like a log's.
fn log(lines: usize) -> Vec<u8> {
    (0..lines)
        .flat_map(|n| {
            let id = n.wrapping_mul(2_654_435_761) % 1_000_003;
            format!(
                "2026-03-01T12:{:02}:{:02}Z INFO request id={id} status=200\n",
                n / 60 % 60,
                n % 60
            )
            .into_bytes()
        })
        .collect()
}

/// How the bytes come in and how they are taken out.
#[derive(Clone, Copy, Debug)]
struct Pace {
    read_in_max: usize,
    take_out_max: usize,
}

const AT_ONCE: Pace = Pace {
    read_in_max: usize::MAX,
    take_out_max: 1 << 20,
};
const BYTE_BY_BYTE: Pace = Pace {
    read_in_max: 1,
    take_out_max: 1 << 20,
};

/// Gives no more than so many bytes a read.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    read_max: usize,
}

impl Read for Trickle {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let len = output.len().min(self.read_max);
        self.bytes.read(&mut output[..len])
    }
}

/// All that comes out, and the words of the error that ended it.
type Outcome = (Vec<u8>, Option<(ErrorKind, String)>);

fn drain(mut reader: impl Read, take_out_max: usize) -> Outcome {
    let (mut decoded, mut buffer) = (Vec::new(), vec![0; take_out_max]);
    let failure = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break None,
            Ok(read) => decoded.extend_from_slice(&buffer[..read]),
            Err(error) => break Some((error.kind(), error.to_string())),
        }
    };
    assert_eq!(reader.read(&mut buffer).unwrap(), 0, "it is at its end");
    (decoded, failure)
}

fn decode(content: Content, encoded: &[u8], pace: Pace) -> Outcome {
    let trickle = Trickle {
        bytes: Cursor::new(encoded.to_vec()),
        read_max: pace.read_in_max,
    };
    let reader = decoder(content, Box::new(trickle)).unwrap();
    drain(reader, pace.take_out_max)
}

fn whole(text: &[u8]) -> Outcome {
    (text.to_vec(), None)
}

fn cut(text: &[u8], format: &Format) -> Outcome {
    let words = format!("unexpected end of {} data", format.name);
    (text.to_vec(), Some((ErrorKind::UnexpectedEof, words)))
}

#[test]
fn what_an_encoder_wrote_comes_back_at_any_pace() {
    let text = log(5000);
    for format in FORMATS {
        let encoded = (format.encode)(&text);
        assert_eq!(detect(&encoded), format.content);
        for (read_in_max, take_out_max) in [(usize::MAX, 1 << 20), (1, 4096), (4096, 1), (77, 333)]
        {
            let pace = Pace {
                read_in_max,
                take_out_max,
            };
            assert_eq!(
                decode(format.content, &encoded, pace),
                whole(&text),
                "{} {pace:?}",
                format.name
            );
        }
    }
}

#[test]
fn members_follow_one_another_even_empty_ones() {
    let (first, last) = (log(3), log(2000));
    let text = [&first[..], &last].concat();
    for format in FORMATS {
        let member = format.encode;
        let encoded = [
            member(b""),
            member(&first),
            member(b""),
            member(&last),
            member(b""),
        ]
        .concat();
        for pace in [AT_ONCE, BYTE_BY_BYTE] {
            assert_eq!(
                decode(format.content, &encoded, pace),
                whole(&text),
                "{} {pace:?}",
                format.name
            );
        }
        assert_eq!(
            decode(format.content, &member(b""), AT_ONCE),
            whole(b""),
            "{}",
            format.name
        );
    }
}

#[test]
fn input_that_is_cut_anywhere_gives_what_came_before_and_says_so() {
    for format in FORMATS {
        let members = [log(4), log(7)];
        let encoded = members.each_ref().map(|text| (format.encode)(text));
        let boundary = encoded[0].len();
        let (encoded, text) = (encoded.concat(), members.concat());
        for end in 0..encoded.len() {
            let slow = decode(format.content, &encoded[..end], BYTE_BY_BYTE);
            let fast = decode(format.content, &encoded[..end], AT_ONCE);
            assert_eq!(fast, slow, "{} cut at {end}", format.name);
            assert!(text.starts_with(&fast.0), "{} cut at {end}", format.name);
            let expected = if end == boundary {
                whole(&fast.0)
            } else {
                cut(&fast.0, &format)
            };
            assert_eq!(fast, expected, "{} cut at {end}", format.name);
            let from_the_first = if end < boundary { 0 } else { members[0].len() };
            assert!(
                fast.0.len() >= from_the_first,
                "{} cut at {end}",
                format.name
            );
        }
    }
}

/// What can be known of `encoded` if it ends at `end`, as the codec itself says when it gets one
/// byte at a time.
fn known_before(format: &Format, encoded: &[u8], end: usize) -> Vec<u8> {
    decode(format.content, &encoded[..end], BYTE_BY_BYTE).0
}

fn flipped(encoded: &[u8], at: usize) -> Vec<u8> {
    let mut damaged = encoded.to_vec();
    damaged[at] ^= 0x10;
    damaged
}

#[test]
fn a_flipped_byte_costs_nothing_of_what_came_before_it() {
    for format in FORMATS {
        let encoded = [log(4), log(7)].map(|text| (format.encode)(&text)).concat();
        for at in 0..encoded.len() {
            let before = known_before(&format, &encoded, at);
            for pace in [AT_ONCE, BYTE_BY_BYTE] {
                let (decoded, _) = decode(format.content, &flipped(&encoded, at), pace);
                assert!(
                    decoded.starts_with(&before),
                    "{} flipped at {at}, {pace:?}",
                    format.name
                );
            }
        }
    }
}

#[test]
fn damage_in_the_header_of_a_block_costs_nothing_of_the_blocks_before() {
    // So few bytes for so many blocks that the headers are a good part of them.
    let text = b"the same line again\n".repeat(10_000);
    for format in FORMATS {
        let encoded = (format.encode)(&text);
        for at in (0..encoded.len()).step_by(encoded.len() / 100 + 1) {
            let before = known_before(&format, &encoded, at);
            let (decoded, _) = decode(format.content, &flipped(&encoded, at), AT_ONCE);
            assert!(
                decoded.starts_with(&before),
                "{} flipped at {at}",
                format.name
            );
        }
    }
}

#[test]
fn damage_in_a_long_input_costs_nothing_of_what_came_before_it() {
    // Five blocks of 100 kB for bzip2, four of 128 KiB for zstd.
    let text = log(9000);
    for format in FORMATS {
        let encoded = (format.encode)(&text);
        for percent in [45, 90] {
            let at = encoded.len() * percent / 100;
            let before = known_before(&format, &encoded, at);
            assert!(text.starts_with(&before), "{}", format.name);
            // A block, or half a window, may be stuck behind the damage.
            let at_least = (text.len() * percent / 100).saturating_sub(200_000);
            assert!(
                before.len() > at_least,
                "{} {percent} %: {}",
                format.name,
                before.len()
            );
            let (after_cut, failure) = decode(format.content, &encoded[..at], AT_ONCE);
            assert_eq!((after_cut == before, failure), (true, cut(b"", &format).1));
            let (after_flip, _) = decode(format.content, &flipped(&encoded, at), AT_ONCE);
            assert!(
                after_flip.starts_with(&before),
                "{} {percent} %",
                format.name
            );
        }
    }
}

#[test]
fn a_flipped_byte_in_the_content_is_noticed() {
    let text = log(2000);
    for format in FORMATS {
        let encoded = (format.encode)(&text);
        let damaged = flipped(&encoded, encoded.len() / 2);
        let (_, failure) = decode(format.content, &damaged, AT_ONCE);
        let (kind, words) = failure.unwrap();
        // Damage to a length may make the data seem to go on beyond the end.
        let corrupt = (
            ErrorKind::InvalidData,
            format!("corrupt {} data", format.name),
        );
        let expected = [corrupt, cut(b"", &format).1.unwrap()];
        let is_expected =
            |(k, w): &(ErrorKind, String)| *k == kind && words.starts_with(w.as_str());
        assert!(
            expected.iter().any(is_expected),
            "{} {kind} {words}",
            format.name
        );
    }
}

#[test]
fn zeros_after_a_member_are_padding() {
    let text = log(3);
    for format in FORMATS
        .iter()
        .filter(|format| format.content != Content::Lz4)
    {
        let member = (format.encode)(&text);
        let padded = [&member[..], &[0; 512], &member, &[0; 8]].concat();
        let twice = [&text[..], &text].concat();
        for pace in [AT_ONCE, BYTE_BY_BYTE] {
            assert_eq!(
                decode(format.content, &padded, pace),
                whole(&twice),
                "{}",
                format.name
            );
        }
    }
}

#[test]
fn garbage_after_a_member_is_reported_behind_the_text() {
    let text = log(3);
    for format in FORMATS {
        let encoded = [&(format.encode)(&text)[..], b"garbage"].concat();
        let words = format!("trailing garbage after the {} data", format.name);
        let expected = (text.clone(), Some((ErrorKind::InvalidData, words)));
        assert_eq!(decode(format.content, &encoded, AT_ONCE), expected);
        assert_eq!(decode(format.content, &encoded, BYTE_BY_BYTE), expected);
    }
}

#[test]
fn a_window_larger_than_the_usual_one_is_accepted() {
    let text = log(1000);
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder
        .set_parameter(::zstd::stream::raw::CParameter::WindowLog(28))
        .unwrap();
    encoder.write_all(&text).unwrap();
    let encoded = encoder.finish().unwrap();
    assert_eq!(decode(Content::Zstd, &encoded, AT_ONCE), whole(&text));
}

#[test]
fn skippable_frames_are_skipped() {
    let skippable = b"\x53\x2A\x4D\x18\x05\0\0\0skip!";
    let text = log(3);
    for format in FORMATS {
        if !matches!(format.content, Content::Zstd | Content::Lz4) {
            continue;
        }
        let frame = (format.encode)(&text);
        let encoded = [skippable, &frame[..], skippable, &frame, skippable].concat();
        assert_eq!(detect(&encoded), format.content);
        let twice = [&text[..], &text].concat();
        for pace in [AT_ONCE, BYTE_BY_BYTE] {
            assert_eq!(
                decode(format.content, &encoded, pace),
                whole(&twice),
                "{}",
                format.name
            );
        }
        let expected = cut(&twice, &format);
        let end = encoded.len() - 1;
        assert_eq!(decode(format.content, &encoded[..end], AT_ONCE), expected);
    }
}

/// What a command makes of its standard input; `None` where it is not installed.
fn pipe(command: &str, input: &[u8]) -> Option<Vec<u8>> {
    let mut words = command.split(' ');
    let mut child = Command::new(words.next()?)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{command}");
    Some(output.stdout)
}

#[test]
fn what_the_usual_commands_write_is_read() {
    let text = log(9000);
    for command in [
        "gzip -1",
        "gzip -9",
        "zstd -q -1",
        "zstd -q -19 --no-check",
        "zstd -q -3 --long=31",
        "bzip2",
        "xz -0",
        "xz -1 --check=sha256",
        "xz -1 --block-size=65536",
        "lz4 -q",
        "lz4 -q -B4 -BD --content-size",
        "lz4 -q -BX --no-frame-crc",
        "lz4 -q -l",
    ] {
        if let Some(encoded) = pipe(command, &text) {
            let content = detect(&encoded);
            assert!(content.is_compressed(), "{command}");
            assert!(
                decode(content, &encoded, AT_ONCE) == whole(&text),
                "{command}"
            );
        }
    }
}

#[test]
fn a_read_that_was_interrupted_can_be_repeated() {
    /// Fails every other read.
    struct Interrupted(Trickle, bool);
    impl Read for Interrupted {
        fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            self.0.read(output)
        }
    }
    let text = log(300);
    let check = |content, name: &str, encoded: Vec<u8>| {
        let bytes = Trickle {
            bytes: Cursor::new(encoded),
            read_max: 10,
        };
        let mut reader = decoder(content, Box::new(Interrupted(bytes, false))).unwrap();
        let mut decoded = Vec::new();
        reader.read_to_end(&mut decoded).unwrap();
        assert!(decoded == text, "{name}");
    };
    for format in FORMATS {
        check(format.content, format.name, (format.encode)(&text));
    }
    let utf16 = utf16_bytes(
        std::str::from_utf8(&text).unwrap().encode_utf16(),
        u16::to_le_bytes,
    );
    check(Content::Utf16 { big_endian: false }, "utf-16", utf16);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_of_any_kind_costs_nothing_of_what_came_before_it(
        format in 0..FORMATS.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        read_in_max in 1..64_usize,
        take_out_max in 1..300_usize,
    ) {
        let format = &FORMATS[format];
        let mut encoded = [(format.encode)(&log(20)), (format.encode)(&log(3))].concat();
        let first = damage.iter().map(|(at, _)| at.index(encoded.len())).min().unwrap_or(0);
        let before = known_before(format, &encoded, first);
        for (at, byte) in damage {
            let at = at.index(encoded.len());
            encoded[at] = byte;
        }
        for pace in [Pace { read_in_max, take_out_max }, AT_ONCE] {
            let (decoded, _) = decode(format.content, &encoded, pace);
            prop_assert!(decoded.starts_with(&before), "{} {:?}", format.name, pace);
        }
    }

    #[test]
    fn utf16_becomes_what_std_makes_of_it(
        units in proptest::collection::vec(
            prop_oneof![any::<u16>(), 0x20..0x7F_u16, 0xD7F0..0xE010_u16],
            0..200,
        ),
        odd in any::<bool>(),
        read_in_max in 1..9_usize,
        take_out_max in 1..9_usize,
    ) {
        let pace = Pace { read_in_max, take_out_max };
        let mut expected = String::from_utf16_lossy(&units);
        if odd {
            expected.push('\u{fffd}');
        }
        // A high surrogate at the end and the odd byte after it are one flaw, not two.
        let ends_high = matches!(units.last(), Some(0xD800..=0xDBFF));
        prop_assume!(!(odd && ends_high));
        for (big_endian, to_bytes) in [(false, u16::to_le_bytes as fn(u16) -> [u8; 2]), (true, u16::to_be_bytes)] {
            let mut encoded = utf16_bytes(units.iter().copied(), to_bytes);
            encoded.extend(odd.then_some(b'x'));
            let content = Content::Utf16 { big_endian };
            prop_assert_eq!(decode(content, &encoded, pace), whole(expected.as_bytes()));
        }
    }
}

fn utf16_bytes(units: impl Iterator<Item = u16>, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    units.flat_map(to_bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    (FORMATS[0].encode)(bytes)
}

/// What `text_reader` makes of a source of which `head_bytes` were read before.
fn open(source: &[u8], head_bytes: usize) -> (Content, u64, Outcome) {
    let (head, rest) = source.split_at(head_bytes);
    let head = Bytes::copy_from_slice(head);
    let rest = Cursor::new(rest.to_vec());
    let decoded = text_reader(detect(source), head, rest).unwrap();
    (
        decoded.content,
        decoded.bom_bytes,
        drain(decoded.reader, 1000),
    )
}

#[test]
fn what_is_inside_is_detected_again() {
    let little_endian = Content::Utf16 { big_endian: false };
    let utf16 = utf16_bytes("\u{feff}grüße\n".encode_utf16(), u16::to_le_bytes);
    let gzipped = gzip(b"text");
    let cases: [(&[u8], Content, u64, &[u8]); 6] = [
        (b"text", Content::Text { bom: 0 }, 0, b"text"),
        (b"\xEF\xBB\xBFtext", Content::Text { bom: 3 }, 3, b"text"),
        (&utf16, little_endian, 0, "grüße\n".as_bytes()),
        (b"a\0b", Content::Binary, 0, b"a\0b"),
        (b"", Content::Text { bom: 0 }, 0, b""),
        (&gzipped, Content::Gzip, 0, &gzipped),
    ];
    for (inside, content, bom_bytes, text) in cases {
        let expected = (content, bom_bytes, whole(text));
        let outside = gzip(inside);
        for head_bytes in [10, outside.len()] {
            assert_eq!(open(&outside, head_bytes), expected);
        }
        if !content.is_compressed() {
            assert_eq!(open(inside, inside.len()), expected);
        }
    }
}

#[test]
fn a_long_text_comes_whole_from_behind_the_bytes_that_were_judged() {
    let text = log(10_000);
    let content = Content::Text { bom: 0 };
    for (source, head_bytes) in [(text.clone(), 70_000), (gzip(&text), 4096)] {
        assert!(open(&source, head_bytes) == (content, 0, whole(&text)));
    }
}

#[test]
fn damage_among_the_bytes_that_are_judged_comes_after_them() {
    let text = log(500);
    let mut source = gzip(&text);
    source.truncate(source.len() - 1);
    let (content, _, outcome) = open(&source, 10);
    assert_eq!(content, Content::Text { bom: 0 });
    assert_eq!(outcome, cut(&text, &FORMATS[0]));
}
