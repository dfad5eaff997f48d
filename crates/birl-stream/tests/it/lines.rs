//! Lines held against splitting everything in memory.

use std::fs::{self, File};
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use birl_stream::lines::{Line, Lines};
use birl_stream::prelude::*;
use birl_stream::testing::check_contract;
use birl_stream::{lines, lines_from};
use futures::FutureExt;
use futures::stream::FusedStream;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, ReadBuf};
use tokio::time::timeout;

use crate::probe::{Live, Token, current_thread, message, multi_thread};

/// A line as the model has it: number, offset, content, and whether it was cut.
type Expected = (u64, u64, Vec<u8>, bool);

fn model(text: &[u8], max: usize) -> Vec<Expected> {
    let mut offset = 0;
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let lines = lines.zip(1..).map(|(line, number)| {
        let content = match line.strip_suffix(b"\n") {
            Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
            None => line,
        };
        let start = offset;
        offset += line.len() as u64;
        let kept = content[..content.len().min(max)].to_vec();
        (number, start, kept, content.len() > max)
    });
    lines.collect()
}

fn seen<B: AsRef<[u8]>>(line: &Line<B>) -> Expected {
    let bytes = line.as_bytes().to_vec();
    (line.number(), line.offset(), bytes, line.is_truncated())
}

/// Gives the parts, one at each read, and an error at the end if there is one.
struct Parts {
    parts: Vec<Vec<u8>>,
    error: Option<io::Error>,
}

impl Parts {
    /// `text` cut after as many bytes as each of `lengths` says, in turn.
    fn of(mut text: &[u8], lengths: &[usize]) -> Self {
        let mut parts = Vec::new();
        for length in lengths.iter().cycle() {
            if text.is_empty() {
                break;
            }
            let (part, rest) = text.split_at(text.len().min(*length));
            parts.push(part.to_vec());
            text = rest;
        }
        parts.reverse();
        Self { parts, error: None }
    }
}

impl AsyncRead for Parts {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut part) = self.parts.pop() {
            let rest = part.split_off(part.len().min(buffer.remaining()));
            buffer.put_slice(&part);
            if !rest.is_empty() {
                self.parts.push(rest);
            }
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(self.error.take().map_or(Ok(()), Err))
    }
}

async fn collect(lines: Lines) -> Vec<Expected> {
    lines
        .map(|line| seen(&line.unwrap()))
        .collect::<Vec<_>>()
        .await
}

async fn collect_batches(lines: Lines) -> Vec<Expected> {
    let mut all = Vec::new();
    let mut batches = lines.batches();
    while let Some(batch) = batches.next().await {
        let batch = batch.unwrap();
        let borrowed: Vec<_> = batch.iter().map(|line| seen(&line)).collect();
        assert_eq!(borrowed.len(), batch.len());
        assert_eq!(
            (batch.number(), batch.offset()),
            (borrowed[0].0, borrowed[0].1)
        );
        let owned: Vec<_> = batch.clone().into_iter().map(|line| seen(&line)).collect();
        assert_eq!(borrowed, owned);
        all.extend(borrowed);
    }
    all
}

