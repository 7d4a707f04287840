//! Runs a program and prints as JSON what it took: milliseconds, microseconds of CPU, peak memory in KiB, and its exit code.
//!
//! Rule: this program stays small. Linux counts the memory of whoever starts a program as the least that the program has ever had.

use std::env;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use sc_bench::output;

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().context("usage: timed PROGRAM [ARGUMENT]...")?;
    let begin = Instant::now();
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status().context("failed to start it")?;
    let milliseconds = begin.elapsed().as_secs_f64() * 1000.0;
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    let code = status.code().map_or_else(|| "null".to_owned(), |code| code.to_string());
    let peak = used.max_rss();
    output::print(&format!(r#"{{"milliseconds": {milliseconds:.1}, "cpu_microseconds": {cpu}, "peak_kib": {peak}, "code": {code}}}"#))?;
    Ok(())
}
