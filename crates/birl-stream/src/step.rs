//! What a closure that is called for each item may return: a value, or a future of it.

use std::future::{Ready, ready};

/// A value of `T`, or a future of one: what the closures of [`each`](crate::FlowExt::each) and
/// [`try_each`](crate::TryFlowExt::try_each) return.
///
/// `M` says which of the two it is, [`Now`] or [`Later`]. The compiler finds it.
#[diagnostic::on_unimplemented(
    message = "the closure must return `{T}` or a future of it, and returns `{Self}`",
    label = "returns `{Self}`",
    note = "its body ends with `;` where `()` is wanted, and with `Ok(())` where a `Result` is"
)]
pub trait Step<T, M> {
    /// What is awaited before the next item.
    type Future: Future<Output = T>;

    /// Makes a future of what the closure returned.
    fn into_step(self) -> Self::Future;
}

/// Stands for closures that return a value.
#[derive(Debug)]
pub enum Now {}

/// Stands for closures that return a future.
#[derive(Debug)]
pub enum Later {}

// For every type, as the other: with a single candidate the compiler would complain of what that
// lacks, and not with the message above.
impl<T, R> Step<T, Now> for R
where
    Ready<R>: Future<Output = T>,
{
    type Future = Ready<R>;

    fn into_step(self) -> Ready<R> {
        ready(self)
    }
}

impl<T, Fut: Future<Output = T>> Step<T, Later> for Fut {
    type Future = Fut;

    fn into_step(self) -> Fut {
        self
    }
}
