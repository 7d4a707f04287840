//! The binary: arguments, log, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use sc_job::args::Args;
use sc_job::{memory, output, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    output::start_log(args.verbose);
    memory::close();
    ExitCode::from(run::run(&args).await)
}
