//! What a consumer sees when the work behind its stream comes to a bad end.

use std::any::Any;
use std::panic::resume_unwind;

use tokio::task::JoinError;

/// What a panic carried.
pub(crate) type Panic = Box<dyn Any + Send>;

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
