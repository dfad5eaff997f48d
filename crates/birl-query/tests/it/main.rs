//! Queries over files, from their text to their answers.

mod broken;
mod pushdown;
