//! Windows, sessions and watermarks without a stream, held against models over vectors.

use std::time::Duration;

use birl_stream::Window;
use birl_stream::window::{OpenSessions, OpenWindows, Placed, Span, Watermark, Windows};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) key: u8,
    pub(crate) time: i64,
}

/// Each item's place in the arrival stands for it.
pub(crate) type Closed = Window<u8, Vec<usize>>;

const fn ns(ns: i64) -> Duration {
    Duration::from_nanos(ns.unsigned_abs())
}

/// Times of some windows' length, around zero and at both ends of time.
fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = (0..3_u8, -30..30_i64).prop_map(|(key, time)| Item { key, time });
    let base = prop_oneof![
        4 => Just(0),
        1 => Just(i64::MIN + 30),
        1 => Just(i64::MAX - 29),
    ];
    (proptest::collection::vec(item, 0..40), base).prop_map(|(mut items, base)| {
        for item in &mut items {
            item.time += base;
        }
        items
    })
}

/// Items in time order, and a permutation of them in which none comes behind one that is more than
/// `lateness` newer.
fn shuffled() -> impl Strategy<Value = (Vec<Item>, Vec<Item>, i64)> {
    let item = (0..3_u8, 0..100_i64, 0..1000_i64);
    (proptest::collection::vec(item, 0..60), 0..40_i64).prop_map(|(mut items, lateness)| {
        let strip = |items: &[(u8, i64, i64)]| {
            let item = |&(key, time, _)| Item { key, time };
            items.iter().map(item).collect::<Vec<_>>()
        };
        items.sort_by_key(|(_, time, _)| *time);
        let in_order = strip(&items);
        items.sort_by_key(|(_, time, delay)| time + delay % (lateness + 1));
        (in_order, strip(&items), lateness)
    })
}

