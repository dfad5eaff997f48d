//! The adapters as users see them: through the prelude, on real runtimes.

mod batched;
mod blocking_iter;
mod buffer;
mod contract;
mod debounce;
mod dedup;
mod each;
mod examples;
mod idle_timeout;
mod into_stream;
mod iter;
mod latest_with;
mod lines;
mod merge_sorted;
mod meter;
mod on_error;
mod par_by_key;
mod par_chunks;
mod par_flat_map;
mod par_map;
mod prefetch;
mod probe;
mod rate_limit;
mod reconnect;
mod retry_each;
mod sample_every;
mod share;
mod side_by_side;
mod snooze;
mod stream_fn;
mod testing;
mod timed;
mod try_each;
mod try_par_each;
mod window;
mod windowed;

/// A place in this package, of which a test may be built once and run in another clone.
fn in_package(place: &str) -> std::path::PathBuf {
    let built_in = || env!("CARGO_MANIFEST_DIR").into();
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(built_in, std::path::PathBuf::from)
        .join(place)
}
