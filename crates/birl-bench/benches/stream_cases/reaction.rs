//! How long an item is under way, from the sender's hand to the consumer's, at the median.

use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use birl_bench::versus::median;
use birl_stream::Backoff;
use birl_stream::prelude::*;
use birl_stream::reconnect::reconnect;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use birl_bench::targets::{Case, Measure, Wanted};

const ITEMS: usize = 2_000;

/// Items are as far apart as those of a busy chat room, so that each finds everybody asleep.
const PAUSE: Duration = Duration::from_micros(500);

pub(crate) fn cases<'a>() -> Vec<Case<'a>> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.expect("a runtime can be built"));
    vec![Case {
        name: "reaction through reconnect and prefetch",
        unit: "us",
        ours: measure(Rc::clone(&runtime), |items| {
            let mut items = Some(items);
            let connect = move |_| ready(items.take().map(|items| items.map(Ok)).ok_or("once"));
            let backoff = Backoff::default().tries_max(1);
            Box::pin(reconnect(connect, backoff).items().prefetch(16))
        }),
        rival: Some(measure(runtime, |items| Box::pin(items))),
        wanted: Wanted::Added(20.0),
    }]
}

type Sent = Pin<Box<dyn Stream<Item = Instant> + Send>>;

fn measure<'a>(runtime: Rc<Runtime>, through: fn(Sent) -> Sent) -> Measure<'a> {
    Box::new(move || runtime.block_on(delay_us(through)))
}

async fn delay_us(through: fn(Sent) -> Sent) -> f64 {
    let (sender, receiver) = mpsc::channel(16);
    let sending = tokio::spawn(async move {
        for _ in 0..ITEMS {
            tokio::time::sleep(PAUSE).await;
            sender.send(Instant::now()).await?;
        }
        Ok::<_, mpsc::error::SendError<_>>(())
    });
    let mut delays = Vec::new();
    let sent = through(Box::pin(receiver.into_stream()));
    sent.each(|sent: Instant| delays.push(sent.elapsed().as_nanos() as f64 / 1e3))
        .await;
    let sent = sending.await.expect("the sender does not panic");
    sent.expect("all items are received");
    median(delays)
}
