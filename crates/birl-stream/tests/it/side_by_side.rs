//! Our names beside everybody else's, and under the headings that all of them have.

use std::time::Duration;

use birl_stream::prelude::*;
use futures::stream;

/// Were a name shared, its call would not compile: "multiple applicable items in scope".
#[tokio::test]
#[expect(
    unused_imports,
    reason = "traits are in scope only to clash if they can"
)]
async fn every_method_can_be_called_with_all_extension_traits_in_scope() {
    use futures::FutureExt as _;
    use futures_concurrency::future::FutureExt as _;
    use futures_concurrency::stream::{IntoStream as _, StreamExt as _};
    use futures_lite::FutureExt as _;
    use futures_lite::StreamExt as _;
    use tokio_stream::StreamExt as _;

    let numbers = stream::iter(0..10)
        .prefetch(1)
        .par_map(2, async |n| n)
        .par_map_unordered(1, async |n| n)
        .par_by_key(4, |_| (), async |n| n)
        .retry_each(2, Backoff::default(), |()| true, async |n| Ok::<_, ()>(n))
        .on_error(birl_stream::OnError::Stop)
        .par_map_blocking(2, |n| n)
        .par_flat_map(2, |n, outlet| outlet.send(n).unwrap())
        .par_chunks(2, 3, |chunk| chunk)
        .buffer(1, birl_stream::Overflow::Wait)
        .share(1, birl_stream::lag::Wait)
        .dedup()
        .dedup_by_key(|n| *n)
        .meter(&birl_stream::Meter::new())
        .batched(4)
        .weight(100, |_| 1)
        .within(Duration::from_secs(3600));
    let batches = futures::StreamExt::collect::<Vec<_>>(numbers).await;
    assert_eq!(batches, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);

    let last = stream::iter(0..10)
        .debounce(Duration::from_secs(3600))
        .sample_every(Duration::from_secs(3600))
        .rate_limit(Rate::per_hour(1))
        .idle_timeout(Duration::from_secs(3600));
    last.each(|item| assert_eq!(item, Ok(9))).await;

    let latest = stream::iter([1]).latest_with(stream::iter([2]));
    latest.each(|_| ()).await;

    let windows = Windows::tumbling(Duration::from_nanos(2));
    let counts = stream::iter([1, 2, 3])
        .windows(windows, |n| *n, || 0, |count, _| *count += 1)
        .key(|_| ())
        .lateness(Duration::from_nanos(2))
        .idle(Duration::from_secs(1))
        .ahead_max(Duration::from_secs(1))
        .on_late(drop)
        .on_ahead(drop);
    let gap = Duration::from_nanos(1);
    let counts = counts.sessions(
        gap,
        |it| it.start,
        || 0,
        |n, it| *n += it.value,
        |n, m| *n += m,
    );
    let counts = futures::StreamExt::map(counts, |it| it.value);
    assert_eq!(futures::StreamExt::collect::<Vec<_>>(counts).await, [1, 2]);

    let parsed = stream::iter([Ok::<_, ()>(1)]);
    assert_eq!(parsed.try_each(|_| Ok(())).await, Ok(()));
    let parsed = stream::iter([Ok::<_, ()>(1)]);
    assert_eq!(parsed.try_par_each(2, async |_| Ok(())).await, Ok(()));
    let errors = stream::iter([Err::<(), _>(1)]);
    errors
        .on_error(birl_stream::OnError::Stop)
        .each(|()| ())
        .await;

    let (_, receiver) = tokio::sync::mpsc::channel::<u32>(1);
    receiver.into_stream().each(|_| ()).await;
    let interval = tokio::time::interval(Duration::from_secs(1));
    drop(interval.into_stream());
}

/// The functions of one source file whose lines begin with `start`, each with its documentation.
fn functions(file: &str, start: &str) -> Vec<(String, String)> {
    let path = crate::in_package(&format!("src/{file}.rs"));
    let (mut functions, mut docs) = (vec![], String::new());
    for line in std::fs::read_to_string(path).unwrap().lines() {
        if let Some(doc) = line.trim_start().strip_prefix("///") {
            docs += &format!("{doc}\n");
        } else if let Some(rest) = line.strip_prefix(start) {
            let name = rest.split(['<', '(']).next().unwrap();
            functions.push((name.to_owned(), std::mem::take(&mut docs)));
        } else if !line.trim_start().starts_with("#[") {
            docs.clear();
        }
    }
    functions
}

fn adapters() -> Vec<(String, String)> {
    let methods = ["flow", "try_flow"].map(|file| functions(file, "    fn "));
    methods.into_iter().flatten().collect()
}

#[test]
fn every_adapter_is_called_in_the_test_of_names() {
    let called = include_str!("side_by_side.rs");
    let names = adapters().into_iter().map(|(name, _)| format!(".{name}("));
    let (called, missing): (Vec<_>, Vec<_>) = names.partition(|name| called.contains(name));
    assert_eq!(missing, [""; 0]);
    assert!(called.len() > 20, "only {called:?} have been found");
}

#[test]
fn every_adapter_and_every_source_says_what_all_of_them_say() {
    let sources = [
        "iter",
        "blocking_iter",
        "lines",
        "stream_fn",
        "merge_sorted",
        "reconnect",
    ];
    let sources = sources.map(|file| functions(file, "pub fn "));
    let headings = [
        "Ordering",
        "Backpressure",
        "Cancellation",
        "Errors and panics",
        "Examples",
    ];
    for (name, docs) in sources.into_iter().flatten().chain(adapters()) {
        let said: Vec<_> = docs
            .lines()
            .filter_map(|line| line.strip_prefix(" # "))
            .collect();
        let said: Vec<_> = said
            .into_iter()
            .filter(|line| headings.contains(line))
            .collect();
        assert_eq!(said, headings, "of `{name}`");
    }
}

/// What both preludes bring must be the same thing, or else it could not be named.
#[tokio::test]
#[expect(unused_imports, reason = "one of them is enough")]
async fn the_prelude_of_futures_can_be_used_beside_ours() {
    use birl_stream::prelude::*;
    use futures::prelude::*;

    let numbers = stream::unfold(0, async |n| (n < 3).then_some((n, n + 1)));
    let mut doubled = Vec::new();
    numbers.map(|n| n * 2).each(|n| doubled.push(n)).await;
    assert_eq!(doubled, [0, 2, 4]);
}