fn write(text: impl AsRef<[u8]>) -> (TempDir, std::path::PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, text).unwrap();
    (directory, path)
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\xff\0".to_vec()),
        4 => proptest::collection::vec(b'a'..=b'z', 0..12),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn lines_of_a_reader_are_those_of_its_text_however_it_is_cut(
        text in text(),
        lengths in proptest::collection::vec(1_usize..9, 1..6),
        max in 0_usize..16,
    ) {
        let lines = || lines_from(Parts::of(&text, &lengths)).line_bytes_max(max);
        let (single, batched) = current_thread().block_on(async {
            (collect(lines()).await, collect_batches(lines()).await)
        });
        prop_assert_eq!(&single, &model(&text, max));
        prop_assert_eq!(&batched, &single);
    }

    #[test]
    fn lines_are_those_of_tokio(text in "[a-z\r\n]{0,60}") {
        let ours = lines_from(Parts::of(text.as_bytes(), &[3]));
        let (ours, theirs) = current_thread().block_on(async {
            let ours = ours.map(|line| line.unwrap().to_string()).collect::<Vec<_>>().await;
            let mut lines = text.as_bytes().lines();
            let mut theirs = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                theirs.push(line);
            }
            (ours, theirs)
        });
        prop_assert_eq!(ours, theirs);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Lengths about that of a block, so that lines lie across the edges of blocks.
    #[test]
    fn lines_of_a_file_are_those_of_its_text(
        lengths in proptest::collection::vec(
            prop_oneof![0_usize..300, 524_280_usize..524_290, 1_048_570_usize..1_048_580], 0..8),
        end in proptest::sample::select(vec!["\n", "\r\n"]),
        whole in proptest::bool::ANY,
        max in proptest::sample::select(vec![10, 524_286, 1 << 20]),
    ) {
        let lines: Vec<String> = lengths.iter().map(|&length| "x".repeat(length)).collect();
        let mut text = lines.join(end);
        if whole {
            text.push_str(end);
        }
        let (_directory, path) = write(&text);
        let open = || lines_of(&path, max);
        let (single, batched) = multi_thread().block_on(async {
            (collect(open()).await, collect_batches(open()).await)
        });
        // Equality is asserted without the lines, which are long.
        let expected = model(text.as_bytes(), max);
        prop_assert!(single == expected, "lengths: {:?}", lengths);
        prop_assert!(batched == expected, "in batches, lengths: {:?}", lengths);
    }
}

/// The first line ends in such a place that the second one's `\r` is the last byte of a block.
#[tokio::test]
async fn an_end_that_lies_across_blocks_is_no_part_of_the_line() {
    let short = b"short\r\nlast";
    let mut text = vec![b'x'; (1 << 20) - b"\nshort\r".len()];
    text.push(b'\n');
    text.extend_from_slice(short);
    let (_directory, path) = write(&text);
    let expected = model(&text, 1 << 20);
    assert!(collect(lines(&path)).await == expected);
    assert!(collect_batches(lines(&path)).await == expected);
}

fn lines_of(path: &std::path::Path, max: usize) -> Lines {
    lines(path).line_bytes_max(max)
}

#[tokio::test]
async fn an_error_of_opening_or_reading_comes_once_and_names_the_file() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing.log");
    let cases = [
        (
            missing.as_path(),
            "open",
            "No such file or directory (os error 2)",
        ),
        (directory.path(), "read", "Is a directory (os error 21)"),
    ];
    for (path, act, error) in cases {
        let mut lines = lines(path);
        let message = lines.next().await.unwrap().unwrap_err().to_string();
        assert_eq!(
            message,
            format!("cannot {act} \"{}\": {error}", path.display())
        );
        for _ in 0..3 {
            assert!(lines.next().await.is_none());
        }
        assert!(lines.is_terminated());
    }
}

#[tokio::test]
async fn what_was_read_comes_before_the_error_of_a_reader() {
    let mut parts = Parts::of(b"one\ntwo", &[7]);
    parts.error = Some(io::Error::other("the line went dead"));
    let lines: Vec<_> = lines_from(parts)
        .map(|line| {
            line.map(|line| line.to_string())
                .map_err(|error| error.to_string())
        })
        .collect()
        .await;
    let expected = [Ok("one"), Ok("two"), Err("the line went dead")];
    assert_eq!(
        lines,
        expected.map(|line| line.map(str::to_owned).map_err(str::to_owned))
    );
}

#[tokio::test]
async fn a_line_that_is_no_text_is_a_line() {
    let text: &[u8] = b"caf\xe9 ERROR\n";
    let line = lines_from(text).next().await.unwrap().unwrap();
    assert!(line.contains("ERROR") && !line.contains("WARN"));
    assert_eq!(line.to_str().unwrap_err().valid_up_to(), 3);
    assert_eq!(line.to_string(), "caf\u{fffd} ERROR");
}

