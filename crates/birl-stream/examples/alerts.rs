//! A log analyzer: reads a file of any size line by line, and prints an alert for each error. It
//! goes on past lines that are no text.

#![expect(clippy::print_stdout, reason = "examples print")]

use std::io;

use birl_stream::prelude::*;

#[tokio::main]
async fn main() -> io::Result<()> {
    let path = std::env::args_os().nth(1).expect("usage: alerts FILE");

    let mut bad = 0;
    let mut lines = lines(path);
    while let Some(line) = lines.next().await {
        // Only that the file cannot be read is an error, and it comes once. That a line is no text
        // is a property of the line.
        let line = line?;
        match line.to_str() {
            Ok(text) if text.contains("ERROR") => println!("Alert: {text}"),
            Ok(_) => {}
            Err(_) => bad += 1,
        }
    }
    println!("Lines that are no text: {bad}");
    Ok(())
}