fn cut(time: i128) -> i64 {
    time.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// The watermark that each item finds. Only the end closes windows that reach the end of time.
fn watermarks(items: &[Item], lateness: i64) -> Vec<i64> {
    let marks = items.iter().scan(i64::MIN, move |mark, item| {
        let found = *mark;
        *mark = found.max(item.time.saturating_sub(lateness).min(i64::MAX - 1));
        Some(found)
    });
    marks.collect()
}

/// The windows that hold a moment, found by looking at all that could.
fn spans_model(time: i64, size: i64, slide: i64, origin: i64) -> Vec<Span> {
    let [time, size, slide, origin] = [time, size, slide, origin].map(i128::from);
    let nearest = (time - origin).div_euclid(slide);
    let spans = nearest - size / slide - 2..nearest + 3;
    let starts = spans.map(|number| origin + number * slide);
    let holding = starts.filter(|start| *start <= time && time < start + size);
    let span = |start| Span {
        start: cut(start),
        end: cut(start + size),
    };
    holding.map(span).collect()
}

fn in_order(mut windows: Vec<Closed>) -> Vec<Closed> {
    windows.sort_by_key(|window| (window.end, window.start, window.value.iter().min().copied()));
    windows
}

/// Every window with every item that found it open, by the watermark that each item found.
pub(crate) fn windows_model(
    items: &[Item],
    watermarks: &[i64],
    size: i64,
    slide: i64,
    origin: i64,
) -> (Vec<Closed>, Vec<Placed>) {
    let (mut windows, mut places) = (Vec::<Closed>::new(), vec![]);
    for (number, (item, watermark)) in items.iter().zip(watermarks).enumerate() {
        let spans = spans_model(item.time, size, slide, origin);
        let open = |span: &&Span| span.end > *watermark;
        places.push(match spans.iter().filter(open).count() {
            0 => Placed::Late,
            some if some < spans.len() => Placed::Partly,
            _ => Placed::Whole,
        });
        for span in spans.iter().filter(open) {
            let same = |window: &&mut Closed| {
                (window.start, window.end, window.key) == (span.start, span.end, item.key)
            };
            if let Some(window) = windows.iter_mut().find(same) {
                window.value.push(number);
                window.count += 1;
                continue;
            }
            windows.push(Window {
                start: span.start,
                end: span.end,
                key: item.key,
                value: vec![number],
                count: 1,
            });
        }
    }
    (in_order(windows), places)
}

/// Keeps all items of each session, and looks at all of them; with the watermark that each item
/// found.
pub(crate) fn sessions_model(
    items: &[Item],
    watermarks: &[i64],
    gap: i64,
) -> (Vec<Closed>, Vec<Placed>) {
    let (mut sessions, mut places) = (Vec::<Closed>::new(), vec![]);
    for (number, (item, watermark)) in items.iter().zip(watermarks).enumerate() {
        let near = |other: &usize| {
            let distance = i128::from(items[*other].time) - i128::from(item.time);
            distance.abs() < i128::from(gap)
        };
        let (mut joined, others): (Vec<Closed>, _) = sessions.into_iter().partition(|session| {
            session.key == item.key && session.end > *watermark && session.value.iter().any(near)
        });
        sessions = others;
        if joined.is_empty() && item.time.saturating_add(gap) <= *watermark {
            places.push(Placed::Late);
            continue;
        }
        places.push(Placed::Whole);
        joined.sort_by_key(|session| session.start);
        let mut numbers: Vec<_> = joined.into_iter().flat_map(|it| it.value).collect();
        numbers.push(number);
        let times = numbers.iter().map(|number| items[*number].time);
        sessions.push(Window {
            start: times.clone().min().unwrap(),
            end: times.max().unwrap().saturating_add(gap),
            key: item.key,
            count: numbers.len() as u64,
            value: numbers,
        });
    }
    (in_order(sessions), places)
}

/// Sessions of items that are all there: cut where there is a gap.
fn sessions_at_once(items: &[Item], gap: i64) -> Vec<(i64, i64, u8, Vec<i64>)> {
    let mut sessions = vec![];
    for key in 0..3 {
        let mut times: Vec<_> = items.iter().filter(|item| item.key == key).collect();
        times.sort_by_key(|item| item.time);
        let times: Vec<_> = times.iter().map(|item| item.time).collect();
        for times in times.chunk_by(|one, next| next - one < gap) {
            let (start, end) = (times[0], times[times.len() - 1] + gap);
            sessions.push((start, end, key, times.to_vec()));
        }
    }
    sessions.sort();
    sessions
}

/// What windows hold, without the order of arrival.
fn contents(windows: &[Closed], items: &[Item]) -> Vec<(i64, i64, u8, Vec<i64>)> {
    let content = |window: &Closed| {
        let times = window.value.iter().map(|number| items[*number].time);
        let mut times: Vec<_> = times.collect();
        times.sort();
        (window.start, window.end, window.key, times)
    };
    let mut contents: Vec<_> = windows.iter().map(content).collect();
    contents.sort();
    contents
}

/// What is open is put into others, which go on.
fn moved_windows(open: &OpenWindows<u8, Vec<usize>>) -> OpenWindows<u8, Vec<usize>> {
    let mut other = OpenWindows::new(open.windows());
    for window in open.kept() {
        other.reopen(Window {
            start: window.start,
            end: window.end,
            key: *window.key,
            value: window.value.clone(),
            count: window.count,
        });
    }
    other
}

fn moved_sessions(open: &OpenSessions<u8, Vec<usize>>) -> OpenSessions<u8, Vec<usize>> {
    let mut other = OpenSessions::new(open.gap());
    for (window, last) in open.iter() {
        let window = Window {
            start: window.start,
            end: window.end,
            key: *window.key,
            value: window.value.clone(),
            count: window.count,
        };
        other.reopen(window, last);
    }
    other
}

/// At every third item, what is open is moved elsewhere.
fn run_windows(items: &[Item], windows: Windows, lateness: i64) -> (Vec<Closed>, Vec<Placed>) {
    let mut open = OpenWindows::new(windows);
    let mut watermark = Watermark::new(1, ns(lateness));
    let (mut closed, mut places) = (vec![], vec![]);
    for (number, item) in items.iter().enumerate() {
        if let (2, Some(mark)) = (number % 3, watermark.get()) {
            open = moved_windows(&open);
            open.advance(mark);
        }
        places.push(open.add(item.key, item.time, Vec::new, |list| list.push(number)));
        watermark.observe(0, item.time);
        open.advance(watermark.get().unwrap());
        closed.extend(std::iter::from_fn(|| open.pop()));
        assert!(
            open.next_end()
                .is_none_or(|end| end > watermark.get().unwrap())
        );
    }
    open.finish();
    closed.extend(std::iter::from_fn(|| open.pop()));
    assert_eq!((open.open(), open.closed(), open.next_end()), (0, 0, None));
    (closed, places)
}

fn run_sessions(items: &[Item], gap: i64, lateness: i64) -> (Vec<Closed>, Vec<Placed>) {
    let mut open = OpenSessions::new(ns(gap));
    let mut watermark = Watermark::new(1, ns(lateness));
    let (mut closed, mut places) = (vec![], vec![]);
    for (number, item) in items.iter().enumerate() {
        if let (2, Some(mark)) = (number % 3, watermark.get()) {
            open = moved_sessions(&open);
            open.advance(mark);
        }
        let fold = |list: &mut Vec<_>| list.push(number);
        places.push(
            open.add(item.key, item.time, Vec::new, fold, |list, later| {
                list.extend(later);
            }),
        );
        watermark.observe(0, item.time);
        open.advance(watermark.get().unwrap());
        closed.extend(std::iter::from_fn(|| open.pop()));
        assert!(
            open.next_end()
                .is_none_or(|end| end > watermark.get().unwrap())
        );
    }
    open.finish();
    closed.extend(std::iter::from_fn(|| open.pop()));
    assert_eq!((open.open(), open.closed(), open.next_end()), (0, 0, None));
    (closed, places)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_moment_belongs_to_the_windows_around_it(
        time in prop_oneof![-100..100_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)],
        slide in prop_oneof![1..40_i64, 1..=i64::MAX],
        times in 1..30_i64,
        rest in any::<i64>(),
        origin in prop_oneof![-100..100_i64, any::<i64>()],
    ) {
        let size = slide.saturating_mul(times).saturating_add(rest.rem_euclid(slide));
        let windows = Windows::sliding(ns(size), ns(slide)).origin(origin);
        let spans: Vec<_> = windows.of(time).collect();
        prop_assert_eq!(&spans, &spans_model(time, size, slide, origin));

        let tumbling = Windows::tumbling(ns(size)).origin(origin);
        let spans: Vec<_> = tumbling.of(time).collect();
        prop_assert_eq!(&spans, &spans_model(time, size, size, origin));
    }

    #[test]
    fn windows_hold_what_found_them_open_and_close_in_order(
        items in items(),
        slide in 1..20_i64,
        longer in 0..20_i64,
        origin in -30..30_i64,
        lateness in 0..30_i64,
    ) {
        let size = slide + longer;
        let windows = Windows::sliding(ns(size), ns(slide)).origin(origin);
        let watermarks = watermarks(&items, lateness);
        let model = windows_model(&items, &watermarks, size, slide, origin);
        prop_assert_eq!(run_windows(&items, windows, lateness), model);
    }

    #[test]
    fn sessions_hold_what_found_them_open_and_close_in_order(
        items in items(),
        gap in prop_oneof![8 => 1..20_i64, 1 => Just(i64::MAX)],
        lateness in 0..30_i64,
    ) {
        let model = sessions_model(&items, &watermarks(&items, lateness), gap);
        prop_assert_eq!(run_sessions(&items, gap, lateness), model);
    }

    #[test]
    fn arrival_out_of_order_within_the_lateness_makes_no_difference(
        (in_order, shuffled, lateness) in shuffled(),
        slide in 1..20_i64,
        longer in 0..20_i64,
        gap in 1..20_i64,
    ) {
        let windows = Windows::sliding(ns(slide + longer), ns(slide));
        let (expected, _) = run_windows(&in_order, windows, 0);
        let (closed, places) = run_windows(&shuffled, windows, lateness);
        prop_assert_eq!(contents(&closed, &shuffled), contents(&expected, &in_order));
        prop_assert!(places.iter().all(|place| *place == Placed::Whole));

        let (closed, places) = run_sessions(&shuffled, gap, lateness);
        prop_assert_eq!(contents(&closed, &shuffled), sessions_at_once(&in_order, gap));
        prop_assert!(places.iter().all(|place| *place == Placed::Whole));
    }
}

