//! Messages that are not passed on, since they are too long or cannot be read.

/// How many messages were left out for one reason. It is told the more seldom the more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(u64);

impl LeftOut {
    /// One more is `what`, as not JSON; gives what is to be told of that, if anything, the first time with a
    /// `hint` of what can be done.
    pub fn count(&mut self, what: &str, hint: &str) -> Option<String> {
        self.0 += 1;
        match self.0 {
            1 => Some(format!("a message is {what}, and left out{hint}")),
            count if count.is_power_of_two() => {
                Some(format!("{count} messages so far are {what}, and left out"))
            }
            _ => None,
        }
    }
}

/// A message is let by to its end that is no longer than so many bytes. What is announced to be longer, or goes
/// on for longer, is no message: whoever waits for its end hears nothing more.
pub fn let_by_bytes_max(message_bytes_max: usize) -> u64 {
    (message_bytes_max as u64).saturating_mul(64).max(1 << 30)
}

/// Why a message of so many bytes, or more, is not let by.
pub fn not_let_by(bytes: u64) -> String {
    format!("a message has {bytes} bytes or more, far more than allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_the_more_seldom_the_more_there_are() {
        let mut left_out = LeftOut::default();
        let told: Vec<_> = (0..9)
            .filter_map(|_| left_out.count("odd", "; so"))
            .collect();
        assert_eq!(
            told,
            [
                "a message is odd, and left out; so",
                "2 messages so far are odd, and left out",
                "4 messages so far are odd, and left out",
                "8 messages so far are odd, and left out",
            ]
        );
    }
}
