//! From the records of logs and a query to a stream of answers.
//!
//! A query is a search, a pipe, SQL, or all of them; here it is planned and run. This is the only
//! crate that names DataFusion. Its modules, as a query passes them:
//!
//! - [`Session`]: what queries are asked of;
//! - `pipe`: the SQL that it is, step for step, in the dialect of birl;
//! - `statement`: what is done to the SQL that it comes to before it is planned;
//! - `multiset`: what several rows that are the same are to `intersect all`;
//! - `mode`, `asserted`, `moments`: functions that SQL does not have;
//! - `overflow`: whole numbers that grow beyond 64 bits;
//! - `rewritten`: a plan with each of its expressions rewritten;
//! - `compared`: comparisons that can be true of nothing;
//! - `orders`: what aggregates are ordered by;
//! - `numbers`: texts as the numbers that they read like;
//! - `flags`: fields as conditions that are not true or false in all records;
//! - `casts`: texts that are to be of another type, and cannot be;
//! - `tables`: which columns it needs, of which tables;
//! - `table`: the table `logs`, whose columns are the fields of records;
//! - `pushdown`: what of a query the search of records answers, before a row is made;
//! - `in_order`: rows in the order of the input;
//! - `sort_keys`: sorts by what is cast;
//! - `guessed`: columns of texts that may be numbers, as those of pipes;
//! - [`GiveUp`]: what ends a join that takes long;
//! - `leaf`: what all plan nodes without inputs answer alike;
//! - `scan`: the plan node that makes rows of the records that a scan finds;
//! - `stands`: whether rows are records as they stand;
//! - [`Plan`]: a query that can be run;
//! - [`Answers`]: the stream of its answers;
//! - `mistake`: what is wrong with a query that cannot be planned;
//! - `gaps`: bins of time in which nothing was;
//! - `snapshots`: answers while the input is still being read;
//! - [`Live`]: answers over sources that do not end;
//! - [`Condition`]: what is true of rows of an answer;
//! - `rising`: what of that stays true while records come;
//! - [`bound`]: queries with places for values.

mod answer;
mod asserted;
pub mod bound;
mod casts;
mod compared;
mod condition;
mod dialect;
mod division;
mod error;
mod flags;
mod gaps;
mod give_up;
mod guessed;
mod in_order;
mod joined;
mod leaf;
mod live;
mod mistake;
mod mode;
mod moments;
mod multiset;
mod numbers;
mod orders;
mod overflow;
mod percentile;
mod pipe;
mod plan;
mod pushdown;
mod rewritten;
mod rising;
mod scan;
mod session;
mod snapshots;
mod sort_keys;
mod stands;
mod statement;
mod table;
mod tables;
mod walk;

pub use answer::{Answer, Answers};
pub use casts::Misread;
pub use condition::Condition;
pub use datafusion::arrow::array::RecordBatch as Rows;
pub use datafusion::arrow::datatypes::SchemaRef as Schema;
pub use error::Error;
pub use give_up::GiveUp;
pub use live::{
    Closing, Live, Over, Resume, Stop, Watches, WindowCounts, begun_of_state, fields_of_state,
};
pub use pipe::{Chart, nearest, reads_as_step};
pub use plan::{Kind, Plan, Scans};
pub use session::{Limits, Session, Sources};
