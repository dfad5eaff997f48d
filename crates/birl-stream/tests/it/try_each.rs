//! `try_each`.

use std::cell::Cell;
use std::time::Duration;

use birl_stream::prelude::*;
use futures::FutureExt;
use futures::future::FusedFuture;
use futures::stream;
use proptest::prelude::*;
use tokio::time::{sleep, timeout};

use crate::probe::{Live, paused};

const SECOND: Duration = Duration::from_secs(1);

proptest! {
    #[test]
    fn it_is_try_for_each_of_iterators(
        items in proptest::collection::vec(prop_oneof![9 => (0..50_u32).prop_map(Ok), 1 => (0..50_u32).prop_map(Err)], 0..30),
    ) {
        let step = |n: u32| if n % 10 == 9 { Err(n) } else { Ok(()) };
        let (mut expected, mut plain, mut awaited) = (vec![], vec![], vec![]);
        let result = items.iter().copied().try_for_each(|item| {
            let n = item?;
            expected.push(n);
            step(n)
        });
        paused().block_on(async {
            let run = stream::iter(items.clone()).try_each(|n| {
                plain.push(n);
                step(n)
            });
            assert_eq!(run.await, result);
            let run = stream::iter(items.clone()).try_each(|n| {
                awaited.push(n);
                sleep(SECOND).map(move |()| step(n))
            });
            assert_eq!(run.await, result);
        });
        prop_assert_eq!(&plain, &expected);
        prop_assert_eq!(&awaited, &expected);
    }
}

#[test]
fn after_an_error_the_stream_is_dropped_and_the_rest_is_not_asked_for() {
    let live = Live::default();
    let token = live.token();
    let asked = Cell::new(0);
    let items = stream::iter(0..9).map(|n| {
        let _ = &token;
        asked.set(asked.get() + 1);
        if n == 3 { Err("3 is bad") } else { Ok(n) }
    });
    let token = live.token();
    let mut run = Box::pin(items.try_each(move |_| {
        let _ = &token;
        Ok(())
    }));
    assert!(!run.is_terminated());
    assert_eq!(run.as_mut().now_or_never(), Some(Err("3 is bad")));
    assert!(run.is_terminated());
    assert_eq!(asked.get(), 4);
}

#[tokio::test]
async fn the_question_mark_works_in_steps_of_any_kind() {
    let words = || stream::iter(["1", "2", "x", "3"]).map(Ok);
    let mut total = 0;
    let result = words().try_each(|word| {
        total += word.parse::<u32>()?;
        Ok::<_, std::num::ParseIntError>(())
    });
    assert!(result.await.is_err());
    assert_eq!(total, 3);
    let result = words().try_each(async |word| word.parse::<u32>().map(drop));
    assert!(tokio::spawn(result).await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn dropping_it_loses_the_item_in_work_and_no_other() {
    let mut items = stream::iter([0, 1, 100, 3]).map(Ok::<_, ()>);
    let run = (&mut items).try_each(|n| sleep(n * SECOND).map(Ok));
    assert!(timeout(10 * SECOND, run).await.is_err());
    assert_eq!(items.collect::<Vec<_>>().await, [Ok(3)]);
}
