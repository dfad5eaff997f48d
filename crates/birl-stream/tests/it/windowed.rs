//! `windows` and `sessions`.

use std::future::{poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use birl_stream::prelude::*;
use birl_stream::testing::at;
use birl_stream::window::Placed;
use birl_stream::{Window, WindowStats, Windowed};
use futures::stream::FusedStream;
use futures::{FutureExt, stream};
use proptest::prelude::*;
use tokio::sync::mpsc::channel;
use tokio::task::{coop, yield_now};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::probe::{Live, message, paused};
use crate::window::{Closed, Item, sessions_model, windows_model};

const MS: Duration = Duration::from_millis(1);
const MS_NS: i64 = 1_000_000;

/// An item, the millisecond at which it comes, and its place in the arrival.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    at_ms: u64,
    item: Item,
    number: usize,
}

/// Several at a time, and with gaps between them; most are some time old.
fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let after_ms = prop_oneof![3 => Just(0), 3 => 0..10_u64, 1 => 0..60_u64];
    let age_ms = prop_oneof![8 => 0..30_i64, 1 => -100..100_i64];
    let arrival = (after_ms, age_ms, 0..3_u8);
    proptest::collection::vec(arrival, 0..30).prop_map(|arrivals| {
        let arrivals = arrivals.into_iter().enumerate();
        let arrivals = arrivals.scan(0, |at_ms, (number, (after_ms, age_ms, key))| {
            *at_ms += after_ms;
            let time = (*at_ms as i64 - age_ms) * MS_NS;
            let item = Item { key, time };
            Some(Arrival {
                at_ms: *at_ms,
                item,
                number,
            })
        });
        arrivals.collect()
    })
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Windows { size_ms: i64, slide_ms: i64 },
    Sessions { gap_ms: i64 },
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (1..30_i64).prop_map(|size_ms| Kind::Windows {
            size_ms,
            slide_ms: size_ms
        }),
        (1..30_i64, 1..15_i64).prop_map(|(longer_ms, slide_ms)| Kind::Windows {
            size_ms: slide_ms + longer_ms,
            slide_ms,
        }),
        (1..20_i64).prop_map(|gap_ms| Kind::Sessions { gap_ms }),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Setup {
    kind: Kind,
    lateness_ms: i64,
    idle_ms: Option<i64>,
    /// When the upstream ends.
    end_ms: u64,
}

/// Numbers of items.
type Numbers = Vec<usize>;

/// What comes out of a stream of windows.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// With the millisecond at which each came.
    windows: Vec<(u64, Closed)>,
    late: Numbers,
    partly_late: u64,
    /// Before the end.
    watermark: Option<i64>,
}

impl Kind {
    fn place(self, items: &[Item], watermarks: &[i64]) -> (Vec<Closed>, Vec<Placed>) {
        match self {
            Self::Windows { size_ms, slide_ms } => {
                windows_model(items, watermarks, size_ms * MS_NS, slide_ms * MS_NS, 0)
            }
            Self::Sessions { gap_ms } => sessions_model(items, watermarks, gap_ms * MS_NS),
        }
    }
}

/// How far event time has come, told at each item and each moment of a silence from all the items
/// before.
struct Clock {
    setup: Setup,
    newest: Option<i64>,
    silent_since_ms: u64,
    watermark: i64,
    /// The watermarks that the items found.
    found: Vec<i64>,
    /// When the watermark came how far.
    advances: Vec<(u64, i64)>,
}

impl Clock {
    /// Lets the silence go on until just before `until_ms`.
    fn wait(&mut self, items: &[Item], until_ms: u64) {
        let (Some(idle_ms), Some(newest)) = (self.setup.idle_ms, self.newest) else {
            return;
        };
        let (windows, _) = self.setup.kind.place(items, &self.found);
        let ends = windows.iter().map(|window| window.end);
        let mut open: Vec<_> = ends.filter(|end| *end > self.watermark).collect();
        open.sort();
        for end in open {
            let wait_ms = (end - newest) / MS_NS + self.setup.lateness_ms;
            let at_ms = self.silent_since_ms + wait_ms.max(idle_ms) as u64;
            if at_ms < until_ms {
                self.advance(at_ms, end);
            }
        }
    }

    fn take(&mut self, items: &[Item], at_ms: u64) {
        self.found.push(self.watermark);
        let (_, places) = self.setup.kind.place(items, &self.found);
        if places.last() == Some(&Placed::Late) {
            return;
        }
        let newest = items.last().map(|item| item.time).max(self.newest);
        self.newest = newest;
        self.silent_since_ms = at_ms;
        self.advance(at_ms, newest.unwrap() - self.setup.lateness_ms * MS_NS);
    }

