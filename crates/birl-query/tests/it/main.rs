//! Queries over files, from their text to their answers.

mod broken;
mod guide;
mod pushdown;
