//! `retry_each`: work that is tried again when it fails.

use std::sync::Arc;

use futures_core::Stream;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::par_map::ParMap;

pub(crate) fn retry_each<S, T, E, P, F, Fut>(
    upstream: S,
    limit: usize,
    mut backoff: Backoff,
    is_transient: P,
    f: F,
) -> ParMap<Result<T, E>>
where
    S: Stream<Item: Clone + Send> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
    P: Fn(&E) -> bool + Send + Sync + 'static,
    F: Fn(S::Item) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    let attempt = Arc::new((f, is_transient));
    ParMap::new(upstream, limit, move |item: S::Item| {
        let attempt = Arc::clone(&attempt);
        // Each item has random delays of its own: those that failed together are not tried again
        // together.
        let backoff = backoff.fork();
        async move {
            let (f, is_transient) = &*attempt;
            retry(item, backoff, is_transient, f).await
        }
    })
}

async fn retry<I, T, E, Fut>(
    item: I,
    mut backoff: Backoff,
    is_transient: impl Fn(&E) -> bool,
    f: impl Fn(I) -> Fut,
) -> Result<T, E>
where
    I: Clone,
    Fut: Future<Output = Result<T, E>>,
{
    loop {
        let delay = match f(item.clone()).await {
            Err(error) if is_transient(&error) => match backoff.fail() {
                Some(delay) => delay,
                None => return Err(error),
            },
            result => return result,
        };
        sleep(delay).await;
    }
}
