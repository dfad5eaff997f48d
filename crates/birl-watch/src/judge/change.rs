//! A value that is another one than before.

use serde_json::{Map, Value};

use super::known::Known;
use super::{Found, text_of};
use crate::life::Group;

/// Knows the last value of each group.
#[derive(Debug)]
pub(crate) struct Change {
    field: String,
    last: Known<String>,
}

impl Change {
    pub(crate) fn new(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            last: Known::new(),
        }
    }

    /// The last value of each group.
    pub(crate) fn values(&self) -> Vec<(&Group, &String)> {
        self.last.iter().collect()
    }

    pub(crate) fn restore(&mut self, values: Vec<(Group, String)>) {
        // When they were seen is not known: those that are seen again are newer.
        for (group, value) in values {
            self.last.insert(group, value, i64::MIN);
        }
    }

    /// How many groups were forgotten, since there was no room for them.
    pub(crate) fn forgotten(&self) -> u64 {
        self.last.forgotten()
    }

    pub(crate) fn record(
        &mut self,
        group: Group,
        mut values: Map<String, Value>,
        time: i64,
    ) -> Option<Found> {
        // A record that does not have the field says nothing of it.
        let value = text_of(values.get(&self.field)?)?;
        let before = self.last.insert(group.clone(), value.clone(), time);
        let before = before.map(|(before, _)| before);
        let before = before.filter(|before| *before != value)?;
        values.insert("before".to_owned(), before.into());
        values.insert("after".to_owned(), value.into());
        Some((group, values))
    }
}