#[test]
fn windows_without_a_length_or_with_gaps_are_refused() {
    for (size, slide) in [(0, 0), (5, 0), (5, 6)] {
        let windows = || Windows::sliding(ns(size), ns(slide));
        assert!(std::panic::catch_unwind(windows).is_err());
    }
    assert!(std::panic::catch_unwind(|| Windows::tumbling(ns(0))).is_err());
    assert!(std::panic::catch_unwind(|| OpenSessions::<(), ()>::new(ns(0))).is_err());
}

#[test]
fn a_size_of_more_than_time_itself_is_cut_to_it() {
    let mut windows = Windows::tumbling(Duration::MAX).of(5);
    let (start, end) = (0, i64::MAX);
    assert_eq!(windows.next(), Some(Span { start, end }));
    assert_eq!(windows.next(), None);
    assert_eq!(
        OpenSessions::<(), ()>::new(Duration::MAX).gap(),
        ns(i64::MAX)
    );
}

/// A week that begins as the Unix epoch does begins on a Thursday.
#[test]
fn an_origin_moves_weeks_to_mondays() {
    const DAY: i64 = 86_400_000_000_000;
    let weeks = Windows::tumbling(ns(7 * DAY)).origin(4 * DAY);
    // A Friday, a Monday, and the day before the epoch.
    for (day, monday) in [(8, 4), (11, 11), (-1, -3)] {
        let (start, end) = (monday * DAY, (monday + 7) * DAY);
        let week: Vec<_> = weeks.of(day * DAY).collect();
        assert_eq!(week, [Span { start, end }]);
    }
}

