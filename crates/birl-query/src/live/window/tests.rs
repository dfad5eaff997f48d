//! Windows against a model that looks at all records at once.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

/// A record: of which source it is, and when it was.
type Record = (u64, i64);

/// What a window holds: the places of its records, in order.
type Windows = Vec<((i64, i64), Vec<usize>)>;

const NOW: i64 = 1_000_000_000_000_000;

fn ns(time: i64) -> Duration {
    Duration::from_nanos(time.unsigned_abs())
}

fn closing(lateness: i64) -> Closing {
    Closing {
        lateness: ns(lateness),
        idle: Duration::from_secs(1),
    }
}

/// The windows that `open` gives of records that come one after the other, and those that are late.
fn given(mut open: Open, records: &[Record]) -> (Windows, Vec<usize>, WindowCounts) {
    let mut held: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut late = Vec::new();
    let mut ready = VecDeque::new();
    for (place, (source, time)) in records.iter().enumerate() {
        let added = open.add(*source, &[Some(*time)], NOW);
        for content in added.contents.keys() {
            held.entry(*content).or_default().push(place);
        }
        late.extend(added.late.iter().map(|_| place));
        open.pop(&mut ready);
    }
    open.finish();
    open.pop(&mut ready);
    let windows = ready.into_iter().map(|window| {
        let mut places: Vec<_> = window
            .contents
            .iter()
            .flat_map(|content| held.remove(content).unwrap_or_default())
            .collect();
        places.sort_unstable();
        ((window.start, window.end), places)
    });
    (windows.collect(), late, open.counts)
}

/// How far time has come before each record: the newest time of the source that is furthest behind,
/// among those of which something has come, less the lateness; it never goes back.
fn marks(records: &[Record], lateness: i64) -> Vec<i64> {
    let mut mark = i64::MIN;
    let mut marks = Vec::new();
    for end in 0..records.len() {
        marks.push(mark);
        let mut newest: BTreeMap<u64, i64> = BTreeMap::new();
        for (source, time) in &records[..=end] {
            let known = newest.entry(*source).or_insert(*time);
            *known = (*known).max(*time);
        }
        let furthest_behind = newest
            .values()
            .min()
            .map_or(i64::MIN, |time| time - lateness);
        mark = mark.max(furthest_behind);
    }
    marks
}

/// The same for windows of a size, one each slide.
fn expected(records: &[Record], size: i64, slide: i64, lateness: i64) -> (Windows, Vec<usize>) {
    let marks = marks(records, lateness);
    let mut windows: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    let mut late = Vec::new();
    for (place, ((_, time), mark)) in records.iter().zip(marks).enumerate() {
        let mut is_in_one = false;
        for start in (time - size + 1..=*time).filter(|start| start.rem_euclid(slide) == 0) {
            if start + size > mark {
                is_in_one = true;
                windows
                    .entry((start + size, start))
                    .or_default()
                    .push(place);
            }
        }
        if !is_in_one {
            late.push(place);
        }
    }
    let windows = windows.into_iter();
    let windows = windows.map(|((end, start), places)| ((start, end), places));
    (windows.collect(), late)
}

/// Records of a few sources whose times rise on the whole, some of them twice, some long ago.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let record = (
        0..3_u64,
        0..6_i64,
        prop_oneof![4 => -5..5_i64, 1 => -60..-5_i64],
        1..3_usize,
    );
    proptest::collection::vec(record, 0..60).prop_map(|steps| {
        let mut clock = 0;
        let mut records = Vec::new();
        for (source, step, jitter, times) in steps {
            clock += step;
            records.extend(std::iter::repeat_n((source, clock + jitter), times));
        }
        records
    })
}

proptest! {
    #[test]
    fn windows_hold_what_a_look_at_all_records_finds(
        records in records(),
        slide in 1..12_i64,
        overlap in 1..4_i64,
        lateness in 0..20_i64,
    ) {
        let size = slide * overlap;
        let over = Over::Windows { size: ns(size), slide: ns(slide) };
        let open = Open::new(over, 0, closing(lateness), false, true);
        let (windows, late, counts) = given(open, &records);
        let (windows_expected, late_expected) = expected(&records, size, slide, lateness);
        prop_assert_eq!(windows, windows_expected);
        prop_assert_eq!(counts.late, late.len() as u64);
        prop_assert_eq!(late, late_expected);
    }

    #[test]
    fn empty_windows_stand_between_others_and_nowhere_else(
        records in records(),
        size in 1..12_i64,
        lateness in 0..20_i64,
    ) {
        let over = Over::Windows { size: ns(size), slide: ns(size) };
        let open = || Open::new(over, 0, closing(lateness), false, true);
        let (all, ..) = given(open().with_empty(ns(size)), &records);
        let (some, ..) = given(open(), &records);
        let filled: Vec<_> = all.iter().filter(|(_, places)| !places.is_empty()).cloned().collect();
        prop_assert_eq!(filled, some);
        // Windows that close by time alone may come behind the last of them.
        prop_assert!(all.windows(2).all(|pair| pair[0].0.1 == pair[1].0.0));
    }

    #[test]
    fn sessions_that_are_not_closed_early_are_runs_of_records_without_a_gap(
        records in records(),
        gap in 1..12_i64,
    ) {
        // With a lateness that is longer than all times, sessions close at the end.
        let open = Open::new(Over::Sessions { gap: ns(gap), of_groups: false }, 0, closing(1 << 40), false, true);
        let (windows, late, _) = given(open, &records);
        let mut by_time: Vec<_> = records.iter().map(|(_, time)| *time).enumerate().collect();
        by_time.sort_by_key(|(_, time)| *time);
        let mut expected: Windows = Vec::new();
        for (place, time) in by_time {
            match expected.last_mut() {
                Some(((_, end), places)) if time < *end => {
                    *end = time + gap;
                    places.push(place);
                }
                _ => expected.push(((time, time + gap), vec![place])),
            }
        }
        expected.iter_mut().for_each(|(_, places)| places.sort_unstable());
        prop_assert_eq!(windows, expected);
        prop_assert!(late.is_empty());
    }
}

