//! Whether the other side of a connection is still there.

use std::time::Duration;

use birl_net::websocket::{Message, WebSocket};
use tokio::time::{Instant, sleep_until};

use super::failure::Failure;
use crate::live::Options;

/// How long nothing has been heard, and what is done about it.
///
/// Any byte that arrives is a sign of life. After [`Options::ping_after`] the other side is asked, and
/// after [`Options::pong_timeout`] more it is given up.
#[derive(Debug)]
pub struct Silence {
    ping_after: Duration,
    pong_timeout: Duration,
    /// When something was heard last, or the other side was asked.
    since: Instant,
    /// How many bytes had arrived by then.
    received: u64,
    is_asked: bool,
}

/// What is to be done when a [`Silence`] has lasted until its deadline.
#[derive(Debug)]
pub enum Due {
    /// Nothing: a long message is on its way.
    Nothing,
    /// The other side is to be asked whether it is there.
    Ask,
    /// The connection is to be given up.
    GiveUp(Failure),
}

impl Silence {
    /// Nothing is heard from now on, on a connection over which so many bytes have come.
    pub fn new(options: &Options, received: u64) -> Self {
        Self {
            ping_after: options.ping_after,
            pong_timeout: options.pong_timeout,
            since: Instant::now(),
            received,
            is_asked: false,
        }
    }

    /// Something has been heard: so many bytes have come by now.
    pub fn heard(&mut self, received: u64) {
        self.since = Instant::now();
        self.received = received;
        self.is_asked = false;
    }

    /// When something is due, if nothing is heard.
    pub fn deadline(&self) -> Instant {
        self.since
            + match self.is_asked {
                true => self.pong_timeout,
                false => self.ping_after,
            }
    }

    /// What is due, now that the deadline has passed and so many bytes have come.
    pub fn passed(&mut self, received: u64) -> Due {
        if received != self.received {
            self.heard(received);
            return Due::Nothing;
        }
        if self.is_asked {
            let silent = self.ping_after + self.pong_timeout;
            let reason = format!("the server said nothing for {} s", silent.as_secs_f64());
            return Due::GiveUp(Failure::passing(reason));
        }
        self.since = Instant::now();
        self.is_asked = true;
        Due::Ask
    }

    /// The next message of `socket`; `None` when the connection has ended. After a silence the other
    /// side is asked, and then given up. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// If the connection is lost, or given up.
    pub async fn receive(&mut self, socket: &mut WebSocket) -> Result<Option<Message>, Failure> {
        let passing = |error: birl_net::Error| Failure::passing(error.to_string());
        loop {
            tokio::select! {
                biased;
                message = socket.receive() => {
                    self.heard(socket.received());
                    return message.map_err(passing);
                }
                () = sleep_until(self.deadline()) => {}
            }
            match self.passed(socket.received()) {
                Due::Nothing => {}
                Due::Ask => socket.send_ping().map_err(passing)?,
                Due::GiveUp(failure) => {
                    socket.send_close(1001, "no answer");
                    return Err(failure);
                }
            }
        }
    }
}
