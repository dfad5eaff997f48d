//! What a consumer sees when the work behind its stream comes to a bad end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;
use tokio::task::JoinError;

/// What a panic carried.
pub(crate) type Panic = Box<dyn Any + Send>;

/// What work came to. A failure without a panic stands for work that was stopped from outside.
pub(crate) type End = Result<(), Option<Panic>>;

/// Does the work, and tells what it came to, even if that is to be dropped.
///
/// What the work owns is dropped before that, if it is an `async fn`'s.
pub(crate) fn supervised(
    work: impl Future<Output = ()>,
    tell: impl FnOnce(End),
) -> impl Future<Output = ()> {
    let guard = Guard {
        tell: Some(tell),
        end: Err(None),
    };
    async move {
        let mut guard = guard;
        guard.end = AssertUnwindSafe(work).catch_unwind().await.map_err(Some);
    }
}

struct Guard<F: FnOnce(End)> {
    tell: Option<F>,
    end: End,
}

impl<F: FnOnce(End)> Drop for Guard<F> {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut self.end, Err(None));
        if let Some(tell) = self.tell.take() {
            tell(end);
        }
    }
}

/// Goes on with a panic; `None` stands for work that was stopped, and not by the consumer.
pub(crate) fn resume(panic: Option<Panic>) -> ! {
    match panic {
        Some(panic) => resume_unwind(panic),
        // To end quietly here would pass for the end of the data.
        None => panic!("the runtime that worked for this stream was shut down before its end"),
    }
}

/// Goes on with the panic that a task ended with.
pub(crate) fn resume_task(error: JoinError) -> ! {
    resume(error.try_into_panic().ok())
}
