//! Which rules a message meets, and what they say.

use birl_record::format::{Known, Parser};
use birl_record::query::tree::Term;
use birl_record::search::{Options, Records, Set};
use birl_record::time::Clock;
use birl_watch::template::Template;

use crate::record::MessageRecord;

/// What is said about a message that a search finds.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The search.
    pub query: Term,
    /// What is said, with the names of fields in braces.
    pub text: Template,
}

/// All rules of a chat, compiled into one.
#[derive(Debug)]
pub struct Rules {
    set: Set,
    texts: Vec<Template>,
    parser: Parser,
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// If a search cannot be compiled, with the number of its rule.
    pub fn new(
        replies: &[Reply],
        clock: &Clock,
    ) -> Result<Self, (usize, birl_record::query::Error)> {
        let terms: Vec<_> = replies.iter().map(|reply| reply.query.clone()).collect();
        let json = Known::named("json").expect("JSON is known");
        Ok(Self {
            set: Set::new(&terms, Options::default(), clock)?,
            texts: replies.iter().map(|reply| reply.text.clone()).collect(),
            parser: Parser::forced(json, &[], clock.now).expect("JSON needs no header"),
        })
    }

    /// What is to be said about a message, in the order of the rules.
    pub fn replies(&self, record: &MessageRecord) -> Vec<String> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        let chunk = serde_json::to_vec(record).expect("its names are text");
        let records = Records {
            chunk: &chunk,
            parser: &self.parser,
            source: b"",
            offset: 0,
            is_start: true,
            times: None,
        };
        let met = self.set.finds(&records, 0..chunk.len());
        let texts = met
            .into_iter()
            .map(|rule| self.texts[rule].fill(|name| record.field(name)));
        texts.filter(|text| !text.is_empty()).collect()
    }
}
