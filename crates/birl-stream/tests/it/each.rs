//! `each`.

use std::fs;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

use birl_stream::prelude::*;
use birl_stream::testing::at;
use futures::FutureExt;
use futures::future::FusedFuture;
use futures::stream;
use tokio::time::{Instant, sleep, timeout};

use crate::probe::Live;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_plain_closure_may_change_what_is_around_it() {
    let (mut total, mut seen) = (0, vec![]);
    birl_stream::iter(1..=3).each(|n| total += n).await;
    birl_stream::iter(1..=3).each(|n| seen.push(n)).await;
    assert_eq!((total, seen), (6, vec![1, 2, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_step_is_awaited_before_the_next_item() {
    let start = Instant::now();
    let mut begun = vec![];
    let items = at([(SECOND, 1), (2 * SECOND, 2), (20 * SECOND, 3)]);
    items
        .each(|n| {
            begun.push((start.elapsed(), n));
            async { sleep(5 * SECOND).await }
        })
        .await;
    assert_eq!(begun, [(SECOND, 1), (6 * SECOND, 2), (20 * SECOND, 3)]);
    assert_eq!(start.elapsed(), 25 * SECOND);
}

#[tokio::test]
async fn it_can_be_spawned() {
    let task = tokio::spawn(async {
        let mut total = 0;
        stream::iter(0..4).each(|n| total += n).await;
        stream::iter(0..4)
            .each(async |_| sleep(Duration::ZERO).await)
            .await;
        stream::iter(0..4)
            .each(|n| async move { assert!(n < 4) })
            .await;
        total
    });
    assert_eq!(task.await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn dropping_it_loses_the_item_in_work_and_no_other() {
    let mut items = stream::iter([0, 1, 100, 3]);
    let run = (&mut items).each(|n| sleep(n * SECOND));
    assert!(timeout(10 * SECOND, run).await.is_err());
    assert_eq!(items.collect::<Vec<_>>().await, [3]);
}

#[test]
fn the_stream_is_dropped_at_its_end_and_not_polled_again() {
    let live = Live::default();
    let token = live.token();
    // Panics when it is polled after its end.
    let items = stream::unfold(3, move |left| {
        let _ = &token;
        ready((left > 0).then_some(((), left - 1)))
    });
    let mut run = Box::pin(items.each(|()| ()));
    assert!(!run.is_terminated());
    assert_eq!(run.as_mut().now_or_never(), Some(()));
    assert!(run.is_terminated());
    assert_eq!(live.count(), 0);
    let again = catch_unwind(AssertUnwindSafe(|| run.now_or_never()));
    assert_eq!(
        *again.unwrap_err().downcast::<String>().unwrap(),
        "`each` is not polled after it is complete"
    );
}

#[tokio::test(start_paused = true)]
async fn over_our_iter_it_lets_a_timeout_fire() {
    let endless = birl_stream::iter(0_u64..).each(|_| ());
    assert!(timeout(Duration::ZERO, endless).await.is_err());
}

/// What the compiler says of a closure like this one, where it is called for numbers and must
/// return `output`, or a future of it.
fn compiler_says(output: &str, closure: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("main.rs");
    let step = crate::in_package("src/step.rs");
    let source = format!(
        "#[path = {step:?}] mod step;
        fn each<R: step::Step<{output}, M>, M>(_: impl FnMut(u32) -> R) {{}}
        fn main() {{ each({closure}) }}"
    );
    fs::write(&main, source).unwrap();
    let output = Command::new("rustc")
        .args(["--edition=2024", "--emit=metadata", "--out-dir"])
        .args([dir.path(), &main])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let first = errors.lines().find(|line| line.starts_with("error"));
    first.unwrap_or_default().to_owned()
}

#[test]
fn the_compiler_says_what_a_closure_must_return() {
    assert_eq!(compiler_says("()", "|n| drop(n)"), "");
    assert_eq!(compiler_says("()", "async |n| drop(n)"), "");
    assert_eq!(
        compiler_says("()", "|n| n + 1"),
        "error[E0277]: the closure must return `()` or a future of it, and returns `u32`"
    );
    assert_eq!(compiler_says("Result<(), u8>", "|n| Err(n as u8)"), "");
    assert_eq!(
        compiler_says("Result<(), u8>", "|n| drop(n)"),
        "error[E0277]: the closure must return `Result<(), u8>` or a future of it, and returns `()`"
    );
}
