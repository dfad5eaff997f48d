//! Whether the other side of a WebSocket is still there.

use birl_net::websocket::{Message, WebSocket};
use tokio::time::{Instant, sleep_until};

use super::failure::Failure;
use crate::live::Options;

/// How long nothing has been heard, and what is done about it.
///
/// Any byte that arrives is a sign of life. After [`Options::ping_after`] the other side is pinged, and
/// after [`Options::pong_timeout`] more it is given up.
#[derive(Debug)]
pub struct Silence<'a> {
    options: &'a Options,
    /// When something was heard last, or the other side was asked.
    since: Instant,
    /// How many bytes had arrived by then.
    received: u64,
    is_asked: bool,
}

impl<'a> Silence<'a> {
    /// Nothing has been heard on `socket` from now on.
    pub fn new(options: &'a Options, socket: &WebSocket) -> Self {
        Self {
            options,
            since: Instant::now(),
            received: socket.received(),
            is_asked: false,
        }
    }

    /// The next message; `None` when the connection has ended. After a silence the other side is asked,
    /// and then given up. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// If the connection is lost, or given up.
    pub async fn receive(&mut self, socket: &mut WebSocket) -> Result<Option<Message>, Failure> {
        loop {
            let limit = match self.is_asked {
                true => self.options.pong_timeout,
                false => self.options.ping_after,
            };
            tokio::select! {
                biased;
                message = socket.receive() => {
                    *self = Self::new(self.options, socket);
                    return message.map_err(|error| Failure::passing(error.to_string()));
                }
                () = sleep_until(self.since + limit) => {}
            }
            if socket.received() != self.received {
                // A long message is on its way.
                *self = Self::new(self.options, socket);
            } else if self.is_asked {
                socket.send_close(1001, "no answer");
                let silent = self.options.ping_after + self.options.pong_timeout;
                let reason = format!("the server said nothing for {} s", silent.as_secs_f64());
                return Err(Failure::passing(reason));
            } else {
                let asked = socket.send_ping();
                asked.map_err(|error| Failure::passing(error.to_string()))?;
                self.since = Instant::now();
                self.is_asked = true;
            }
        }
    }
}
