//! birl
fn main() {}