fn minutes(closes: bool) -> Open {
    let over = Over::Windows {
        size: ns(60),
        slide: ns(60),
    };
    Open::new(over, 0, closing(0), true, closes)
}

fn closed(open: &mut Open) -> Vec<(i64, i64)> {
    let mut ready = VecDeque::new();
    open.pop(&mut ready);
    ready.iter().map(|it| (it.start, it.end)).collect()
}

#[test]
fn a_source_that_is_behind_holds_windows_open_until_it_ends() {
    let mut open = minutes(true);
    open.add(0, &[Some(10)], NOW);
    open.add(1, &[Some(10)], NOW);
    open.add(0, &[Some(200)], NOW);
    assert_eq!(closed(&mut open), []);
    open.end(1);
    assert_eq!(closed(&mut open), [(0, 60)]);
}

#[test]
fn windows_stay_open_until_all_has_been_begun() {
    let mut open = minutes(false);
    open.add(0, &[Some(10), Some(200)], NOW);
    assert_eq!(closed(&mut open), []);
    assert!(open.add(1, &[Some(20)], NOW).late.is_empty());
    open.catch_up();
    assert_eq!(closed(&mut open), []);
    open.add(1, &[Some(100)], NOW);
    assert_eq!(closed(&mut open), [(0, 60)]);
}

#[test]
fn when_all_are_idle_windows_close_by_the_clock() {
    let over = Over::Windows {
        size: ns(60),
        slide: ns(60),
    };
    let closing = Closing {
        lateness: ns(5),
        idle: Duration::ZERO,
    };
    let mut open = Open::new(over, 0, closing, true, true).with_empty(ns(60));
    open.add(0, &[Some(10)], 10);
    open.tick(64);
    assert_eq!(closed(&mut open), []);
    open.tick(65);
    assert_eq!(closed(&mut open), [(0, 60)]);
    // Nothing was in these.
    open.tick(190);
    assert_eq!(closed(&mut open), [(60, 120), (120, 180)]);
    assert_eq!(open.add(0, &[Some(170)], 190).late, [0]);
}

/// As a file ends that is rotated, of which the records are from long ago.
#[test]
fn when_all_have_ended_the_clock_waits_for_what_follows_them() {
    let mut open = minutes(true);
    open.add(0, &[Some(10)], NOW);
    open.end(0);
    open.tick(NOW);
    assert_eq!(closed(&mut open), []);
    assert!(open.add(1, &[Some(20)], NOW).late.is_empty());
}

#[test]
fn a_time_that_is_far_ahead_closes_nothing() {
    let mut open = minutes(true);
    let now = 100;
    open.add(0, &[Some(10), Some(now + AHEAD_MAX + 1)], now);
    assert_eq!(closed(&mut open), []);
    assert_eq!(open.counts.ahead, 1);
    open.add(0, &[Some(now)], now);
    assert_eq!(closed(&mut open), [(0, 60)]);
}

#[test]
fn a_record_without_a_time_is_with_the_one_before() {
    let mut open = minutes(true);
    let added = open.add(0, &[Some(130), None, Some(10), None], 500);
    assert_eq!(added.late, [2, 3]);
    // The first one of a source was when it came.
    open.add(1, &[None], 500);
    open.finish();
    assert_eq!(closed(&mut open), [(120, 180), (480, 540)]);
}

#[test]
fn years_without_records_are_not_told() {
    let mut open = minutes(true).with_empty(ns(60));
    open.add(0, &[Some(0), Some(60 * (EMPTY_MAX + 5))], NOW);
    open.finish();
    let start = 60 * (EMPTY_MAX + 5);
    assert_eq!(closed(&mut open), [(0, 60), (start, start + 60)]);
}
