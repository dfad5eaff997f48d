//! What has been asked over HTTP, and is not answered.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use birl_net::{Connector, Error as NetError};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use crate::call::{Call, Reply};
use crate::lanes::Ticket;

/// Who has asked.
#[derive(Debug)]
pub(super) enum Asker {
    /// A post, on its way.
    Post(Ticket),
    /// The service, with a number of its own.
    Service(u64),
}

/// Who has asked, what was asked last, and what the answer to that is.
pub(super) type Answer = (Asker, Call, Result<Reply, NetError>);

/// The calls that are under way. They go on only while somebody polls.
#[derive(Default)]
pub(super) struct Calls {
    under_way: FuturesUnordered<BoxFuture<'static, Answer>>,
    answers: Vec<Answer>,
}

impl Calls {
    pub(super) fn start(&mut self, asker: Asker, call: Call, connector: Arc<Connector>) {
        let asking = async move {
            let (call, reply) = call.send_all(&connector).await;
            (asker, call, reply)
        };
        self.under_way.push(Box::pin(asking));
    }

    /// Waits until there are answers.
    pub(super) fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(answer)) = self.under_way.poll_next_unpin(cx) {
            self.answers.push(answer);
        }
        match self.answers.is_empty() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// The same.
    pub(super) async fn answered(&mut self) {
        poll_fn(|cx| self.poll_answered(cx)).await;
    }

    /// Lets calls go on while something else is waited for.
    pub(super) async fn meanwhile<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        poll_fn(|cx| {
            let _ = self.poll_answered(cx);
            other.as_mut().poll(cx)
        })
        .await
    }

    /// The answers that have come.
    pub(super) fn take(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }
}
