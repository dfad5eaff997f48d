//! Any text is a query or an error that points into it, and a query prints as text that says the
//! same.
//!
//! `cargo +nightly fuzz run query -- -dict=fuzz/query.dict`, or on a stable toolchain
//! `cargo fuzz run --sanitizer none query -- -dict=fuzz/query.dict`.

#![no_main]

use birl_record::query::{parse, parse_search, tree::Query};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(query) => assert_says_the_same(&query, &query.to_string()),
        Err(error) => {
            assert!(text.get(error.span()).is_some(), "{error:?}");
            error.render(text);
        }
    }
    if let Err(error) = parse_search(text) {
        error.render(text);
    }
});

fn assert_says_the_same(query: &Query, printed: &str) {
    let again = parse(printed).unwrap_or_else(|error| panic!("{}", error.render(printed)));
    let texts = |query: &Query| -> Vec<String> {
        query.steps.iter().map(|step| step.text.clone()).collect()
    };
    assert_eq!(
        again.search.to_string(),
        query.search.to_string(),
        "{printed:?}"
    );
    assert_eq!(texts(&again), texts(query), "{printed:?}");
    assert_eq!(again.sql.is_some(), query.sql.is_some(), "{printed:?}");
}
