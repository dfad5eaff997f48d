//! A search that stops at a barrier and goes on there finds what one finds that does not stop.

use std::sync::Arc;

use birl_scan::{Barrier, Carried, Event, Following, Options, Times, follow_events};
use birl_source::Origin;
use birl_source::follow::{self, LIVE_GENERATIONS, Positions};
use bytes::Bytes;
use futures::{StreamExt, stream};
use proptest::prelude::*;

use crate::common::search;

/// What sources look like, each with what stands in it over and over.
const LOGS: [(&str, &str); 7] = [
    (
        "",
        "{\"time\":\"2026-03-14T14:05:30Z\",\"level\":\"warn\",\"msg\":\"slow\"}\n",
    ),
    (
        "",
        "2026-03-14 14:05:30,123 ERROR [main] c.s.Main - no luck\njava.lang.Error: x\n\tat c.s.Main.run(Main.java:7)\n2026-03-14 14:05:31,123 INFO [main] c.s.Main - on\n",
    ),
    (
        "time,level,text\n",
        "2026-03-14T14:05:30Z,warn,\"of\nthree\nlines\"\n2026-03-14T14:05:31Z,info,one\n",
    ),
    (
        "",
        "#Version: 1.0\n#Fields: date time cs-uri-stem sc-status\n2026-03-14 14:05:30 /a 200\n#Fields: date time sc-status\n2026-03-14 14:05:31 500\n",
    ),
    ("", "Mar 14 14:05:30 web-1 sshd[7]: refused\n"),
    (
        "[{\"level\":\"info\",\"a\":1}",
        ",{\"level\":\"warn\",\"a\":[{\"b\":2}, \"}\"]}",
    ),
    ("", "only text\n  that goes on\n"),
];

/// A record: the number of its source, where it begins, its text, and when it was.
type Found = (u64, u64, String, Option<i64>);

fn options() -> Options {
    Options {
        records: true,
        ends: true,
        times: Times::Given,
        now: Some(1_773_500_000_000_000_000),
        ..Options::default()
    }
}

fn following(events: Vec<follow::Event>, carried: Carried) -> Following {
    follow_events(stream::iter(events), carried, None, search("*"), options())
}

/// All that is found, up to a barrier if there is one.
async fn found(mut following: Following) -> (Vec<Found>, Option<Barrier>) {
    let mut all = Vec::new();
    while let Some(event) = following.next().await {
        match event {
            Event::Batch(batch) => all.extend(batch.runs.iter().map(|run| {
                let text = String::from_utf8_lossy(&batch.bytes[run.range.clone()]);
                let number = batch.source.number();
                (number, run.offset, text.into_owned(), run.time)
            })),
            Event::Barrier(barrier) => return (all, Some(barrier)),
            Event::CaughtUp => {}
            event => panic!("{event:?}"),
        }
    }
    (all, None)
}

fn origin() -> Origin {
    Origin::file("app.log")
}

fn data(text: &str, generation: u64, from: usize, to: usize) -> follow::Event {
    follow::Event::Data {
        origin: origin(),
        generation,
        offset: from as u64,
        bytes: Bytes::copy_from_slice(&text.as_bytes()[from..to]),
        whole: false,
        place: None,
    }
}

fn end(generation: u64) -> follow::Event {
    follow::Event::End {
        origin: origin(),
        generation,
    }
}

fn barrier() -> follow::Event {
    follow::Event::Barrier(follow::Barrier {
        number: 1,
        positions: Arc::new(Positions::default()),
    })
}

fn resumed(text: &str, generation: u64, offset: usize) -> follow::Event {
    follow::Event::Resumed {
        origin: origin(),
        generation,
        offset: offset as u64,
        head: Bytes::copy_from_slice(&text.as_bytes()[..offset.min(32 * 1024)]),
        is_line_start: text.as_bytes()[..offset].ends_with(b"\n"),
    }
}