#[test]
fn a_watermark_that_goes_back_opens_nothing_again() {
    let mut windows = OpenWindows::new(Windows::tumbling(ns(10)));
    let mut sessions = OpenSessions::new(ns(10));
    for watermark in [10, 5] {
        windows.advance(watermark);
        sessions.advance(watermark);
    }
    let place = windows.add((), 9, || (), |()| ());
    assert_eq!(place, Placed::Late);
    let place = sessions.add((), 0, || (), |()| (), |(), ()| ());
    assert_eq!(place, Placed::Late);
}

#[test]
fn merged_sessions_came_when_the_first_of_them_did() {
    let mut open = OpenSessions::new(ns(15));
    let items = [
        ('a', 20),
        ('b', 0),
        ('b', 10),
        ('b', 20),
        ('a', 0),
        ('a', 10),
    ];
    for (key, time) in items {
        open.add(key, time, || (), |()| (), |(), ()| ());
    }
    open.finish();
    let closed = std::iter::from_fn(|| open.pop());
    let closed: Vec<_> = closed.map(|it| (it.key, it.start, it.end)).collect();
    assert_eq!(closed, [('a', 0, 35), ('b', 0, 35)]);
}

/// A fold that panics loses its session, and no more.
#[test]
fn sessions_go_on_after_a_panic() {
    let mut open = OpenSessions::new(ns(10));
    let add = |open: &mut OpenSessions<_, _>, key, time, fail: bool| {
        let fold = |count: &mut u32| {
            assert!(!fail);
            *count += 1;
        };
        let add = || open.add(key, time, || 0, fold, |count, more| *count += more);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(add)).is_ok()
    };
    assert!(add(&mut open, 'a', 0, false));
    assert!(add(&mut open, 'b', 0, false));
    assert!(!add(&mut open, 'a', 5, true));
    assert_eq!(open.open(), 1);
    assert!(add(&mut open, 'a', 12, false));
    open.finish();
    let closed: Vec<_> = std::iter::from_fn(|| open.pop()).collect();
    let closed: Vec<_> = closed
        .iter()
        .map(|it| (it.key, it.start, it.value))
        .collect();
    assert_eq!(closed, [('b', 0, 1), ('a', 12, 1)]);
}

