//! The adapters as users see them: through the prelude, on real runtimes.

mod par_flat_map;
mod probe;
