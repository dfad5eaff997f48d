//! Requests and answers as lines of JSON, for whoever is in another process.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Control, Error, Letters, Silence};

/// What is asked, on a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Asked {
    Alerts,
    Ack {
        alert: String,
        by: String,
        #[serde(default)]
        comment: String,
    },
    Unack {
        alert: String,
    },
    Silence {
        silence: Silence,
    },
    Unsilence {
        number: i64,
    },
    Silences,
    Why {
        of: String,
    },
    Letters {
        what: Letters,
        #[serde(default)]
        numbers: Vec<i64>,
    },
}

/// What is answered, on a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    Answer(Value),
    Error(Error),
}

impl Control {
    /// Answers what stands on a line, without its newline; the answer has none either.
    ///
    /// Dropping the future gives up the answer, and not what was asked for.
    pub(crate) async fn answer_line(&self, line: &[u8]) -> String {
        let answered = match serde_json::from_slice(line) {
            Ok(asked) => self.answer(asked).await,
            Err(error) => Err(Error::new(format!("this asks nothing: {error}"))),
        };
        let answered = match answered {
            Ok(answer) => Answered::Answer(answer),
            Err(error) => Answered::Error(error),
        };
        serde_json::to_string(&answered).expect("it has only texts, numbers and names")
    }

    async fn answer(&self, asked: Asked) -> Result<Value, Error> {
        fn json(answer: impl Serialize) -> Value {
            serde_json::to_value(answer).expect("it has only texts, numbers and names")
        }
        Ok(match asked {
            Asked::Alerts => json(self.alerts().await?),
            Asked::Ack { alert, by, comment } => json(self.ack(&alert, &by, &comment).await?),
            Asked::Unack { alert } => json(self.unack(&alert).await?),
            Asked::Silence { silence } => json(self.silence(silence).await?),
            Asked::Unsilence { number } => json(self.unsilence(number).await?),
            Asked::Silences => json(self.silences().await?),
            Asked::Why { of } => json(self.why(&of).await?),
            Asked::Letters { what, numbers } => json(self.letters(what, &numbers).await?),
        })
    }
}
