//! The binary: arguments, log, run, exit code.

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use sc_job::args::{Args, Task};
use sc_job::output::{self, Output};
use sc_job::{memory, probe, run};
use spinning_top::RawSpinlock;
use talc::TalcLock;
use talc::source::GlobalAllocSource;

/// That of musl takes a fourth of the time. This one is of few kilobytes; its lock, which one thread never waits for, costs two instructions.
#[global_allocator]
static ALLOCATOR: TalcLock<RawSpinlock, GlobalAllocSource<System>> = TalcLock::new(GlobalAllocSource::new(System));

fn main() -> ExitCode {
    let args = Args::parse();
    output::start_log(args.verbose);
    memory::close();
    ExitCode::from(match args.task {
        Task::Probe => probe::run(&args, &Output::standard()),
        Task::Apply | Task::Check | Task::Cleanup => in_cluster(&args),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn in_cluster(args: &Args) -> u8 {
    run::run(args).await
}