    fn advance(&mut self, at_ms: u64, watermark: i64) {
        self.watermark = self.watermark.max(watermark);
        self.advances.push((at_ms, self.watermark));
    }
}

fn model(arrivals: &[Arrival], setup: Setup) -> Outcome {
    let items: Vec<_> = arrivals.iter().map(|arrival| arrival.item).collect();
    let mut clock = Clock {
        setup,
        newest: None,
        silent_since_ms: 0,
        watermark: i64::MIN,
        found: vec![],
        advances: vec![],
    };
    for arrival in arrivals {
        clock.wait(&items[..arrival.number], arrival.at_ms);
        clock.take(&items[..=arrival.number], arrival.at_ms);
    }
    clock.wait(&items, setup.end_ms);
    let watermark = clock.newest.map(|_| clock.watermark);
    clock.advance(setup.end_ms, i64::MAX);

    let (windows, places) = setup.kind.place(&items, &clock.found);
    let timed = windows.into_iter().map(|window| {
        let mut advances = clock.advances.iter();
        let (at_ms, _) = advances
            .find(|(_, watermark)| *watermark >= window.end)
            .unwrap();
        (*at_ms, window)
    });
    let numbers = |place| {
        let numbers = (0..items.len()).filter(|number| places[*number] == place);
        numbers.collect::<Vec<_>>()
    };
    Outcome {
        windows: timed.collect(),
        late: numbers(Placed::Late),
        partly_late: numbers(Placed::Partly).len() as u64,
        watermark,
    }
}

/// The stream that the model is of, but for the options that the setup names.
fn windowed<S: Stream<Item = Arrival>>(upstream: S, kind: Kind) -> Windowed<S, u8, Numbers> {
    let time = |arrival: &Arrival| arrival.item.time;
    let fold = |list: &mut Numbers, arrival: &Arrival| list.push(arrival.number);
    let windowed = match kind {
        Kind::Windows { size_ms, slide_ms } => {
            let ms = |ms: i64| ms.unsigned_abs() as u32 * MS;
            let windows = Windows::sliding(ms(size_ms), ms(slide_ms));
            upstream.windows(windows, time, Vec::new, fold)
        }
        Kind::Sessions { gap_ms } => {
            let gap = gap_ms.unsigned_abs() as u32 * MS;
            upstream.sessions(gap, time, Vec::new, fold, Vec::extend)
        }
    };
    windowed.key(|arrival| arrival.item.key)
}

