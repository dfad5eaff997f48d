//! Misfits: values that do not fit the type of their column.

use std::collections::BTreeMap;

/// The values that did not fit the types of their columns, and are null there, by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfits {
    columns: BTreeMap<String, Misfit>,
}

/// What did not fit a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// How many values.
    pub count: u64,
    /// How many of them are numbers, which a column of floats would take.
    pub numbers: u64,
    /// One of them, as it is meant.
    pub value: String,
    /// What the source is called in which it stands.
    pub source: String,
    /// Where its record begins there, in bytes from the start of the (decoded) source.
    pub offset: u64,
}

/// No more of a value is kept as an example.
const VALUE_CHARS_MAX: usize = 80;

impl Misfit {
    /// That values of the column `name` are null since they do not fit; `count` is how many, for people.
    pub fn words(&self, name: &str, count: impl std::fmt::Display) -> String {
        let (values, are) = match self.count {
            1 => ("value", "is"),
            _ => ("values", "are"),
        };
        format!(
            "{count} {values} of {name:?} {are} null, since samples of it are of another type: \
             {:?} in {} at byte {}",
            self.value, self.source, self.offset,
        )
    }
}

impl Misfits {
    /// The columns that have some, by name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Misfit)> {
        let columns = self.columns.iter();
        columns.map(|(name, misfit)| (name.as_str(), misfit))
    }

    /// Whether all values fitted.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// How many values did not fit, in all.
    pub fn count(&self) -> u64 {
        self.columns.values().map(|misfit| misfit.count).sum()
    }

    /// Counts a value of the column `name`.
    pub(super) fn add(
        &mut self,
        name: &str,
        value: &[u8],
        is_number: bool,
        source: &[u8],
        offset: u64,
    ) {
        let misfit = self.columns.entry(name.to_owned());
        let misfit = misfit.or_insert_with(|| {
            let value = String::from_utf8_lossy(value);
            Misfit {
                count: 0,
                numbers: 0,
                value: value.chars().take(VALUE_CHARS_MAX).collect(),
                source: String::from_utf8_lossy(source).into_owned(),
                offset,
            }
        });
        misfit.count += 1;
        misfit.numbers += u64::from(is_number);
    }

    /// Counts what another has counted. Of two examples from one source, the earlier is kept, so
    /// that the order in which chunks are read does not show.
    pub fn absorb(&mut self, other: &Self) {
        for (name, more) in &other.columns {
            let Some(misfit) = self.columns.get_mut(name) else {
                self.columns.insert(name.clone(), more.clone());
                continue;
            };
            let place = |misfit: &Misfit| (misfit.source.clone(), misfit.offset);
            let (count, numbers) = (misfit.count + more.count, misfit.numbers + more.numbers);
            if place(more) < place(misfit) {
                *misfit = more.clone();
            }
            (misfit.count, misfit.numbers) = (count, numbers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misfits_of_several_chunks_are_told_as_one() {
        let misfit = |source: &str, offset| Misfit {
            count: 2,
            numbers: 1,
            value: format!("at {offset}"),
            source: source.to_owned(),
            offset,
        };
        let of = |misfit| Misfits {
            columns: [("v".to_owned(), misfit)].into(),
        };
        let mut sum = of(misfit("a", 50));
        sum.absorb(&of(misfit("a", 20)));
        sum.absorb(&of(misfit("b", 0)));
        let expected = Misfit {
            count: 6,
            numbers: 3,
            ..misfit("a", 20)
        };
        assert_eq!(sum, of(expected));
        assert_eq!(sum.count(), 6);
    }
}
