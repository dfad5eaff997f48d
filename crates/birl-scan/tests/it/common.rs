//! What the tests of scans have in common.

use std::path::Path;

use birl_record::query;
use birl_record::search::Search;
use birl_scan::{Batch, Event, Options, scan};
use birl_source::name::Name;
use birl_source::walk::WalkOptions;
use futures::StreamExt;

pub(crate) fn search(query: &str) -> Search {
    let term = query::parse_search(query).unwrap();
    Search::new(&term, Default::default()).unwrap()
}

/// All events of a scan over `names`.
pub(crate) fn events(names: &[&Path], query: &str, options: Options) -> Vec<Event> {
    events_of(names, search(query), options)
}

/// The same with a search that is more than a query.
pub(crate) fn events_of(names: &[&Path], search: Search, options: Options) -> Vec<Event> {
    let names = names
        .iter()
        .map(|path| Name::parse(path.as_os_str()).unwrap())
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let scan = async {
        scan(names, WalkOptions::default(), search, options)
            .collect()
            .await
    };
    runtime.block_on(scan)
}

pub(crate) fn batches(events: Vec<Event>) -> Vec<Batch> {
    let batch = |event| match event {
        Event::Batch(batch) => batch,
        other => panic!("{other:?}"),
    };
    events.into_iter().map(batch).collect()
}
