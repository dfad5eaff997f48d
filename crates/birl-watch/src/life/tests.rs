use proptest::prelude::*;

use super::{Group, Life};

const SIZE: i64 = 6;

/// What is told of one group, when.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Fires { at: i64, start: i64 },
    Over { at: i64, start: i64 },
}

/// Windows one after the other: where each begins, whether it fires, and whether it is held back.
type Windows = Vec<(bool, bool)>;

fn by_life(windows: &Windows, repeat: Option<i64>, resolve: i64) -> Vec<Told> {
    let mut life = Life::new(repeat, None, resolve);
    let group = Group::new();
    let mut told = Vec::new();
    for (start, (fires, held)) in (0..).zip(windows) {
        let moment = (start, start + SIZE);
        if *fires && let Some(open) = life.found(&group, moment, (), *held) {
            told.push(Told::Fires {
                at: moment.1,
                start: open.start,
            });
        }
        let over = life.closed(moment, |_| *fires);
        told.extend(
            over.into_iter()
                .filter(|(_, open)| open.told.is_some())
                .map(|(_, open)| Told::Over {
                    at: moment.1,
                    start: open.start,
                }),
        );
    }
    told
}

/// The same as an obvious model: looks at all windows of an episode at once.
fn by_model(windows: &Windows, repeat: Option<i64>, resolve: i64) -> Vec<Told> {
    let mut told = Vec::new();
    let mut at = 0;
    while at < windows.len() {
        if !windows[at].0 {
            at += 1;
            continue;
        }
        // An episode goes on as long as no pause in it is as long as it takes to be over.
        let start = at;
        let mut last = at;
        let mut end = None;
        for (next, (fires, _)) in windows.iter().enumerate().skip(start) {
            if *fires {
                last = next;
            } else if next as i64 - (last as i64 + 1) >= resolve {
                end = Some(next);
                break;
            }
        }
        let mut when: Option<i64> = None;
        for (next, (fires, held)) in windows.iter().enumerate().take(last + 1).skip(start) {
            let now = next as i64 + SIZE;
            let is_due = when.is_none_or(|when| repeat.is_some_and(|repeat| now - when >= repeat));
            if *fires && !*held && is_due {
                when = Some(now);
                told.push(Told::Fires {
                    at: now,
                    start: start as i64,
                });
            }
        }
        let Some(end) = end else { break };
        if when.is_some() {
            told.push(Told::Over {
                at: end as i64 + SIZE,
                start: start as i64,
            });
        }
        at = end + 1;
    }
    told
}

proptest! {
    #[test]
    fn an_alert_lives_as_the_model_says(
        windows in prop::collection::vec((prop::bool::weighted(0.6), prop::bool::weighted(0.2)), 0..60),
        repeat in prop::option::of(1..8_i64),
        resolve in 0..5_i64,
    ) {
        prop_assert_eq!(
            by_life(&windows, repeat, resolve),
            by_model(&windows, repeat, resolve)
        );
    }
}

#[test]
fn a_window_that_began_before_ends_nothing() {
    let mut life = Life::new(None, None, 0);
    let group = Group::new();
    // What is found early, as records arrive, is found in a window that is not the next to close.
    assert!(life.found(&group, (3, 4), (), false).is_some());
    assert!(life.closed((1, 7), |_| false).is_empty());
    assert!(life.closed((3, 9), |_| false).is_empty());
    assert_eq!(life.closed((4, 10), |_| false).len(), 1);
    assert!(life.open().is_empty());
}

#[test]
fn groups_live_by_themselves() {
    let mut life = Life::new(None, None, 0);
    let group = |name: &str| vec![("service".to_owned(), name.to_owned())];
    assert!(life.found(&group("a"), (0, 6), 1, false).is_some());
    assert!(life.found(&group("b"), (0, 6), 2, false).is_some());
    assert!(life.found(&group("a"), (1, 7), 3, false).is_none());
    let over = life.closed((1, 7), |it| *it == group("a"));
    assert_eq!(over.len(), 1);
    assert_eq!((&over[0].0, over[0].1.about), (&group("b"), 2));
    assert_eq!(life.open()[&group("a")].about, 3);
}

#[test]
fn what_is_not_found_for_long_expires_at_its_time_in_order() {
    let mut life = Life::new(None, None, 0);
    let group = |name: &str| vec![("service".to_owned(), name.to_owned())];
    life.found(&group("late"), (20, 20), (), false);
    life.found(&group("early"), (10, 10), (), false);
    assert!(life.expired(30, 39).is_empty());
    let expired = life.expired(30, 60);
    let expired: Vec<_> = expired
        .into_iter()
        .map(|(group, _, at)| (group, at))
        .collect();
    assert_eq!(expired, [(group("early"), 40), (group("late"), 50)]);
}
