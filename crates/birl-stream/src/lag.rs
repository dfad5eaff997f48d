//! What [`share`](crate::FlowExt::share) does with a consumer that is slower than the upstream.

use crate::Lagged;

use sealed::Sealed;

/// How a shared stream treats slow consumers: [`Wait`] or [`Drop`]. There is no third.
pub trait Lag: Sealed {
    /// What a consumer gets where the upstream gives a `T`.
    type Item<T>;

    #[doc(hidden)]
    const WAITS: bool;

    #[doc(hidden)]
    fn item<T>(taken: Result<T, Lagged>) -> Self::Item<T>;
}

/// The upstream waits for the slowest consumer: each gets all items, and only items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait;

/// The upstream waits for nobody: a slow consumer loses the oldest items, and is told how many by a
/// [`Lagged`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drop;

impl Sealed for Wait {}

impl Lag for Wait {
    type Item<T> = T;

    const WAITS: bool = true;

    fn item<T>(taken: Result<T, Lagged>) -> T {
        taken.expect("nothing is dropped before all have taken it")
    }
}

impl Sealed for Drop {}

impl Lag for Drop {
    type Item<T> = Result<T, Lagged>;

    const WAITS: bool = false;

    fn item<T>(taken: Result<T, Lagged>) -> Result<T, Lagged> {
        taken
    }
}

mod sealed {
    /// Keeps other crates from adding a third.
    pub trait Sealed {}
}