#[tokio::test]
async fn a_line_is_given_as_soon_as_its_end_has_come() {
    let (mut writer, reader) = tokio::io::duplex(64);
    let mut lines = lines_from(reader);
    tokio::io::AsyncWriteExt::write_all(&mut writer, b"one\ntw")
        .await
        .unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "one");
    assert!(lines.next().now_or_never().is_none());
    tokio::io::AsyncWriteExt::write_all(&mut writer, b"o\n")
        .await
        .unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "two");
}

#[tokio::test]
async fn shutdown_does_not_wait_for_the_end_of_a_line_of_a_terabyte() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sparse.log");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let mut lines = lines(&path);
    assert!(lines.next().now_or_never().is_none());
    lines.shutdown().await;
}

#[test]
fn files_that_wait_for_each_other_need_no_thread_each() {
    let files: Vec<_> = (0..4)
        .map(|file| write(format!("{file:0>99}\n").repeat(80_000)))
        .collect();
    let one_thread = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let counted = one_thread.block_on(async {
        let mut all: Vec<_> = files.iter().map(|(_, path)| lines(path)).collect();
        let mut counted = 0;
        // A line of each file in turn, so that none can come to its end before the others.
        'turns: loop {
            for (file, lines) in all.iter_mut().enumerate() {
                let Some(line) = lines.next().await else {
                    break 'turns;
                };
                assert_eq!(line.unwrap(), format!("{file:0>99}").as_str());
                counted += 1;
            }
        }
        counted
    });
    assert_eq!(counted, 4 * 80_000);
}

#[tokio::test]
async fn of_a_long_line_the_beginning_is_kept_and_the_next_one_follows() {
    let mut text = vec![b'x'; 3 << 20];
    text.extend_from_slice(b"\nnext\n");
    let (_directory, path) = write(&text);
    let lines = collect(lines(&path)).await;
    let kept = vec![b'x'; 1 << 20];
    let next = (2, (3 << 20) + 1, b"next".to_vec(), false);
    assert!(lines == [(1, 0, kept, true), next], "{} lines", lines.len());
}

/// Gives a line, and panics when it is asked for more.
struct Panics {
    given: bool,
    _held: Token,
}

impl AsyncRead for Panics {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        assert!(!self.given, "the reader panics");
        self.given = true;
        buffer.put_slice(b"one\ntwo");
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_panic_of_the_reader_passes_through_and_dropping_drops_it() {
    let live = Live::default();
    let reader = Panics {
        given: false,
        _held: live.token(),
    };
    let mut lines = lines_from(reader);
    assert_eq!(lines.next().await.unwrap().unwrap(), "one");
    let panic = AssertUnwindSafe(lines.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "the reader panics");
    assert_eq!(live.count(), 1);
    drop(lines);
    assert_eq!(live.count(), 0);
}

#[tokio::test]
async fn a_timeout_fires_around_a_reader_that_always_has_more() {
    let endless = lines_from(tokio::io::repeat(b'\n')).each(|_| ());
    assert!(timeout(Duration::from_millis(1), endless).await.is_err());
}

#[tokio::test]
async fn lines_keep_the_contract_of_streams() {
    let (_directory, path) = write("one\ntwo\nthree");
    let texts = |lines: Vec<io::Result<Line>>| -> Vec<String> {
        lines
            .into_iter()
            .map(|line| line.unwrap().to_string())
            .collect()
    };
    let expected = ["one", "two", "three"];
    assert_eq!(texts(check_contract(lines(&path)).await), expected);
    let parts = Parts::of(b"one\ntwo\nthree", &[1, 2]);
    assert_eq!(texts(check_contract(lines_from(parts)).await), expected);
    assert_eq!(check_contract(lines(&path).batches()).await.len(), 2);
}
