//! The one printer: what was asked for to standard output, what is to be said about it to standard error.
//!
//! Rule: no colour and no cursor movement, so that a terminal, a file and `NO_COLOR` all get the same text.

use std::io::{self, ErrorKind, Write as _};

use anyhow::{Context, Result};
use sc_core::problem::Problem;

/// Prints to standard output. A reader who has seen enough and closed the pipe is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("failed to write to standard output"),
        _ => Ok(()),
    }
}

/// The width of the terminal that standard output is; nothing if it is none.
pub(crate) fn width() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
}

/// Says one line.
pub(crate) fn say(line: &str) {
    // Where nobody listens, nothing is left to be said.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Says what is wrong, where, and how to mend it.
pub(crate) fn problem(problem: &Problem, advice: Option<Advice>) {
    let Advice { what, fix } = advice.unwrap_or_else(|| Advice { what: problem.to_string(), fix: problem.fix() });
    say(&format!("error: {what}\n   at: {}\n  fix: {fix}", problem.at));
}

/// What to say of a problem where a terminal calls for other words than a cluster.
pub(crate) struct Advice {
    /// What is wrong.
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) fix: String,
}

/// Says why a command could not do its work.
pub(crate) fn failure(error: &anyhow::Error) {
    say(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        say(&format!("  why: {cause}"));
    }
}