async fn run(arrivals: &[Arrival], setup: Setup) -> Outcome {
    let start = Instant::now();
    let timed = arrivals
        .iter()
        .map(|it| (Duration::from_millis(it.at_ms), *it));
    let end = sleep_until(start + Duration::from_millis(setup.end_ms));
    let end = end.into_stream().filter_map(async |()| None);
    let (sender, late) = mpsc::channel();
    let mut windowed = windowed(at(timed).chain(end), setup.kind)
        .lateness(Duration::from_millis(setup.lateness_ms.unsigned_abs()))
        .on_late(move |arrival| sender.send(arrival.number).unwrap());
    if let Some(idle_ms) = setup.idle_ms {
        windowed = windowed.idle(Duration::from_millis(idle_ms.unsigned_abs()));
    }
    let mut windowed = Box::pin(windowed);
    let mut windows = vec![];
    while let Some(window) = windowed.next().await {
        windows.push((start.elapsed().as_millis() as u64, window));
    }
    let late: Vec<_> = late.try_iter().collect();
    assert_eq!(windowed.stats().late, late.len() as u64);
    Outcome {
        windows,
        late,
        partly_late: windowed.stats().partly_late,
        watermark: windowed.watermark(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn windows_close_when_items_or_a_silence_say_so_and_hold_what_was_not_late(
        arrivals in arrivals(),
        kind in kinds(),
        lateness_ms in 0..30_i64,
        idle_ms in proptest::option::of(0..40_i64),
        end_after_ms in 0..100_u64,
    ) {
        let last_ms = arrivals.last().map_or(0, |arrival| arrival.at_ms);
        let end_ms = last_ms + end_after_ms;
        let setup = Setup { kind, lateness_ms, idle_ms, end_ms };
        let outcome = paused().block_on(run(&arrivals, setup));
        prop_assert_eq!(outcome, model(&arrivals, setup));
    }
}

/// Windows of ten nanoseconds over items that are their own times, which add up.
fn tens<S: Stream<Item = i64>>(upstream: S) -> Windowed<S, (), i64> {
    let windows = Windows::tumbling(Duration::from_nanos(10));
    upstream.windows(windows, |time| *time, || 0, |sum, time| *sum += time)
}

fn sums<S: Stream<Item = i64>>(windows: Windowed<S, (), i64>) -> impl Stream<Item = i64> {
    windows.map(|window| window.value)
}

#[test]
fn without_idle_no_runtime_is_needed() {
    let sums = sums(tens(stream::iter([1, 2, 11]))).collect::<Vec<_>>();
    assert_eq!(sums.now_or_never(), Some(vec![3, 11]));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let last = sleep(Duration::from_secs(5)).into_stream().map(|()| 3);
    let mut sums = Box::pin(sums(tens(stream::iter([1, 2]).chain(last))));
    for _ in 0..3 {
        let next = timeout(Duration::from_secs(1), sums.next());
        assert!(next.await.is_err());
    }
    assert_eq!(sums.next().await, Some(6));
}

#[tokio::test(start_paused = true)]
async fn what_waits_while_the_consumer_is_away_is_not_late() {
    let (sender, receiver) = tokio::sync::mpsc::channel(9);
    let mut windows = tens(receiver.into_stream()).idle(MS);
    sender.send(1).await.unwrap();
    assert_eq!(windows.next().now_or_never(), None);
    sender.send(2).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    sender.send(3).await.unwrap();
    assert_eq!(windows.next().await.unwrap().value, 6);
    assert_eq!(windows.stats(), WindowStats::default());
    sender.send(4).await.unwrap();
    drop(sender);
    assert_eq!(windows.next().await, None);
    assert_eq!(windows.stats().late, 1);
}

/// An upstream that is out of tokio's budget is as silent as one that has nothing.
#[tokio::test(start_paused = true)]
async fn what_an_upstream_has_no_time_to_give_is_not_late() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1001);
    let ones = receiver.into_stream().filter(|n| ready(*n == 1));
    let mut sums = tens(ones).idle(MS);
    sender.send(1).await.unwrap();
    assert_eq!(sums.next().now_or_never(), None);
    for n in [0; 1000].into_iter().chain([1]) {
        sender.try_send(n).unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(sums.next().await.unwrap().value, 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_time_beyond_the_end_of_time_closes_nothing() {
    let upstream = stream::iter([1]).chain(stream::pending());
    let mut windows = tens(upstream).idle(Duration::MAX);
    let next = timeout(Duration::from_secs(1_000_000), windows.next());
    assert!(next.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn only_the_end_closes_a_window_at_the_end_of_time() {
    let silence = sleep(Duration::MAX / 4).into_stream();
    let end = silence.filter_map(async |()| None);
    let mut windows = Box::pin(tens(stream::iter([i64::MAX]).chain(end)).idle(MS));
    let next = timeout(Duration::from_secs(1_000_000), windows.next());
    assert!(next.await.is_err());
    assert_eq!(windows.next().await.unwrap().end, i64::MAX);
}

#[test]
fn an_item_from_the_future_is_left_out_and_closes_nothing() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap().as_nanos() as i64;
    const HOUR_NS: i64 = 3_600_000_000_000;
    let (soon, tomorrow) = (now + HOUR_NS, now + 24 * HOUR_NS);
    let (sender, ahead) = mpsc::channel();
    let mut windows = tens(stream::iter([now, tomorrow, now, soon, tomorrow, now]))
        .ahead_max(Duration::from_secs(2 * 3600))
        .on_ahead(move |time| sender.send(time).unwrap());
    let counts = windows.by_ref().map(|window| window.count);
    assert_eq!(counts.collect().now_or_never(), Some(vec![2, 1]));
    assert_eq!(ahead.try_iter().collect::<Vec<_>>(), [tomorrow, tomorrow]);
    let stats = windows.stats();
    assert_eq!((stats.ahead, stats.late, stats.partly_late), (2, 1, 0));
}

/// Whatever is left of tokio's budget, of which the upstream takes the last to end.
#[tokio::test]
async fn it_is_not_terminated_before_its_end() {
    for spent in 0..=128 {
        // The budget begins anew.
        yield_now().await;
        for _ in 0..spent {
            poll_fn(|cx| {
                if let Poll::Ready(budget) = coop::poll_proceed(cx) {
                    budget.made_progress();
                }
                Poll::Ready(())
            })
            .await;
        }
        let (sender, mut receiver) = channel(1);
        drop(sender);
        let mut windows = tens(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
        let next = poll_fn(|cx| Poll::Ready(windows.poll_next_unpin(cx))).await;
        let has_ended = matches!(next, Poll::Ready(None));
        assert_eq!(windows.is_terminated(), has_ended, "{spent}");
    }
}

#[test]
fn what_it_tells_of_itself_is_right() {
    let mut windows = tens(stream::iter([1, 2, 25, 11, 3])).key(|time| time % 2);
    assert_eq!((windows.open(), windows.watermark()), (0, None));
    assert_eq!(windows.size_hint(), (0, Some(5)));

    let next = windows.next().now_or_never().flatten().unwrap();
    assert_eq!((next.start, next.key, next.value), (0, 1, 1));
    assert_eq!((windows.open(), windows.watermark()), (1, Some(25)));
    // One has closed, one is open, and two items may come.
    assert_eq!(windows.size_hint(), (1, Some(4)));

    let rest: Vec<_> = windows.by_ref().collect().now_or_never().unwrap();
    let rest: Vec<_> = rest.iter().map(|it| (it.start, it.key, it.value)).collect();
    assert_eq!(rest, [(0, 0, 2), (20, 1, 25)]);
    assert_eq!(windows.size_hint(), (0, Some(0)));
    assert_eq!(windows.stats().late, 2);
}

#[test]
fn an_item_counts_for_all_its_windows_in_the_size_hint() {
    let windows = Windows::sliding(Duration::from_nanos(25), Duration::from_nanos(10));
    let windows = stream::iter([24]).windows(windows, |time| *time, || (), |_, _| ());
    assert_eq!(windows.size_hint(), (0, Some(3)));
    assert_eq!(windows.count().now_or_never(), Some(3));
}

#[test]
fn the_key_cannot_be_set_once_items_have_come() {
    let mut windows = tens(stream::iter([1, 20]));
    windows.next().now_or_never();
    let keyed = catch_unwind(AssertUnwindSafe(|| windows.key(|time| *time)));
    assert_eq!(
        message(keyed.unwrap_err()),
        "the key has to be set before items come"
    );
}

/// Not all streams spend tokio's budget by themselves.
#[tokio::test]
async fn items_that_close_nothing_let_others_run() {
    let mut windows = tens(stream::repeat(1));
    tokio::select! {
        biased;
        _ = windows.next() => unreachable!("no window closes"),
        () = yield_now() => {}
    }
}

#[tokio::test]
async fn windows_that_close_together_let_others_run() {
    let mut keys = 0..1000;
    let items = stream::iter([1; 1000]).chain(stream::iter([10]));
    let mut windows = tens(items).key(move |_| keys.next());
    windows.next().await;
    assert_eq!(windows.size_hint().0, 999);
    tokio::select! {
        biased;
        _ = windows.count() => unreachable!("that is more than a task may do at once"),
        () = yield_now() => {}
    }
}

#[test]
fn dropping_it_drops_what_it_holds() {
    let live = Live::default();
    let (item, closure, values) = (live.token(), live.token(), live.clone());
    let mut sessions = stream::iter([item])
        .chain(stream::pending())
        .sessions(MS, |_| 0, move || values.token(), |_, _| (), |_, _| ())
        .on_late(move |_| assert!(closure.count() > 0));
    assert!(sessions.next().now_or_never().is_none());
    // The session's value and the closure: the item was folded, and not kept.
    assert_eq!((sessions.open(), live.count()), (1, 2));
    drop(sessions);
    assert_eq!(live.count(), 0);
}

/// Its upstream, or its fold, panics at every 2.
#[test]
fn it_goes_on_after_a_panic() {
    let boom = |time: &i64| assert!(*time != 2, "boom");
    let upstream_panics = tens(stream::iter([1, 2, 3, 11]).inspect(boom));
    let windows = Windows::tumbling(Duration::from_nanos(10));
    let fold = move |sum: &mut i64, time: &i64| {
        boom(time);
        *sum += time;
    };
    let fold_panics = stream::iter([2, 1, 3, 11]).windows(windows, |time| *time, || 0, fold);

    let outcome = |windows: &mut (dyn Stream<Item = Window<(), i64>> + Unpin)| {
        let next = AssertUnwindSafe(|| windows.next().now_or_never());
        let panic = catch_unwind(next).unwrap_err();
        assert_eq!(message(panic), "boom");
        let rest = windows.map(|window| (window.value, window.count));
        rest.collect::<Vec<_>>().now_or_never().unwrap()
    };
    assert_eq!(outcome(&mut { upstream_panics }), [(4, 2), (11, 1)]);
    // The item that was not folded is counted.
    assert_eq!(outcome(&mut { fold_panics }), [(4, 3), (11, 1)]);
}
