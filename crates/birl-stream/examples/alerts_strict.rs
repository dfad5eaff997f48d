//! A log analyzer that stops at the first error, be it of reading or a line that is no text.

#![expect(clippy::print_stdout, reason = "examples print")]

use std::error::Error;

use birl_stream::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os()
        .nth(1)
        .expect("usage: alerts_strict FILE");

    let mut lines = lines(path);
    while let Some(line) = lines.next().await {
        let line = line?;
        let text = line
            .to_str()
            .map_err(|error| format!("line {}: {error}", line.number()))?;
        if text.contains("ERROR") {
            println!("Alert: {text}");
        }
    }
    Ok(())
}
