//! What is said while it runs, to standard error; nothing else prints.

use std::io::Write;
use std::sync::LazyLock;
use std::time::Instant;

static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Says what is going on, with the seconds since the first line. Output that nobody takes is no reason to stop measuring.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "[{:4} s] {line}", BEGIN.elapsed().as_secs());
}

/// Prints a result to standard output.
///
/// # Errors
/// If nobody takes it.
pub fn print(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}
