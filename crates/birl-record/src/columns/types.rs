//! The types of columns.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, TimeUnit};

/// The type of a column's values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Whole numbers of 64 bits, with a sign.
    Int,
    /// Numbers of 64 bits, with a fraction.
    Float,
    /// `true` and `false`.
    Bool,
    /// Text; of an object or a list it is the JSON as it is written.
    Text,
    /// Instants, to the nanosecond.
    Timestamp,
    /// Lists of such values.
    List(Box<Type>),
}

impl Type {
    /// What Arrow calls it.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Text => DataType::Utf8View,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::List(element) => DataType::List(element.as_element()),
        }
    }

    /// The field of Arrow that the elements of a list are.
    pub(super) fn as_element(&self) -> FieldRef {
        Arc::new(Field::new_list_field(self.data_type(), true))
    }
}