/// As it is kept.
fn kept(carried: &Carried) -> Carried {
    let json = serde_json::to_string(carried).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

proptest! {
    #[test]
    fn what_is_found_does_not_hang_on_where_it_stops(
        log in 0..LOGS.len(),
        count in 4..40usize,
        cuts in prop::collection::btree_set(0..=1000usize, 1..8),
        stop in any::<prop::sample::Index>(),
    ) {
        let (first, again) = LOGS[log];
        let text = format!("{first}{}", again.repeat(count));
        // So much has to come for the format to be told.
        let least = text.len().min(300);
        let cuts = cuts.into_iter().chain([1000]).map(|cut| least + cut * (text.len() - least) / 1000);
        let mut at = 0;
        let mut all = Vec::new();
        for cut in cuts {
            if cut > at {
                all.push(data(&text, 0, at, cut));
                at = cut;
            }
        }
        let whole: Vec<_> = all.iter().cloned().chain([end(0)]).collect();
        let (expected, _) = run(found(following(whole, Carried::default())));

        let stop = 1 + stop.index(all.len());
        let behind = all.split_off(stop);
        let offset = all.iter().map(|event| match event {
            follow::Event::Data { bytes, .. } => bytes.len(),
            _ => 0,
        });
        let offset = offset.sum();
        all.push(barrier());
        // What comes behind the barrier is forgotten.
        all.extend(behind.iter().cloned());
        let (mut found_in_all, stopped) = run(found(following(all, Carried::default())));
        let carried = kept(&stopped.unwrap().carried);
        let mut rest = vec![resumed(&text, 0, offset)];
        // A barrier that comes at once changes nothing.
        rest.push(barrier());
        let (nothing, stopped) = run(found(following(rest, carried)));
        prop_assert_eq!(nothing, vec![]);
        let carried = kept(&stopped.unwrap().carried);
        let mut rest = vec![resumed(&text, 0, offset)];
        rest.extend(behind);
        rest.push(end(0));
        let (found_later, _) = run(found(following(rest, carried)));
        found_in_all.extend(found_later);
        prop_assert_eq!(found_in_all, expected);
    }
}

#[test]
fn a_live_source_goes_on_where_another_search_takes_over() {
    let csv = "time,level,text\n2026-03-14T14:05:30Z,warn,one\n2026-03-14T14:05:31Z,info,two\n";
    let json = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
    let trace =
        "2026-03-14T14:05:30Z ERROR one\n  at two\n  at three\n2026-03-14T14:05:31Z INFO four\n";
    for text in [csv, json, trace] {
        let events = vec![
            data(text, LIVE_GENERATIONS, 0, text.len()),
            end(LIVE_GENERATIONS),
        ];
        let (whole, _) = run(found(following(events, Carried::default())));
        assert!(whole.len() > 1);
        for cut in 1..text.len() {
            let events = vec![data(text, LIVE_GENERATIONS, 0, cut), barrier()];
            let (before, stopped) = run(found(following(events, Carried::default())));
            let carried = kept(&stopped.unwrap().carried);
            // As the second of two sources.
            let moved = LIVE_GENERATIONS | 1 << 48;
            let carried = carried.renumbered(|it| (it == LIVE_GENERATIONS).then_some(moved));
            let events = vec![data(text, moved, cut, text.len()), end(moved)];
            let (after, _) = run(found(following(events, carried.within_stream(|_| true))));
            assert_eq!([before, after].concat(), whole, "{cut}");
        }
    }
}

/// Though nothing has begun: what was read before has the header.
#[test]
fn a_live_table_goes_on_where_another_search_takes_over_in_a_pause() {
    let header = "time,level,text\n";
    let rows = "2026-03-14T14:05:30Z,warn,one\n2026-03-14T14:05:31Z,info,two\n";
    let text = format!("{header}{rows}");
    let cut = text.find("2026-03-14T14:05:31Z").unwrap();
    let events = stream::iter([data(&text, LIVE_GENERATIONS, 0, cut)]);
    let events = events.chain(stream::once(async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        barrier()
    }));
    let first = follow_events(events, Carried::default(), None, search("*"), options());
    let (before, stopped) = run(found(first));
    assert_eq!(before.len(), 1);
    let carried = kept(&stopped.unwrap().carried);
    assert!(!carried.holds_back());
    let events = vec![
        data(&text, LIVE_GENERATIONS, cut, text.len()),
        end(LIVE_GENERATIONS),
    ];
    let next = stream::iter(events);
    let carried = carried.within_stream(|_| true);
    let next = follow_events(next, carried, None, search("level:info"), options());
    let (after, _) = run(found(next));
    let texts: Vec<_> = after.iter().map(|(_, _, text, _)| text.as_str()).collect();
    assert_eq!(texts, ["2026-03-14T14:05:31Z,info,two\n"]);
}

