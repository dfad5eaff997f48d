//! The adapters as users see them: through the prelude, on real runtimes.

mod batched;
mod blocking_iter;
mod buffer;
mod contract;
mod debounce;
mod dedup;
mod each;
mod examples;
mod into_stream;
mod iter;
mod lines;
mod meter;
mod on_error;
mod par_flat_map;
mod par_map;
mod prefetch;
mod probe;
mod reconnect;
mod sample_every;
mod side_by_side;
mod snooze;
mod stream_fn;
mod testing;
mod timed;
mod try_each;
mod window;
