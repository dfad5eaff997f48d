//! Streams whose work stands still while their consumer awaits, and ours, whose work does not.

use std::sync::Arc;
use std::time::Duration;

use birl_stream::prelude::*;
use futures::stream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

type Lock = Arc<Mutex<()>>;

async fn work(lock: Lock, n: u32) -> u32 {
    let _guard = lock.lock().await;
    tokio::task::yield_now().await;
    n
}

/// Sums the results, under the lock that the work needs as well. `None` if it never comes to an
/// end.
async fn sum(lock: Lock, mut results: impl Stream<Item = u32> + Unpin) -> Option<u32> {
    let run = async {
        let mut sum = 0;
        while let Some(n) = results.next().await {
            let _guard = lock.lock().await;
            sum += n;
        }
        sum
    };
    // Paused time reaches this as soon as everybody waits for somebody.
    timeout(Duration::from_secs(3600), run).await.ok()
}

/// <https://github.com/rust-lang/futures-rs/issues/2387>
#[tokio::test(start_paused = true)]
async fn work_that_shares_a_lock_with_the_consumer_deadlocks_when_buffered_and_not_here() {
    let lock = Lock::default();
    let theirs = {
        let lock = Arc::clone(&lock);
        move |n| work(Arc::clone(&lock), n)
    };
    let ours = theirs.clone();
    let numbers = || stream::iter(1..=10);

    let buffered = numbers().map(theirs.clone()).buffered(4);
    assert_eq!(sum(Arc::clone(&lock), buffered).await, None);
    let buffered = numbers().map(theirs).buffer_unordered(4);
    assert_eq!(sum(Arc::clone(&lock), buffered).await, None);

    let results = numbers().par_map(4, ours.clone());
    assert_eq!(sum(Arc::clone(&lock), results).await, Some(55));
    let results = numbers().par_map_unordered(4, ours.clone());
    assert_eq!(sum(Arc::clone(&lock), results).await, Some(55));
    let results = numbers().par_by_key(4, |n| n % 3, ours.clone());
    assert_eq!(sum(Arc::clone(&lock), results).await, Some(55));

    // No cure: a task that has no room for a result does not poll what is buffered either.
    let prefetched = numbers().map(ours).buffered(4).prefetch(1);
    assert_eq!(sum(lock, prefetched).await, None);
}

/// A future inside a stream keeps its place in a lock's queue though nobody polls it any more
/// (<https://rfd.shared.oxide.computer/rfd/0609>).
#[tokio::test(start_paused = true)]
async fn a_select_that_gives_up_on_a_stream_deadlocks_without_prefetch_and_not_with_it() {
    async fn give_up_and_lock(lock: Lock, mut items: impl Stream<Item = u32> + Unpin) -> bool {
        let guard = lock.lock().await;
        tokio::select! {
            _ = items.next() => unreachable!("the stream needs the lock"),
            () = sleep(Duration::from_millis(1)) => drop(guard),
        }
        timeout(Duration::from_secs(3600), lock.lock())
            .await
            .is_ok()
    }

    let lock = Lock::default();
    let items = |lock: &Lock| {
        stream::iter([1]).then({
            let lock = Arc::clone(lock);
            move |n| work(Arc::clone(&lock), n)
        })
    };
    assert!(!give_up_and_lock(Arc::clone(&lock), Box::pin(items(&lock))).await);
    assert!(give_up_and_lock(Arc::clone(&lock), items(&lock).prefetch(1)).await);
}