#[test]
fn what_is_held_back_is_given_though_nothing_follows() {
    let text = "{\"a\":1}\n{\"a\":2}\n{\"a\":\n";
    let events = vec![data(text, 0, 0, text.len()), barrier()];
    let (before, stopped) = run(found(following(events, Carried::default())));
    assert_eq!(before.len(), 2);
    let carried = stopped.unwrap().carried;
    let events = stream::iter([resumed(text, 0, text.len()), follow::Event::CaughtUp]);
    let events = events.chain(stream::pending());
    let following = follow_events(events, carried, None, search("*"), options());
    let after: Vec<_> = run(following.take(2).collect());
    // All that was there is told behind the record that was waited for.
    let [Event::Batch(batch), Event::CaughtUp] = &after[..] else {
        panic!("{after:?}");
    };
    assert_eq!(
        (batch.source.number(), &batch.bytes[..]),
        (0, &b"{\"a\":\n"[..])
    );
}

#[test]
fn what_is_not_followed_any_more_is_given_as_if_it_had_ended() {
    let text = "{\"a\":1}\n{\"a\":\n2";
    for generation in [0, LIVE_GENERATIONS] {
        let events = vec![data(text, generation, 0, text.len()), barrier()];
        let (before, stopped) = run(found(following(events, Carried::default())));
        assert_eq!(before.len(), 1);
        let carried = kept(&stopped.unwrap().carried);
        let events = vec![follow::Event::CaughtUp];
        let (after, _) = run(found(following(events, carried)));
        let events = vec![data(text, generation, 0, text.len()), end(generation)];
        let (whole, _) = run(found(following(events, Carried::default())));
        assert!(!after.is_empty());
        assert_eq!([before, after].concat(), whole, "{generation}");
    }
}

#[test]
fn a_source_that_is_new_to_a_search_is_searched_from_its_next_line_on() {
    let text = "time,level,text\n2026-03-14T14:05:30Z,warn,one\n2026-03-14T14:05:31Z,info,two\n2026-03-14T14:05:32Z,info,three\n";
    let offset = text.find("info,two").unwrap();
    let events = vec![
        resumed(text, 0, offset),
        data(text, 0, offset, offset + 3),
        barrier(),
    ];
    let (before, stopped) = run(found(following(events, Carried::default())));
    assert_eq!(before, []);
    let events = vec![
        resumed(text, 0, offset + 3),
        data(text, 0, offset + 3, text.len()),
        end(0),
    ];
    let (after, _) = run(found(following(events, stopped.unwrap().carried)));
    let texts: Vec<_> = after.iter().map(|(_, _, text, _)| text.as_str()).collect();
    assert_eq!(texts, ["2026-03-14T14:05:32Z,info,three\n"]);
    let three = text.find("2026-03-14T14:05:32Z").unwrap() as u64;
    assert_eq!(
        (after[0].1, after[0].3),
        (three, Some(1_773_497_132_000_000_000))
    );
}

#[test]
fn what_was_kept_of_another_place_is_told_and_not_used() {
    let text = "{\"a\":1}\n{\"a\":2}\n";
    let events = vec![data(text, 0, 0, 8), barrier()];
    let (_, stopped) = run(found(following(events, Carried::default())));
    let events = stream::iter([resumed(text, 0, 16)]);
    let carried = stopped.unwrap().carried;
    let following = follow_events(events, carried, None, search("*"), options());
    let told: Vec<_> = run(following.collect());
    let [Event::Problem(problem)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(
        problem.to_string(),
        "cannot go on with \"app.log\": what was kept of it is of another place than byte 16"
    );
}

#[test]
fn that_a_source_is_over_is_told_once_whether_something_was_held_back_or_not() {
    let (_, again) = LOGS[0];
    // A text without a newline is held back, and lines of JSON are not.
    for (text, pauses) in [
        (again.repeat(3), true),
        (again.repeat(3), false),
        ("text".to_owned(), true),
    ] {
        let told = run(async {
            let events =
                stream::iter([data(&text, 1, 0, text.len())]).chain(stream::once(async move {
                    if pauses {
                        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    }
                    end(1)
                }));
            let mut following =
                follow_events(events, Carried::default(), None, search("*"), options());
            let mut told = Vec::new();
            while let Some(event) = following.next().await {
                if let Event::Batch(batch) = event {
                    told.push(batch.last);
                }
            }
            told
        });
        assert_eq!(
            told.iter().filter(|last| **last).count(),
            1,
            "{text:?} {told:?}"
        );
        assert_eq!(told.last(), Some(&true), "{text:?} {told:?}");
    }
}
