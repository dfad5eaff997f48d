//! A value that is another one than before.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Found, text_of};
use crate::life::Group;

/// Knows the last value of each group.
#[derive(Debug)]
pub(crate) struct Change {
    field: String,
    last: HashMap<Group, String>,
}

impl Change {
    pub(crate) fn new(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            last: HashMap::new(),
        }
    }

    /// The last value of each group.
    pub(crate) fn values(&self) -> Vec<(&Group, &String)> {
        self.last.iter().collect()
    }

    pub(crate) fn restore(&mut self, values: Vec<(Group, String)>) {
        self.last.extend(values);
    }

    pub(crate) fn record(&mut self, group: Group, mut values: Map<String, Value>) -> Option<Found> {
        // A record that does not have the field says nothing of it.
        let value = text_of(values.get(&self.field)?)?;
        let before = self.last.insert(group.clone(), value.clone());
        let before = before.filter(|before| *before != value)?;
        values.insert("before".to_owned(), before.into());
        values.insert("after".to_owned(), value.into());
        Some((group, values))
    }
}