/// What can happen to a watermark.
#[derive(Clone, Copy, Debug)]
enum Event {
    Item(usize, i64),
    Idle(usize),
    New,
    Clock(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let time = prop_oneof![8 => -50..50_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let event = prop_oneof![
        10 => (0..4_usize, time).prop_map(|(input, time)| Event::Item(input, time)),
        4 => (0..4_usize).prop_map(Event::Idle),
        1 => Just(Event::New),
        1 => (-50..50_i64).prop_map(Event::Clock),
    ];
    proptest::collection::vec(event, 0..40)
}

proptest! {
    #[test]
    fn a_watermark_is_that_of_the_slowest_input_and_never_goes_back(
        events in events(),
        inputs in 0..4_usize,
        lateness in 0..60_i64,
    ) {
        let mut watermark = Watermark::new(inputs, ns(lateness));
        // Each input's times, and whether it is idle.
        let mut model = vec![(vec![], false); inputs];
        let mut mark = None;
        for event in events {
            match event {
                Event::Item(input, time) if input < model.len() => {
                    watermark.observe(input, time);
                    model[input].0.push(time);
                    model[input].1 = false;
                }
                Event::Idle(input) if input < model.len() => {
                    watermark.set_idle(input);
                    model[input].1 = true;
                }
                Event::Item(..) | Event::Idle(_) => continue,
                Event::New => {
                    prop_assert_eq!(watermark.add_input(), model.len());
                    model.push((vec![], false));
                }
                Event::Clock(time) => {
                    watermark.advance(time);
                    mark = mark.max(Some(time));
                }
            }
            let newest = |times: &Vec<i64>| times.iter().max().copied();
            let newest_of_all = model.iter().filter_map(|(times, _)| newest(times)).max();
            let active = model.iter().filter(|(_, idle)| !idle);
            let slowest = active.map(|(times, _)| newest(times)).min();
            let complete_to = slowest.unwrap_or(newest_of_all);
            mark = mark.max(complete_to.map(|time| time.saturating_sub(lateness)));
            prop_assert_eq!(watermark.get(), mark);
            prop_assert_eq!(watermark.newest(), newest_of_all);
        }
    }
}

#[test]
fn the_distance_is_how_much_newer_an_item_must_be() {
    let mut watermark = Watermark::new(1, ns(5));
    assert_eq!(watermark.distance_to(100), None);
    watermark.observe(0, 40);
    assert_eq!(watermark.distance_to(100), Some(ns(65)));
    assert_eq!(watermark.distance_to(36), Some(ns(1)));
    assert_eq!(watermark.distance_to(35), Some(ns(0)));
    assert_eq!(watermark.distance_to(-7), Some(ns(0)));

    let mut watermark = Watermark::new(1, Duration::MAX);
    watermark.observe(0, i64::MIN);
    let distance = 3 * i64::MAX as u128 + 1;
    let distance = Some(Duration::from_nanos_u128(distance));
    assert_eq!(watermark.distance_to(i64::MAX), distance);
}
