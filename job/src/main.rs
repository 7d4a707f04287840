//! The binary: arguments, log, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use sc_job::args::Args;
use sc_job::{memory, output, run};

/// That of musl takes more than a fourth of all instructions (callgrind, planning 2,000 connections); this one is Rust, and of few kilobytes.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    output::start_log(args.verbose);
    memory::close();
    ExitCode::from(run::run(&args).await)
}
