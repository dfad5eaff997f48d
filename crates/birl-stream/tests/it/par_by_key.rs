//! What `par_by_key` does for keys. The claims that hold for all of them are in `par_map`.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use birl_stream::prelude::*;
use futures::FutureExt;
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::probe::{Live, Peak, Token, current_thread, message, multi_thread, paused};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    number: usize,
    key: u8,
    ms: u64,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    proptest::collection::vec((0..4_u8, 1..50_u64), 0..40).prop_map(|items| {
        let numbered = items.into_iter().enumerate();
        let items = numbered.map(|(number, (key, ms))| Item { number, key, ms });
        items.collect()
    })
}

async fn work(item: Item) -> Item {
    sleep(Duration::from_millis(item.ms)).await;
    item
}

/// When each item is done, if the consumer always takes what there is: it is let in when less than
/// `limit` of those before it are left, and its turn comes when its key's last one is done.
fn finish_times(items: &[Item], limit: usize) -> Vec<u64> {
    let (mut times, mut of_key) = (Vec::<u64>::new(), HashMap::new());
    for item in items {
        let let_in = item.number.checked_sub(limit.max(1)).map_or(0, |last| {
            let mut before = times.clone();
            before.sort();
            before[last]
        });
        let turn = of_key.get(&item.key).copied().unwrap_or(0);
        let time = let_in.max(turn) + item.ms;
        of_key.insert(item.key, time);
        times.push(time);
    }
    times
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_item_has_its_turn_when_there_is_room_and_the_one_before_of_its_key_is_done(
        items in items(),
        limit in 0..9_usize,
    ) {
        let mut model: Vec<_> = finish_times(&items, limit).into_iter().zip(items.clone()).collect();
        let mut results: Vec<_> = paused().block_on(async {
            let start = Instant::now();
            let results = iter(items).par_by_key(limit, |item| item.key, work);
            let elapsed = || start.elapsed().as_millis() as u64;
            results.map(|item| (elapsed(), item)).collect().await
        });
        prop_assert!(results.is_sorted_by_key(|(time, _)| *time));
        // Those of different keys that are done in the same millisecond come in any order.
        model.sort();
        results.sort();
        prop_assert_eq!(results, model);
    }
}

#[test]
fn two_items_of_a_key_are_never_in_work_together_and_their_results_are_in_order() {
    for runtime in [current_thread(), multi_thread()] {
        let busy: Arc<[AtomicBool; 3]> = Arc::default();
        let results = iter(0..3000_usize).par_by_key(
            7,
            |n| n % 3,
            move |n| {
                let busy = Arc::clone(&busy);
                // Before the first `await`, in the call itself.
                assert!(!busy[n % 3].swap(true, Ordering::SeqCst));
                async move {
                    tokio::task::yield_now().await;
                    busy[n % 3].store(false, Ordering::SeqCst);
                    n
                }
            },
        );
        let results: Vec<_> = runtime.block_on(results.collect());
        for key in 0..3 {
            let of_key = results.iter().copied().filter(|n| n % 3 == key);
            assert!(of_key.eq((key..3000).step_by(3)));
        }
    }
}

struct Key {
    number: u32,
    _token: Token,
    live: Live,
}

impl Clone for Key {
    fn clone(&self) -> Self {
        Self {
            _token: self.live.token(),
            live: self.live.clone(),
            ..*self
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

#[tokio::test]
async fn idle_keys_are_forgotten() {
    let (live, peak) = (Live::default(), Peak::default());
    let (keys, seen) = (live.clone(), peak.clone());
    let key = move |n: &u32| {
        let token = keys.token();
        seen.see(token.count());
        Key {
            number: n / 2,
            _token: token,
            live: keys.clone(),
        }
    };
    let upstream = iter(0..1000).chain(stream::pending());
    let mut results = upstream.par_by_key(4, key, async |n| n);
    assert_eq!(results.by_ref().take(1000).count().await, 1000);
    assert_eq!(live.count(), 0);
    // Of 3 items in work, each key is in the map and with its task; the fourth's was just made.
    assert!(peak.get() <= 7);
}

#[tokio::test(start_paused = true)]
async fn as_many_results_as_the_limit_says_wait_for_the_consumer() {
    let pulled = Peak::default();
    let seen = pulled.clone();
    let mut results = iter(1..=100_usize)
        .inspect(move |n| seen.see(*n))
        .par_by_key(3, |_| (), async |n| n);
    assert!(futures::poll!(results.next()).is_pending());
    sleep(Duration::from_secs(1)).await;
    // The third result stands for no item in work, and there was no room to let another in.
    assert_eq!(pulled.get(), 3 + 2);
    assert_eq!(results.size_hint(), (3, None));
    assert_eq!(
        results.collect::<Vec<_>>().await,
        (1..=100).collect::<Vec<_>>()
    );
}

#[test]
fn items_that_wait_for_their_turn_are_dropped_too() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            let live = Live::default();
            let items: Vec<_> = (0..10).map(|_| live.token()).collect();
            let (begun, mut has_begun) = mpsc::unbounded_channel();
            let mut results = iter(items).par_by_key(
                5,
                |_| (),
                move |item| {
                    begun.send(()).unwrap();
                    async move {
                        std::future::pending::<()>().await;
                        drop(item);
                    }
                },
            );
            assert!(futures::poll!(results.next()).is_pending());
            has_begun.recv().await.unwrap();
            results.shutdown().await;
            assert_eq!(live.count(), 0);
        });
    }
}

/// On one thread, a task that never yields would keep this from ending.
#[tokio::test]
async fn an_endless_upstream_and_a_large_limit_let_others_run() {
    let upstream = stream::repeat(());
    let mut results = upstream.par_by_key(usize::MAX, |()| (), async |()| ());
    assert_eq!(results.next().await, Some(()));
    results.shutdown().await;
}

#[tokio::test]
async fn a_panic_in_key_resumes_after_the_results_before_it() {
    let key = |n: &u32| assert!(*n != 5, "key is bad");
    let mut results = iter(0..).par_by_key(1, key, async |n| n);
    for n in 0..5 {
        assert_eq!(results.next().await, Some(n));
    }
    let panic = AssertUnwindSafe(results.next()).catch_unwind().await;
    assert_eq!(message(panic.unwrap_err()), "key is bad");
    assert_eq!(results.next().await, None);
}

#[tokio::test]
async fn after_an_error_the_next_item_of_its_key_has_its_turn() {
    let results = iter(0..4).par_by_key(2, |_| (), async |n| if n == 1 { Err(n) } else { Ok(n) });
    assert_eq!(
        results.collect::<Vec<_>>().await,
        [Ok(0), Err(1), Ok(2), Ok(3)]
    );
}
